"""The step of --kubernetes that shows the CSI driver: a volume is published as a kubelet would, and
skopeo and buildctl run with nothing but its files.

The driver and those who read the volume share a mount namespace of their own, as a node is one: what
is mounted there ends with them.
"""

import hashlib
import json
import os
import shlex
import tempfile
import uuid

import grpc

import scenario
from processes import Failure

NAMESPACE = "oci-connector-csi"
_MOUNTED = "/mnt/oci-connector"  # Where a container has the volume.
_TOKENS = "csi.storage.k8s.io/serviceAccount.tokens"


class Node:
    def __init__(self, demo):
        self._demo = demo
        self._volume = None
        self._pods = demo.path("kubelet", "pods")
        self._socket = demo.path("csi.sock")
        os.makedirs(self._pods)
        token = demo.kubectl(
            "create", "token", "oci-connector-csi", f"--namespace={NAMESPACE}", "--duration=8h"
        ).strip()
        demo.write_kubeconfig("csi", token)
        config = demo.write("csi.yaml", _CONFIG.format(
            socket=self._socket, pods=self._pods, admin=demo.address("csi-status"),
            kubeconfig=demo.path("csi.kubeconfig"),
        ))  # fmt: skip
        self._driver = demo.processes.start("CSI driver", [
            "unshare", "--mount", demo.program("connector-csi"), "--config", config,
        ], demo.ports["csi-status"])  # fmt: skip

    def run(self, argv, environment=None):
        """As in a container of the pod: it sees the volume, and resolves the cluster's names."""
        name = self._demo.host.partition(":")[0]
        hosts = self._demo.write("hosts", f"127.0.0.1 localhost {name}\n")
        script = f"mount --bind {shlex.quote(hosts)} /etc/hosts && "
        if self._volume:
            script += f"mount -t tmpfs tmpfs {os.path.dirname(_MOUNTED)} && mkdir {_MOUNTED} && "
            script += f"mount --bind {shlex.quote(self._volume)} {_MOUNTED} && "
        script += f"exec {shlex.join(argv)}"
        return self._demo.processes.run([
            "nsenter", f"--target={self._driver.pid}", "--mount",
            "unshare", "--mount", "sh", "-c", script,
        ], environment)  # fmt: skip

    def publish(self, account, attributes):
        """The volume's path, as its container sees it. The kubelet's part: a folder, a token of the
        pod, and one call."""
        uid = str(uuid.uuid4())
        parent = os.path.join(self._pods, uid, "volumes", "kubernetes.io~csi", "registries")
        os.makedirs(parent)
        target = os.path.join(parent, "mount")
        token = self._demo.kubectl("create", "token", account, "--audience=oci-connector").strip()
        tokens = {"oci-connector": {"token": token, "expirationTimestamp": "2099-01-01T00:00:00Z"}}
        prefix = "csi.storage.k8s.io/"
        context = {
            **attributes, "configuration.params": json.dumps({"mountPath": _MOUNTED}),
            prefix + "pod.name": "build", prefix + "pod.namespace": "default",
            prefix + "pod.uid": uid, prefix + "serviceAccount.name": account,
            prefix + "ephemeral": "true",
        }  # fmt: skip
        volume_id = "csi-" + hashlib.sha256(uid.encode()).hexdigest()
        # NodePublishVolumeRequest, by the numbers of its fields.
        request = _field(1, volume_id) + _field(4, target) + _field(5, _field(2, b""))
        request += _map(7, {_TOKENS: json.dumps(tokens)}) + _map(8, context)
        with grpc.insecure_channel(f"unix:{self._socket}") as channel:
            call = channel.unary_unary("/csi.v1.Node/NodePublishVolume")
            try:
                call(request, timeout=20, wait_for_ready=True)
            except grpc.RpcError as error:
                raise Failure(f"The driver refused the volume: {error.details()}") from error
        self._volume = target
        return _MOUNTED


def demonstrate(demo):
    """Pushes with both clients; what they know of the registry is the volume."""
    node = Node(demo)
    volume = node.publish("builder", {
        "connectors": "demo", "configuration.names": "registry-config,auth,registries,buildkitd",
    })  # fmt: skip
    _, shown = node.run(["ls", volume])
    print(f"    {' '.join(shown.split())}", flush=True)
    scenario.expect(node.run(
        ["skopeo", "--registries-conf", f"{volume}/registries.conf", "copy",
         f"--dest-cert-dir={volume}/certs.d/{demo.host}",
         f"oci:{demo.path('image')}:v1", f"docker://{demo.host}/samples/volume:skopeo"],
        {"REGISTRY_AUTH_FILE": f"{volume}/auth.json"},
    ), 0, "skopeo's push with the mounted files")  # fmt: skip
    scenario.expect(_build(demo, node, volume), 0, "buildctl's build and push with the mounted files")


def _build(demo, node, volume):
    os.makedirs(demo.path("build"))
    demo.write("build/Dockerfile", f"FROM {demo.host}/samples/volume:skopeo\nLABEL built=here\n")
    # Not in the demonstration's own folder: the path of a socket may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="buildkit-", dir="/tmp") as short:
        return _build_over(f"unix://{short}/sock", demo, node, volume)


def _build_over(address, demo, node, volume):
    context = demo.path("build")
    daemon = shlex.join([
        demo.peers["buildkitd"], "--config", f"{volume}/buildkitd.toml", "--addr", address,
        "--root", demo.path("buildkit"), "--containerd-worker=false",
        "--oci-worker-snapshotter=native",
    ])  # fmt: skip
    client = shlex.join([demo.peers["buildctl"], "--addr", address])
    build = shlex.join([
        "build", "--frontend", "dockerfile.v0", "--local", f"context={context}",
        "--local", f"dockerfile={context}",
        "--output", f"type=image,name={demo.host}/samples/volume:buildkit,push=true",
    ])  # fmt: skip
    # As buildctl-daemonless.sh does.
    script = (
        f"{daemon} > {shlex.quote(demo.path('buildkitd.log'))} 2>&1 & trap 'kill $!; wait' EXIT; "
        f"tries=0; until {client} debug workers > /dev/null 2>&1; do "
        f"tries=$((tries + 1)); [ $tries -lt 100 ] || exit 1; sleep 0.2; done; {client} {build}"
    )
    code, output = node.run(["sh", "-c", script], {"DOCKER_CONFIG": volume})
    if code != 0:
        with open(demo.path("buildkitd.log"), encoding="utf-8", errors="replace") as file:
            output += "".join(file.readlines()[-15:])
    return code, output


def _field(number, value):
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _map(number, entries):
    return b"".join(_field(number, _field(1, key) + _field(2, entries[key])) for key in entries)


def _varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


_CONFIG = """
endpoint: unix://{socket}
nodeId: this-machine
podsDirectory: {pods}
adminAddress: {admin}
kubernetes: {{kubeconfigFile: {kubeconfig}}}
"""
