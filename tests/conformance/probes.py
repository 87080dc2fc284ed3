"""What the suite does not look at: asked directly and through, the answers must be the same.

An answer is told in words in which host, prefix and sealed session are taken out, so that two texts
compare. A Location or Link that is not path-absolute under the client's own name keeps what is wrong
with it, and so differs.
"""

import hashlib
import json
import re

from rawhttp import Response

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCTETS = "application/octet-stream"

# Ours to write or to drop, or about one moment or one connection.
_NOT_COMPARED = {
    "connection", "date", "transfer-encoding", "vary", "x-content-type-options", "x-request-id",
}  # fmt: skip
_OF_AN_ERROR = {"content-length", "content-type"}  # Its code is compared, its sentence is not.
_UPLOAD = re.compile(r"(/v2/.+/blobs/uploads/)[^/]+")


class Side:
    """Where a probe asks: the registry itself, or a data plane in front of it."""

    def __init__(self, client, credential, prefix="", origin=""):
        """`prefix`: what clients here write before a repository; `origin`: of absolute Locations."""
        self.client, self.credential = client, credential
        self.prefix, self.origin = prefix, origin
        self.told = {}  # {name of the probe: what came back}

    def ask(self, method, target, headers=None, body=b""):
        """`target` names repositories without the prefix."""
        return self._send(method, target.replace("/v2/", "/v2/" + self.prefix), headers, body)

    def tell(self, name, answer):
        self.told[name] = self._words(answer)
        return answer

    def probe(self, name, method, target, headers=None, body=b""):
        return self.tell(name, self.ask(method, target, headers, body))

    def follow(self, location, method, headers=None, body=b"", query=""):
        """A request to a Location or Link as it came; if none came, an answer that says so."""
        if location is None:
            return Response(0, [("broken", "no Location")], b"")
        target = location.removeprefix(self.origin)
        if query:
            target += ("&" if "?" in target else "?") + query
        return self._send(method, target, headers, body)

    def _send(self, method, target, headers, body):
        try:
            return self.client.request(method, target, headers, body, **self.credential)
        except ConnectionError as error:
            return Response(0, [("broken", str(error))], b"")

    def _words(self, answer):
        told = [str(answer.status)]
        is_error = answer.status >= 400
        for name, value in sorted((name.lower(), value) for name, value in answer.headers):
            if name in ("location", "link"):
                value = self._neutral(value)
            elif name == "docker-upload-uuid":
                value = "given"
            if name not in _NOT_COMPARED and not (is_error and name in _OF_AN_ERROR):
                told.append(f"{name}={value}")
        if is_error:
            return " ".join(told + _error_codes(answer.body))
        names_itself = b'"name":' in answer.body and b'"tags":' in answer.body
        if names_itself:  # Its length is that of the name, too.
            told = [text for text in told if not text.startswith("content-length=")]
            body = answer.json()
            told.append(f"{body['name'].removeprefix(self.prefix)} {body['tags']}")
        elif answer.body:
            told.append("body " + hashlib.sha256(answer.body).hexdigest()[:12])
        return " ".join(told)

    def _neutral(self, value):
        """Without what tells the two sides apart. Of a query, the order of its keys says nothing."""
        before, path = ("<", value[1:]) if value.startswith("<") else ("", value)
        path = path.removeprefix(self.origin)
        if not path.startswith("/v2/" + self.prefix):
            return "FOREIGN " + value
        path, _, query = ("/v2/" + path.removeprefix("/v2/" + self.prefix)).partition("?")
        path, in_session = _UPLOAD.subn(r"\1SESSION", path)
        query, after = (query.rsplit(">", 1) + [""])[:2] if before else (query, "")
        if in_session or not query:  # The query is the registry's own.
            return before + path
        return f"{before}{path}?{'&'.join(sorted(query.split('&')))}{'>' if before else ''}{after}"


def run_probes(side, repository, other, seed):
    """Fills side.told; the same `seed` makes the same content on both sides."""
    for group in (_uploads, _cross_mounts, _sha512, _manifests, _reads, _tags, _referrers, _deletes):
        group(side, repository, other, seed)
    return side.told


def _content(seed, size=4096):
    return hashlib.shake_256(seed.encode()).digest(size)


