"""A node with the CSI driver on it, and the kubelet's part of the work: pods' folders, tokens, calls.

Everything is in one room: the API server, the driver and whatever reads what was mounted. The test
itself looks into the room's mount namespace through /proc (`see`), and calls the driver through its
socket.

    node = CsiNode(directory).start()
    node.new_connector("ci", "harbor", host="c-harbor.ci.svc")
    node.grant("ci", "builder", "ci", "harbor")
    volume = node.publish("ci", "builder", {"connectors": "harbor"})
    volume.read("config.json")            # as text
    node.run(["skopeo", ..., f"--authfile={volume.target}/auth.json"])
    volume.republish(); volume.unpublish()
"""

import base64
import datetime
import hashlib
import http.client
import json
import os
import re
import subprocess
import uuid

import grpc
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from kube import AUDIENCE, ControlPlane
from netns import Room, wait_until
from testca import write
from world import program

_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
ADMIN_PORT = 9580
DRIVER = "connector-csi.oci-connector.dev"
TOKENS = "csi.storage.k8s.io/serviceAccount.tokens"
GROUP = "/apis/oci-connector.dev/v1alpha1"
READY = [{"type": "Ready", "status": "True", "reason": "Ready", "message": "",
          "lastTransitionTime": "2026-01-01T00:00:00Z"}]  # fmt: skip

