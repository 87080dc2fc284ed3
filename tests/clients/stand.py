"""The system that all clients share: one world, with the registry's own account of what it saw."""

import json
import os
import re
import urllib.parse

import paging_registry
import upstream as up
from images import Image, Index
from netns import wait_until
from push import push_image, put_manifest
from rawhttp import Client, trusting
from setting import Rendered
from testca import write
from upstream import is_listening
from world import HTTP_PORT, PROXY, World

PAGE = 25
TAGS = [f"0.1.{number}" for number in range(10, 70)]  # Three pages; sorts as text and as versions.
_PAGING_PORT = 5003
_SECOND = "10.77.2.3"  # Of the middle room.
_LINE = re.compile(r'"([A-Z]+) (\S+) HTTP/1\.[01]" (\d{3}) ')


class Stand:
    def __init__(self, directory, matrix):
        self.matrix = matrix
        self.world = ClientsWorld(directory, registry=up.DISTRIBUTION_3)
        paged = f"http://{up.REGISTRY_HOST}:{_PAGING_PORT}"
        self.world.put_connector(self.world.connector(
            "paged", address=paged,
            upstream={"tokenRealm": self.world.upstream.realm, "allowInsecureUpstream": True},
        ))  # fmt: skip
        self.world.start()
        self._start_paging()
        for path in ("/run", "/dev/shm", "/var/lib/containers"):  # What podman keeps is its own.
            os.makedirs(path, exist_ok=True)
            self.world.clients.run(["mount", "-t", "tmpfs", "tmpfs", path]).ok()
        self._token = self.world.token()
        self._raw = self.world.client("c-demo.default.svc", HTTP_PORT)
        self._rendered = {}
        self._markers = self._images = 0
        self._based = False

    def rendered(self, setting, connector="demo", mirror=False):
        key = (setting.name, connector, mirror)
        if key not in self._rendered:
            self._rendered[key] = Rendered(self.world, setting, connector, mirror)
        return self._rendered[key]

    def close(self, failed):
        self.world.close(failed)

    # What is there before a client comes

    def image(self, name, **options):
        return Image(self._made("images", name), **options)

    def index(self, name):
        images = [
            self.image(f"{name}-{architecture}", architecture=architecture)
            for architecture in ("amd64", "arm64")
        ]
        return Index(self._made("images", name), images)

    def seed(self, repository, tag="v1"):
        image = self.image(f"{repository}-{tag}".replace("/", "-"))
        push_image(self._raw, repository, tag, image, self._token)
        return image

    def base(self):
        """A repository whose v1 builds start from: the same for all."""
        if not self._based:
            self.seed_index("robot/base")
            self._based = True
        return "robot/base"

    def seed_index(self, repository, tag="v1"):
        index = self.index(f"{repository}-{tag}".replace("/", "-"))
        for image in index.images:
            push_image(self._raw, repository, image.digest, image, self._token)
        put_manifest(self._raw, repository, tag, index.manifest, index.media_type, self._token)
        return index

    def spread_tags(self, repository, tag):
        """Gives the manifest of `tag` all of TAGS, too."""
        document, media_type = self.manifest(repository, tag)
        for more in TAGS:
            put_manifest(self._raw, repository, more, document, media_type, self._token)

    # What the registry says

    def digest(self, repository, tag):
        return self.world.upstream.manifest_digest(repository, tag)

    def manifest(self, repository, tag):
        """(bytes, media type)"""
        answer = self._raw.request(
            "GET", f"/v2/{repository}/manifests/{tag}", {"Accept": up.MANIFEST_TYPES},
            token=self._token,
        )  # fmt: skip
        assert answer.status == 200, answer
        return answer.body, answer.header("Content-Type")

    def platforms(self, repository, tag):
        index = json.loads(self.manifest(repository, tag)[0])
        return {
            entry["platform"]["architecture"]: entry["digest"]
            for entry in index["manifests"]
            if entry["platform"]["architecture"] != "unknown"  # An attestation of buildkit.
        }

    def layers(self, repository, tag="v1"):
        """The digests of the layers of an image, or of the first image of an index."""
        manifest = json.loads(self.manifest(repository, tag)[0])
        if "manifests" in manifest:
            return self.layers(repository, manifest["manifests"][0]["digest"])
        return {layer["digest"] for layer in manifest["layers"]}

    def mark(self):
        """Where the registry's log is now, with all lines before it written."""
        self._markers += 1
        target = f"/v2/marker/{self._markers}/tags/list"
        tls = trusting(self.world.upstream.ca.pem)
        Client(self.world.up, up.REGISTRY_HOST, up.REGISTRY_PORT, tls=tls).request("GET", target)
        log = self.world.upstream.registry.log
        wait_until(lambda: f'"GET {target} ' in log(), "the registry logs the mark")
        return len(log())

    def requests_since(self, mark):
        """(method, path, query, status) of what the registry answered since `mark`."""
        self.mark()
        seen = []
        for method, target, status in _LINE.findall(self.world.upstream.registry.log()[mark:]):
            parts = urllib.parse.urlsplit(target)
            seen.append((method, parts.path, dict(urllib.parse.parse_qsl(parts.query)), int(status)))
        return seen

    def _start_paging(self):
        process = self.world.up.start("paging-registry", [
            "/usr/bin/python3", paging_registry.__file__, f"{up.ADDRESS}:{_PAGING_PORT}",
            f"https://{up.REGISTRY_HOST}:{up.REGISTRY_PORT}", str(PAGE), self.world.upstream.ca.path,
        ])  # fmt: skip
        wait_until(
            lambda: is_listening(self.world.up, _PAGING_PORT), "the front listens", process=process
        )

    def _made(self, *parts):
        self._images += 1
        path = self.world.path(*parts) + f"-{self._images}"
        os.makedirs(path)
        return path


class ClientsWorld(World):
    """Listens on the schemes' own ports, too, each behind an address of its own. Over TLS with certificates
    that the broker issues by name: nobody lists one, and clients trust the broker's authority alone."""

    host_suffixes = {"svc": PROXY, "svc.local": PROXY, "svc.cluster.local": _SECOND}

    def start(self, **options):
        self.middle.run(["ip", "address", "add", f"{_SECOND}/24", "dev", "to-clients"]).ok()
        self.broker_extra["listenerAuthority"] = {}
        super().start(**options)
        write(self.path("listener-ca.crt"), self.listener_ca())
        return self

    def dataplane_config(self, index):
        config = super().dataplane_config(index)
        config["listeners"][1]["tls"] = {"fromBroker": {}}
        config["listeners"] += [{"address": f"{PROXY}:80"},
                                {"address": f"{_SECOND}:443", "tls": {"fromBroker": {}}}]  # fmt: skip
        return config


def is_upload(request):
    """Whether it brought the bytes of a blob."""
    method, path, query, _ = request
    if "/blobs/uploads/" not in path:
        return False
    return method in ("PATCH", "PUT") or (method == "POST" and "digest" in query)


def is_mount(request, repository):
    method, path, query, status = request
    return (
        method == "POST" and path == f"/v2/{repository}/blobs/uploads/"
        and "mount" in query and status == 201
    )  # fmt: skip
