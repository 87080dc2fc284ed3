"""A real node: kubelet and containerd in a room, with the CSI driver that the kubelet finds by itself.

No scheduler and no network plugin: pods name their node and use its network. What the kubelet needs
of the machine is cgroups and root; nothing of it is left when the room's processes end.
"""

import concurrent.futures
import glob
import os
import shutil
import tempfile

import grpc
import yaml

from csi import DRIVER, CsiNode
from images import Image
from netns import wait_until
from peers import peer
from testca import write
from world import program

NODE = "node-1"
NODE_TOKEN = "node-token-of-the-test"
LOCAL_IMAGE = "localhost/busybox:v1"
PROGRAM = "/bin/busybox"  # Of Debian's busybox-static.

_CONTAINERD = """version = 3
root = '{root}/containerd'
state = '{root}/state'
disabled_plugins = ['io.containerd.nri.v1.nri']
[grpc]
  address = '{socket}'
[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'native'
  use_local_image_pull = true
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{image}'
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '{hosts}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['{root}/cni']
  conf_dir = '{root}/cni'
"""


def add_node_user(control):
    """The identity that a kubelet has in a cluster, with the limits of one. Before `start`."""
    control.add_user(NODE_TOKEN, f"system:node:{NODE}", "system:nodes")


NODE_FLAGS = ["--authorization-mode=Node", "--enable-admission-plugins=NodeRestriction"]