def _digest(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def _begin(side, repository, query=""):
    answer = side.ask("POST", f"/v2/{repository}/blobs/uploads/{query}")
    assert answer.status == 202, answer
    return answer.header("Location")


def _push_blob(side, repository, data):
    answer = side.follow(
        _begin(side, repository), "PUT", {"Content-Type": OCTETS}, data, f"digest={_digest(data)}"
    )
    assert answer.status == 201, answer
    return _digest(data)


def _chunk(side, location, method, data, first, query=""):
    headers = {"Content-Type": OCTETS, "Content-Range": f"{first}-{first + len(data) - 1}"}
    return side.follow(location, method, headers, data, query)


def _uploads(side, repository, other, seed):
    data = _content(seed + "chunks")
    answer = side.probe("upload: begin", "POST", f"/v2/{repository}/blobs/uploads/")
    location = answer.header("Location")
    answer = side.tell("upload: a chunk", _chunk(side, location, "PATCH", data[:1500], 0))
    location = answer.header("Location")
    side.tell("upload: where it stands", side.follow(location, "GET"))
    answer = _chunk(side, location, "PATCH", data[1500:3000], 1500)
    side.tell("upload: the next chunk", answer)
    location = answer.header("Location")
    query = f"digest={_digest(data)}"
    answer = side.tell("upload: the end", _chunk(side, location, "PUT", data[3000:], 3000, query))
    side.tell("upload: what its Location names", side.follow(answer.header("Location"), "GET"))

    location = _begin(side, repository)
    side.tell("upload: a chunk too far", _chunk(side, location, "PATCH", data[3000:], 3000))
    side.tell("upload: where it stands then", side.follow(location, "GET"))

    whole = _content(seed + "whole")
    target = f"/v2/{repository}/blobs/uploads/?digest={_digest(whole)}"
    side.probe("upload: all in one POST", "POST", target, {"Content-Type": OCTETS}, whole)

    wrong = f"digest={_digest(b'another')}"
    location = _begin(side, repository)
    side.tell("upload: a wrong digest", side.follow(location, "PUT", {}, data, wrong))

    location = _begin(side, repository)
    side.tell("upload: cancel", side.follow(location, "DELETE"))
    side.tell("upload: where a cancelled one stands", side.follow(location, "GET"))
    side.tell("upload: cancel once more", side.follow(location, "DELETE"))


def _cross_mounts(side, repository, other, seed):
    digest = _push_blob(side, other, _content(seed + "mount"))
    source = (side.prefix + other).replace("/", "%2F")
    uploads = f"/v2/{repository}/blobs/uploads/"
    side.probe("mount: from", "POST", f"{uploads}?mount={digest}&from={source}")
    side.probe("mount: the mounted blob", "GET", f"/v2/{repository}/blobs/{digest}")
    missing = _digest(_content(seed + "nowhere"))
    side.probe("mount: of what is not there", "POST", f"{uploads}?mount={missing}&from={source}")
    side.probe("mount: from nowhere", "POST", f"{uploads}?mount={digest}")


def _sha512(side, repository, other, seed):
    data = _content(seed + "sha512")
    digest = _digest(data, "sha512")
    location = _begin(side, repository, "?digest-algorithm=sha512")
    side.tell("sha512: push", side.follow(location, "PUT", {}, data, f"digest={digest}"))
    side.probe("sha512: HEAD", "HEAD", f"/v2/{repository}/blobs/{digest}")
    side.probe("sha512: GET", "GET", f"/v2/{repository}/blobs/{digest}")
    target = f"/v2/{repository}/blobs/uploads/?digest={digest}"
    side.probe("sha512: all in one POST", "POST", target, {"Content-Type": OCTETS}, data)
    target = f"/v2/{repository}/manifests/{digest}"
    side.probe("sha512: manifest", "GET", target, {"Accept": MANIFEST})


def _manifests(side, repository, other, seed):
    image = _image(side, repository, seed)
    kind, accept = {"Content-Type": MANIFEST}, {"Accept": MANIFEST}
    put = f"/v2/{repository}/manifests/"
    location = side.probe("manifest: push", "PUT", put + "v1", kind, image).header("Location")
    side.tell("manifest: what its Location names", side.follow(location, "GET", accept))
    by_digest = put + _digest(image)
    side.probe("manifest: push by digest", "PUT", by_digest, kind, image)
    tagged = by_digest + "?tag=t1&tag=t2"
    side.probe("manifest: push by digest with tags", "PUT", tagged, kind, image)
    side.probe("manifest: a tag so pushed", "HEAD", put + "t2", accept)
    side.probe("manifest: push by a wrong digest", "PUT", put + _digest(b"another"), kind, image)
    side.probe("manifest: push what is none", "PUT", put + "none", kind, b"{}")
    side.probe("manifest: push with a missing blob", "PUT", put + "missing", kind, _manifest(seed))


def _reads(side, repository, other, seed):
    image = _image(side, repository, seed)
    blob = _digest(_content(seed + "layer"))
    accept = {"Accept": f"{INDEX}, {MANIFEST}"}
    manifests, blobs = f"/v2/{repository}/manifests/", f"/v2/{repository}/blobs/"
    for method in ("HEAD", "GET"):
        side.probe(f"{method}: manifest by tag", method, manifests + "v1", accept)
        side.probe(f"{method}: manifest by digest", method, manifests + _digest(image), accept)
        side.probe(f"{method}: blob", method, blobs + blob)
        side.probe(f"{method}: no such tag", method, manifests + "nothing", accept)
        side.probe(f"{method}: no such manifest", method, manifests + _digest(b""), accept)
        side.probe(f"{method}: no such blob", method, blobs + _digest(b"no"))
        side.probe(f"{method}: no such repository", method, f"/v2/{repository}/no/manifests/v1", accept)
        for span in ("0-99", "4000-", "-100", "99999-"):
            headers = {"Range": f"bytes={span}"}
            side.probe(f"{method}: blob, bytes {span}", method, blobs + blob, headers)
        unchanged = accept | {"If-None-Match": f'"{_digest(image)}"'}
        side.probe(f"{method}: manifest, unchanged", method, manifests + "v1", unchanged)
    side.probe("GET: manifest of another kind", "GET", manifests + "v1", {"Accept": INDEX})


def _tags(side, repository, other, seed):
    image = _image(side, repository + "/tags", seed)
    for number in range(1, 6):
        target = f"/v2/{repository}/tags/manifests/page-{number}"
        assert side.ask("PUT", target, {"Content-Type": MANIFEST}, image).status == 201
    target = f"/v2/{repository}/tags/tags/list"
    side.probe("tags: all", "GET", target)
    for query in ("n=0", "n=1", "n=5", "n=20000", "last=page-3", "n=1&last=page-2", "last=page-5"):
        side.probe(f"tags: {query}", "GET", f"{target}?{query}")
    side.probe("tags: of no repository", "GET", f"/v2/{repository}/no/tags/list")
    _turn_pages(side, target + "?n=2")


def _turn_pages(side, target):
    answer = side.probe("tags: page 1", "GET", target)
    for page in range(2, 10):
        link = answer.header("Link")
        if link is None:
            return
        next_page = re.fullmatch(r'<([^>]+)>; rel="next"', link).group(1)
        answer = side.tell(f"tags: page {page}", side.follow(next_page, "GET"))


def _referrers(side, repository, other, seed):
    image = _image(side, repository, seed)
    subject = {"mediaType": MANIFEST, "digest": _digest(image), "size": len(image)}
    for number, kind in enumerate(("application/vnd.test.one+json", "application/vnd.test.two")):
        referrer = json.loads(image) | {"subject": subject, "artifactType": kind}
        body = json.dumps(referrer).encode()
        target = f"/v2/{repository}/manifests/{_digest(body)}"
        side.probe(f"referrers: push {number}", "PUT", target, {"Content-Type": MANIFEST}, body)
    target = f"/v2/{repository}/referrers/{_digest(image)}"
    side.probe("referrers: all", "GET", target)
    for kind in ("application%2Fvnd.test.one%2Bjson", "application/vnd.test.two"):
        side.probe(f"referrers: of kind {kind}", "GET", f"{target}?artifactType={kind}")
    side.probe("referrers: of none", "GET", f"/v2/{repository}/referrers/{_digest(b'none')}")


def _deletes(side, repository, other, seed):
    image = _image(side, repository, seed)
    blob = _digest(_content(seed + "layer"))
    for name, target in {
        "tag": f"/v2/{repository}/manifests/v1",
        "manifest": f"/v2/{repository}/manifests/{_digest(image)}",
        "blob": f"/v2/{repository}/blobs/{blob}",
    }.items():
        side.probe(f"DELETE: {name}", "DELETE", target)
        side.probe(f"DELETE: {name}, then HEAD", "HEAD", target, {"Accept": MANIFEST})
        side.probe(f"DELETE: {name}, once more", "DELETE", target)


def _manifest(seed):
    config, layer = b"{}" + seed.encode(), _content(seed + "layer")
    return json.dumps({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
    }).encode()  # fmt: skip


def _descriptor(media_type, data):
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}


def _image(side, repository, seed):
    """Its manifest; what it names is pushed."""
    for blob in (b"{}" + seed.encode(), _content(seed + "layer")):
        _push_blob(side, repository, blob)
    return _manifest(seed)


def _error_codes(body):
    """Of a body in the distribution format."""
    try:
        return [error["code"] for error in json.loads(body)["errors"]]
    except (ValueError, KeyError, TypeError):
        return []
