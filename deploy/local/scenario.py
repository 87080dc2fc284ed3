"""What the demonstration shows, and what it prints for a person to try."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import textwrap
import time
import urllib.error
import urllib.request

from processes import Failure

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def say(text):
    print(f"==> {text}", flush=True)


def wait_until_ready(demo):
    url = f"http://{demo.address('status')}/readyz"
    deadline = time.monotonic() + 20
    answer = ""
    while time.monotonic() < deadline:
        demo.processes.check_all_run()
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                response.read()
                return
        except urllib.error.HTTPError as error:
            answer = error.read().decode("utf-8", "replace")
        except OSError as error:
            answer = str(error)
        time.sleep(0.05)
    raise Failure(f"The data plane is not ready after 20 s: {answer}")


def demonstrate(demo):
    image = make_image(demo.path("image"))
    say(f"A small image, made here: {image}")

    target = f"{demo.prefix}/samples/hello:v1"
    say("1. ci/builder pushes it through the proxy. Its only credential: a caller token.")
    expect(push(demo, "builder", target), 0, "the push")
    say("2. ci/builder pulls it back.")
    expect(pull(demo, "builder", target, "pulled"), 0, "the pull")
    pulled = layout_digest(demo.path("pulled"))
    print(f"    pushed {image}\n    pulled {pulled}")
    if pulled != image:
        raise Failure("The digests differ.")

    say("3. The same client, directly at the registry, without a credential.")
    direct = f"{demo.address('registry')}/samples/hello:v1"
    code, output = demo.processes.run(
        ["skopeo", "copy", "--src-tls-verify=false", "--src-no-creds",
         f"docker://{direct}", f"oci:{demo.path('direct')}:v1"]
    )  # fmt: skip
    expect_refusal(code, output, ("unauthorized", "authentication required"))

    say("4. ci/reader has a rule to pull, none to push.")
    expect_refusal(*push(demo, "reader", target), ("denied",))
    say("5. ci/stranger has no rule at all.")
    expect_refusal(*pull(demo, "stranger", target, "stolen"), ("denied", "name unknown"))

    if demo.vault:
        _show_rotation(demo, target)
    say(f"{7 if demo.vault else 6}. The audit stream: who did what. Each line was on disk before its token was issued.")
    show_audit(demo)
    verified = demo.connectorctl(
        "audit", "verify", demo.path("audit"), "--root-key-file", demo.path("pki", "root.key")
    )
    print(textwrap.indent(verified.rstrip(), "    "))
    say("The demonstration held: no client had a registry credential.")


def stay_up(demo):
    make_image(demo.path("image"))
    target = f"{demo.prefix}/samples/hello:v1"
    expect(push(demo, "builder", target), 0, "the push of a sample image")
    print(_LINES.format(
        builder=demo.path("builder"), reader=demo.path("reader"), image=target,
        copy=f"{demo.prefix}/samples/copy:v1", layout=demo.path("image"),
        proxy=demo.address("proxy"), port=demo.ports["proxy"], status=demo.address("status"),
        broker_status=demo.address("broker-status"), tls=demo.address("proxy-tls"),
        tls_port=demo.ports["proxy-tls"], ca=demo.path("pki", "ca.crt"),
        audit=demo.path("audit"), key=demo.path("pki", "root.key"), ctl=demo.program("connectorctl"),
        resources=demo.path("resources"), registry=demo.address("registry"),
    ), flush=True)  # fmt: skip
    if demo.vault:
        shown = ("VAULT_ADDR", "VAULT_CACERT")
        variables = " ".join(f"{name}={demo.vault.environment[name]}" for name in shown)
        print(_VAULT_LINES.format(
            variables=variables, token=demo.path("vault-root-token"), vault=demo.vault.program,
            ctl=demo.program("connectorctl"), broker=demo.address("broker"), pki=demo.path("pki"),
        ), flush=True)  # fmt: skip
    while True:
        demo.processes.check_all_run()
        time.sleep(0.5)


_LINES = """
A sample image is at {image}

docker     docker --config {builder} pull {image}
skopeo     skopeo inspect --authfile {builder}/auth.json --tls-verify=false docker://{image}
buildah    buildah pull --authfile {builder}/auth.json --tls-verify=false {image}
crane      DOCKER_CONFIG={builder} crane manifest {image}

Push       skopeo copy --authfile {builder}/auth.json --dest-tls-verify=false oci:{layout}:v1 docker://{copy}
Refused    skopeo copy --authfile {reader}/auth.json --dest-tls-verify=false oci:{layout}:v1 docker://{copy}
Direct     skopeo inspect --tls-verify=false docker://{registry}/samples/hello:v1
Host form  curl -u "token:$(cat {builder}/token)" --resolve c-demo.default.svc:{port}:127.0.0.1 http://c-demo.default.svc:{port}/v2/samples/hello/tags/list
TLS        curl -u "token:$(cat {builder}/token)" --cacert {ca} https://{tls}/v2/namespaces/default/connectors/demo/samples/hello/tags/list