class Node:
    """`hosts`: a folder for containerd's hosts.toml trees. `provider`, of start: the path of the
    kubelet's CredentialProviderConfig, whose programs are those of this build."""

    def __init__(self, directory, room, control, address):
        self.directory, self.room, self.control, self.address = directory, room, control, address
        os.makedirs(directory)
        # Not in the directory: the path of a socket may have at most 104 characters.
        self._root = tempfile.mkdtemp(prefix="node-")
        self._socket = os.path.join(self._root, "containerd.sock")
        self._kubelet_root = os.path.join(self._root, "kubelet")
        self.hosts = self._made("certs.d")
        self.csi = CsiNode(self._made("csi"), room, control)
        self.csi.pods = os.path.join(self._kubelet_root, "pods")
        self.csi.socket = os.path.join(self._root, "csi.sock")
        self.kubelet = self.containerd = self._registrar = None

    # Life

    def start(self, provider):
        self._provider = provider
        # The kubelet would make it one, over what is mounted below already.
        os.makedirs(self._kubelet_root)
        self.room.run(["mount", "--bind", self._kubelet_root, self._kubelet_root]).ok()
        self.room.run(["mount", "--make-shared", self._kubelet_root]).ok()
        self.csi.start()
        self._start_containerd()
        self._start_kubelet()
        self._registrar = Registrar(
            os.path.join(self._kubelet_root, "plugins_registry"), DRIVER, self.csi.socket
        )
        wait_until(self._is_registered, "the kubelet knows the driver", 60, self.kubelet)
        return self

    def close(self):
        if self._registrar:
            self._registrar.close()
        groups = self._containers()
        for process in (self.kubelet, self.containerd):
            if process:
                process.kill()
        self.csi.close()
        wait_until(lambda: all([_is_removed(group) for group in groups]), "containers have ended")
        shutil.rmtree(self._root, ignore_errors=True)

    # What runs here

    def pod(self, name, account, arguments, image=LOCAL_IMAGE, volume=None, namespace="default"):
        """One that runs busybox with these arguments; `volume`: attributes of one of the driver's, at
        /etc/registries."""
        container = {
            "name": "main", "image": image, "args": arguments,
            "imagePullPolicy": "Never" if image == LOCAL_IMAGE else "Always",
        }  # fmt: skip
        spec = {
            "nodeName": NODE, "serviceAccountName": account, "hostNetwork": True,
            "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1,
            "enableServiceLinks": False, "restartPolicy": "Never",
            "tolerations": [{"operator": "Exists"}], "containers": [container],
        }  # fmt: skip
        if volume is not None:
            container["volumeMounts"] = [{"name": "registries", "mountPath": "/etc/registries"}]
            inline = {"driver": DRIVER, "readOnly": True, "volumeAttributes": volume}
            spec["volumes"] = [{"name": "registries", "csi": inline}]
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        return self.control.must("POST", f"/api/v1/namespaces/{namespace}/pods", body)

    def status(self, name, namespace="default"):
        return self.control.ask("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")[1]["status"]

    def wait_phase(self, name, phase):
        wait_until(lambda: self.status(name)["phase"] == phase, f"{name} is {phase}", 60,
                   self.kubelet)  # fmt: skip

    def output(self, name, namespace="default"):
        """What its program wrote."""
        (path,) = [
            os.path.join(folder, file)
            for folder, _, files in os.walk(self._path("podlogs"))
            for file in files
            if f"{namespace}_{name}_" in folder
        ]
        with open(path, encoding="utf-8") as file:
            return "".join(line.split(" ", 3)[3] for line in file)

    def waits_because(self, name):
        """(reason, message) of a container that does not start."""
        for container in self.status(name).get("containerStatuses", []):
            waiting = container["state"].get("waiting", {})
            return waiting.get("reason", ""), waiting.get("message", "")
        return "", ""

    def events(self, name):
        """Their messages, as kubectl describe shows them."""
        found = self.control.must("GET", "/api/v1/namespaces/default/events")["items"]
        return [each["message"] for each in found if each["involvedObject"]["name"] == name]

    # Inside

    def _path(self, *parts):
        return os.path.join(self.directory, *parts)

    def _made(self, name):
        os.makedirs(self._path(name), exist_ok=True)
        return self._path(name)

    def _start_containerd(self):
        config = write(self._path("containerd.toml"), _CONTAINERD.format(
            root=self._root, socket=self._socket, image=LOCAL_IMAGE, hosts=self.hosts
        ))  # fmt: skip
        # Its containers outlive it; in a process namespace of its own they end with it. Mounts are
        # seen in the copy of the room's as they come.
        shim = os.path.dirname(peer("containerd-shim-runc-v2"))
        self.containerd = self.room.start("containerd", [
            "unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc",
            "--propagation=unchanged", peer("containerd"), "--config", config,
        ], {"PATH": f"{shim}:{os.environ['PATH']}"})  # fmt: skip
        wait_until(lambda: self._ctr("version").code == 0, "containerd answers", 60,
                   self.containerd)  # fmt: skip
        image = Image(self._path("image"), program=PROGRAM)
        archive = shutil.make_archive(self._path("image"), "tar", image.directory)
        name, _, tag = LOCAL_IMAGE.rpartition(":")
        self._ctr("images", "import", "--local", "--snapshotter=native", f"--base-name={name}",
                  archive).ok()  # fmt: skip
        self._ctr("images", "tag", "--force", f"{name}:latest", LOCAL_IMAGE).ok()

    def _start_kubelet(self):
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False},
                               "x509": {"clientCAFile": self.control.ca.path}},
            "authorization": {"mode": "AlwaysAllow"},
            "address": "127.0.0.1", "readOnlyPort": 0, "healthzPort": 0,
            "containerRuntimeEndpoint": f"unix://{self._socket}",
            "podLogsDir": self._made("podlogs"),
            # What machines for tests lack: cgroup v2, systemd, a partition without swap.
            "cgroupDriver": "cgroupfs", "failCgroupV1": False, "failSwapOn": False,
            "cgroupsPerQOS": False, "enforceNodeAllocatable": [],
            "localStorageCapacityIsolation": False,
            "evictionHard": {"memory.available": "1Mi", "nodefs.available": "1%",
                             "imagefs.available": "1%"},
        }  # fmt: skip
        path = write(self._path("kubelet.yaml"), yaml.safe_dump(config))
        self.kubelet = self.room.start("kubelet", [
            peer("kubelet"), f"--config={path}", f"--root-dir={self._kubelet_root}",
            f"--kubeconfig={self.control.write_kubeconfig('kubelet', NODE_TOKEN)}",
            f"--cert-dir={self._path('kubelet-certificates')}", f"--hostname-override={NODE}",
            f"--node-ip={self.address}", f"--image-credential-provider-config={self._provider}",
            f"--image-credential-provider-bin-dir={os.path.dirname(program('connectorctl'))}",
        ])  # fmt: skip
        wait_until(lambda: self.control.ask("GET", f"/api/v1/nodes/{NODE}")[0] == 200,
                   "the node is there", 60, self.kubelet)  # fmt: skip

    def _is_registered(self):
        found = self.control.ask("GET", f"/apis/storage.k8s.io/v1/csinodes/{NODE}")[1]
        drivers = (found.get("spec") or {}).get("drivers") or []
        return self._registrar.outcome.done() and [each["name"] for each in drivers] == [DRIVER]

    def _ctr(self, *arguments):
        argv = [peer("ctr"), "--address", self._socket, "--namespace", "k8s.io", *arguments]
        return self.room.run(argv)

    def _containers(self):
        if self.containerd is None or not self.containerd.is_running():
            return []
        return self._ctr("containers", "ls", "--quiet").stdout.split()


class Registrar:
    """What csi-node-driver-registrar does: it tells the kubelet which driver is at which socket
    (k8s.io/kubelet/pkg/apis/pluginregistration/v1)."""

    def __init__(self, directory, name, endpoint):
        self.outcome = concurrent.futures.Future()  # What the kubelet says: registered, or not.
        info = b"".join(
            bytes([number << 3 | 2, len(text)]) + text.encode()
            for number, text in enumerate(["CSIPlugin", name, endpoint, "1.0.0"], start=1)
        )
        handlers = {
            "GetInfo": grpc.unary_unary_rpc_method_handler(lambda request, context: info),
            "NotifyRegistrationStatus": grpc.unary_unary_rpc_method_handler(self._notify),
        }
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("pluginregistration.Registration", handlers),)
        )
        self._server.add_insecure_port(f"unix://{directory}/{name}-reg.sock")
        self._server.start()

    def _notify(self, request, _):
        if not self.outcome.done():
            self.outcome.set_result(request)
        return b""

    def close(self):
        self._server.stop(None).wait(10)


def _is_removed(container):
    """Its cgroups: empty ones stay where nobody removes them."""
    paths = glob.glob(f"/sys/fs/cgroup/*/k8s.io/{container}")
    for path in paths:
        try:
            os.rmdir(path)
        except OSError:  # Its processes were killed a moment ago.
            return False
    return True