# What deploy/helm grants the driver, and no more.
RULES = [
    {"apiGroups": ["oci-connector.dev"], "resources": ["connectors", "connectorclasses"],
     "verbs": ["list", "watch"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"],
     "verbs": ["create"]},
]  # fmt: skip


def messages():
    """The classes of proto/csi/v1/csi.proto by name."""
    source = os.path.join("proto", "csi", "v1", "csi.proto")
    done = subprocess.run(
        ["protoc", "-I", _ROOT, "-I", "/usr/include", "--include_imports",
         "--descriptor_set_out=/dev/stdout", source],
        cwd=_ROOT, capture_output=True, check=True,
    )  # fmt: skip
    files = descriptor_pb2.FileDescriptorSet.FromString(done.stdout).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {
        message.name: factory.GetPrototype(pool.FindMessageTypeByName(f"csi.v1.{message.name}"))
        for file in files if file.package == "csi.v1" for message in file.message_type
    }  # fmt: skip


class CsiClient:
    """Calls by name: `call("Node.NodeGetInfo")`. Failures are grpc.RpcError."""

    def __init__(self, socket_path):
        self._types = messages()
        self._channel = grpc.insecure_channel(f"unix:{socket_path}", options=[
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
        ])  # fmt: skip

    def call(self, name, request=None, timeout=20):
        return self.begin(name, request, timeout).result()

    def begin(self, name, request=None, timeout=20):
        """The same without waiting: a future that can be cancelled."""
        service, method = name.split(".")
        stub = self._channel.unary_unary(
            f"/csi.v1.{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self._types[f"{method}Response"].FromString,
        )
        message = self._types[f"{method}Request"](**(request or {}))
        return stub.future(message, timeout=timeout, wait_for_ready=True)

    def close(self):
        self._channel.close()


class Volume:
    """One inline volume of one pod, as the kubelet knows it."""

    def __init__(self, node, pod, account, attributes, name="cfg", group=None):
        self.node, self.pod, self.account, self.name = node, pod, account, name
        self.attributes, self.group = dict(attributes), group
        # Any fixed text of the pod and the volume would do; this is the kubelet's form.
        text = name + pod["namespace"] + pod["name"]
        self.id = "csi-" + hashlib.sha256(text.encode()).hexdigest()
        self.parent = os.path.join(
            node.pods, pod["uid"], "volumes", "kubernetes.io~csi", name
        )
        self.target = os.path.join(self.parent, "mount")

    def request(self, token=None, tokens_in="secrets", expires=None, tokens=None):
        """`tokens`: by audience; else one, `token`, for every connector."""
        if tokens is None:
            tokens = {AUDIENCE: token or self.node.token(self.account, self.pod)}
        tokens = json.dumps({
            audience: {"token": each, "expirationTimestamp": expires or expiry_of(each)}
            for audience, each in tokens.items()
        })  # fmt: skip
        prefix = "csi.storage.k8s.io/"
        context = {
            **self.attributes,
            prefix + "pod.name": self.pod["name"],
            prefix + "pod.namespace": self.pod["namespace"],
            prefix + "pod.uid": self.pod["uid"],
            prefix + "serviceAccount.name": self.account,
            prefix + "ephemeral": "true",
        }
        mount = {"volume_mount_group": str(self.group)} if self.group is not None else {}
        request = {"volume_id": self.id, "target_path": self.target,
                   "volume_capability": {"mount": mount}}  # fmt: skip
        if tokens_in == "secrets":
            return {**request, "volume_context": context, "secrets": {TOKENS: tokens}}
        return {**request, "volume_context": {**context, TOKENS: tokens}}

    def publish(self, timeout=20, **options):
        os.makedirs(self.node.see(self.parent), exist_ok=True)
        self.node.client.call("Node.NodePublishVolume", self.request(**options), timeout)
        return self

    republish = publish

    def unpublish(self, timeout=20):
        request = {"volume_id": self.id, "target_path": self.target}
        self.node.client.call("Node.NodeUnpublishVolume", request, timeout)

    def path(self, *parts):
        """Where the test reads it; programs in the room use `target`."""
        return self.node.see(os.path.join(self.target, *parts))

    def read(self, *parts):
        with open(self.path(*parts), encoding="utf-8") as file:
            return file.read()

    def names(self):
        return sorted(name for name in os.listdir(self.path()) if not name.startswith(".."))

    def is_mounted(self):
        return self.target in self.node.mounts()


class CsiNode:
    def __init__(self, directory, room=None, control=None, **config):
        """`room`: one that is there already, with `control` in it or reachable from it. `config`
        joins the driver's configuration."""
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self._own_room = room is None
        self.room = room or Room(directory, "node", {})
        self._own_control = control is None
        self.control = control or ControlPlane(self._made("control"), self.room)
        self.pods = os.path.join(self._made("kubelet"), "pods")
        self.socket = os.path.join(directory, "csi.sock")
        self.config = config
        self.driver = self.client = None

    # Life

    def start(self, driver=True):
        if self._own_control:
            self.control.start(crds=False)
        self.control.apply_crds()
        self._authorise()
        # As a kubelet's folder is for the driver's pod: what is mounted there is seen elsewhere.
        os.makedirs(self.pods)
        self.run(["mount", "--bind", self.pods, self.pods]).ok()
        self.run(["mount", "--make-shared", self.pods]).ok()
        if driver:
            self.start_driver()
        return self

    def start_driver(self, ready=True):
        config = {
            "endpoint": f"unix://{self.socket}",
            "nodeId": "node-1",
            "podsDirectory": self.pods,
            "adminAddress": f"127.0.0.1:{ADMIN_PORT}",
            "kubernetes": {"kubeconfigFile": self.kubeconfig},
            "logLevel": "debug",
            **self.config,
        }
        path = write(os.path.join(self.directory, "csi.yaml"), yaml.safe_dump(config))
        self.driver = self.room.start("csi", [program("connector-csi"), "--config", path])
        wait_until(lambda: self.admin("/livez")[0] == 200, "the driver runs", 30, self.driver)
        if ready:
            wait_until(lambda: self.admin("/readyz")[0] == 200, "the driver is ready", 30,
                       self.driver)  # fmt: skip
        if self.client is None:  # It finds a driver that was started again by itself.
            self.client = CsiClient(self.socket)
        wait_until(self._answers, "the driver answers on its socket", 30, self.driver)
        return self.driver

    def _answers(self):
        """The first call on a connection to a driver that was killed fails: it is spent here."""
        try:
            self.client.call("Identity.Probe", timeout=5)
        except grpc.RpcError:
            return False
        return True

    def close(self):
        if self.client:
            self.client.close()
        if self._own_control:
            self.control.close()
        if self._own_room:
            self.room.close()

    def run(self, argv, **options):
        """A program in the room: it sees what is mounted."""
        return self.room.run(argv, **options)

    # The node, seen from the test

    def see(self, path):
        """`path` as the room sees it."""
        return f"/proc/{self.room.holder.pid}/root{path}"

    def mounts(self):
        """{path: options} of the volumes that are mounted in the folder of pods."""
        found = {}
        with open(f"/proc/{self.room.holder.pid}/mountinfo", encoding="ascii") as file:
            for line in file:
                left, right = line.rstrip("\n").split(" - ")
                if right.split()[1].startswith("oci-connector:"):
                    found[left.split()[4]] = left.split()[5].split(",")
        return found

    def admin(self, path):
        """(status, text); (0, reason) when nobody answers."""
        try:
            with self.room.entered():
                connection = http.client.HTTPConnection("127.0.0.1", ADMIN_PORT, timeout=5)
                connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError as error:
            return 0, str(error)

    def metric(self, name, **labels):
        """The sum of the samples of this name that carry these labels."""
        total = 0.0
        for line in self.admin("/metrics")[1].splitlines():
            match = re.match(r"([a-z_]+)(\{[^}]*\})? (\S+)", line)
            if match and match[1] == name and all(
                f'{key}="{value}"' in (match[2] or "") for key, value in labels.items()
            ):
                total += float(match[3])
        return total

    # The cluster

    def new_connector(self, namespace, name, host=None, conditions=None, ca=None, **spec):
        """A Connector with the status that its controller would write: over TLS with `ca`, PEM. A driver
        that runs already hears of it a moment later."""
        self.new_namespace(namespace)
        path = f"{GROUP}/namespaces/{namespace}/connectors"
        body = {
            "apiVersion": "oci-connector.dev/v1alpha1", "kind": "Connector",
            "metadata": {"name": name},
            "spec": {"address": "https://harbor.example.com",
                     "auth": {"name": "anonymous"}, **spec},
        }  # fmt: skip
        self.control.must("POST", path, body)
        host = host or f"c-{name}.{namespace}.svc"
        self.set_status(namespace, name, host, conditions or READY, ca)

    def set_status(self, namespace, name, host, conditions, ca=None):
        address = {"host": host, "url": f"http://{host}"}
        if ca:
            address |= {"url": f"https://{host}", "caCerts": ca}
        status = {"address": address, "conditions": conditions}
        self.control.must(
            "PATCH", f"{GROUP}/namespaces/{namespace}/connectors/{name}/status",
            {"status": status}, type_="application/merge-patch+json",
        )  # fmt: skip

    def new_namespace(self, name):
        status, answer = self.control.ask(
            "POST", "/api/v1/namespaces", {"metadata": {"name": name}}
        )
        assert status in (201, 409), answer

    def grant(self, namespace, account, connector_namespace, *connectors):
        """RBAC: the ServiceAccount may pull and push by these Connectors (all, when none is named)."""
        self.new_namespace(namespace)
        self.new_namespace(connector_namespace)
        self.control.new_account(namespace, account)
        rule = {"apiGroups": ["oci-connector.dev"], "resources": ["connectors/proxy"],
                "verbs": ["get", "create"]}  # fmt: skip
        if connectors:
            rule["resourceNames"] = list(connectors)
        name = f"{namespace}-{account}-{uuid.uuid4().hex[:8]}"
        metadata = {"name": name, "namespace": connector_namespace}
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{connector_namespace}"
        self.control.must("POST", f"{rbac}/roles", {"metadata": metadata, "rules": [rule]})
        self.control.must("POST", f"{rbac}/rolebindings", {
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        })  # fmt: skip

    def token(self, account, pod, duration=600):
        """As the kubelet asks for one: bound to the pod where there is such an object."""
        bound = pod["name"] if pod.get("object") else None
        return self.control.token(account, pod["namespace"], AUDIENCE, duration, bound)

    def new_pod(self, namespace, account, name=None):
        """A real object in the API, whose token dies with it."""
        made = self.control.new_pod(namespace, name or f"pod-{uuid.uuid4().hex[:8]}", account)
        metadata = made["metadata"]
        return {"namespace": namespace, "name": metadata["name"], "uid": metadata["uid"],
                "object": True}  # fmt: skip

    # The kubelet

    def volume(self, namespace, account, attributes, pod=None, **options):
        """A volume that is not published yet. `pod`: of new_pod; else one the API knows nothing of."""
        pod = pod or {"namespace": namespace, "name": f"pod-{uuid.uuid4().hex[:8]}",
                      "uid": str(uuid.uuid4())}  # fmt: skip
        return Volume(self, pod, account, attributes, **options)

    def publish(self, namespace, account, attributes, pod=None, token=None, **options):
        return self.volume(namespace, account, attributes, pod, **options).publish(token=token)

    # Inside

    def _made(self, name):
        path = os.path.join(self.directory, name)
        os.makedirs(path, exist_ok=True)
        return path

    def _authorise(self):
        self.new_namespace("oci-connector-csi")
        self.control.new_account("oci-connector-csi", "csi")
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        self.control.must("POST", f"{rbac}/clusterroles", {
            "metadata": {"name": "csi"}, "rules": RULES})  # fmt: skip
        self.control.must("POST", f"{rbac}/clusterrolebindings", {
            "metadata": {"name": "csi"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                        "name": "csi"},
            "subjects": [{"kind": "ServiceAccount", "name": "csi",
                          "namespace": "oci-connector-csi"}],
        })  # fmt: skip
        self.kubeconfig = self.control.kubeconfig_of("csi", "oci-connector-csi")


def claims_of(token):
    """Of a JSON Web Token."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def expiry_of(token):
    """The kubelet's expirationTimestamp of a JSON Web Token."""
    time = datetime.datetime.fromtimestamp(claims_of(token)["exp"], datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