Status     http://{status}/         (data plane)
           http://{broker_status}/         (broker)
Rules      {resources}/demo.yaml   (edit it: changes count at once)
Audit      {ctl} audit verify {audit} --root-key-file {key}

Ctrl-C stops everything and removes it.
"""


_VAULT_LINES = """The robot's password is in Vault, and nowhere else:

Look       {variables} VAULT_TOKEN=$(cat {token}) {vault} kv get -mount=secret ci/demo
Delete     {variables} VAULT_TOKEN=$(cat {token}) {vault} kv delete -mount=secret ci/demo
Undelete   {variables} VAULT_TOKEN=$(cat {token}) {vault} kv undelete -mount=secret -versions=1 ci/demo
Check      {ctl} check default/demo --broker {broker} --pki {pki}
"""


def _show_rotation(demo, target):
    say("6. The robot's password is in Vault. It is rotated there and at the registry, while")
    print("    somebody pulls; no request fails, and nothing is restarted.")
    before = _credential_version(demo)
    demo.rotate()
    deadline = time.monotonic() + 15
    pulls = 0
    while _credential_version(demo) == before:
        if time.monotonic() > deadline:
            raise Failure("The broker has not seen the new version after 15 s.")
        expect(pull(demo, "builder", target, f"rotating-{pulls}"), 0, "a pull while rotating")
        pulls += 1
    rotated = target.replace("hello", "rotated")
    expect(push(demo, "builder", rotated), 0, "the push with the new password")
    print(f"    version {before} became {_credential_version(demo)}; {pulls} pulls meanwhile")


def _credential_version(demo):
    with urllib.request.urlopen(
        f"http://{demo.address('broker-status')}/status.json", timeout=5
    ) as answer:
        (connector,) = json.load(answer)["connectors"]
    return connector["credential"]["version"]


def make_image(directory):
    """An OCI layout with one file in it, tagged v1. Returns the manifest's digest."""
    blobs = os.path.join(directory, "blobs", "sha256")
    os.makedirs(blobs)

    def add(data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as file:
            file.write(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        text = b"hello through the OCI Connector\n"
        entry = tarfile.TarInfo("hello.txt")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    layer_tar = buffer.getvalue()
    layer = add(gzip.compress(layer_tar, mtime=0))
    config = add(json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers",
                   "diff_ids": ["sha256:" + hashlib.sha256(layer_tar).hexdigest()]},
    }).encode())  # fmt: skip
    manifest = add(json.dumps({
        "schemaVersion": 2, "mediaType": _MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **layer}],
    }).encode())  # fmt: skip
    annotations = {"org.opencontainers.image.ref.name": "v1"}
    index = {"mediaType": _MANIFEST, **manifest, "annotations": annotations}
    for name, value in (
        ("index.json", {"schemaVersion": 2, "manifests": [index]}),
        ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
    ):
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            json.dump(value, file)
    return manifest["digest"]


def push(demo, account, target):
    return demo.run_client([
        "skopeo", "copy", "--authfile", demo.path(account, "auth.json"),
        demo.tls_option("dest", account), f"oci:{demo.path('image')}:v1", f"docker://{target}",
    ])  # fmt: skip


def pull(demo, account, target, directory):
    return demo.run_client([
        "skopeo", "copy", "--authfile", demo.path(account, "auth.json"),
        demo.tls_option("src", account), f"docker://{target}", f"oci:{demo.path(directory)}:v1",
    ])  # fmt: skip


def layout_digest(directory):
    with open(os.path.join(directory, "index.json"), encoding="utf-8") as file:
        (manifest,) = json.load(file)["manifests"]
    return manifest["digest"]


def expect(ended, expected_code, what):
    code, output = ended
    if code != expected_code:
        raise Failure(f"{what} exited {code}:\n{output}")


def expect_refusal(code, output, any_of):
    """Refused, and for the right reason: the client's last line says one of `any_of`."""
    sentence = output.strip().splitlines()[-1] if output.strip() else ""
    print(f"    refused: {sentence}")
    if code == 0 or not any(word in sentence.lower() for word in any_of):
        raise Failure(f"This should have been refused with one of {any_of}:\n{output}")


def show_audit(demo):
    records = []
    for name in sorted(os.listdir(demo.path("audit"))):
        if name.endswith(".jsonl"):
            with open(demo.path("audit", name), encoding="utf-8") as file:
                records += [json.loads(line) for line in file]
    for record in records:
        outcome = "allowed by" if record["allowed"] else "denied:"
        why = record["rule"] if record["allowed"] else record["reason"]
        print(f"    {record['seq']:>3}  {record['subject']:<42} {record['connector'] or '-':<13} "
              f"{record['scopes'] or '-':<42} {outcome} {why}")  # fmt: skip
    subjects = {(record["subject"].rpartition(":")[2], record["allowed"]) for record in records}
    for expected in (("builder", True), ("reader", False), ("stranger", False)):
        if expected not in subjects:
            raise Failure(f"The audit stream does not show {expected}.")
