"""A real Kubernetes control plane: etcd, kube-apiserver and, where a test wants it, the controller
manager. No kubelet and no scheduler: pods are objects that nobody runs.

In a room the API server stands at an address that the test chooses; without one, on loopback ports
that were free a moment ago.
"""

import base64
import contextlib
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from netns import Ended, Process, wait_until
from peers import peer
from testca import TestCa, write

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path.insert(0, os.path.join(_ROOT, "deploy", "local"))
import ports  # noqa: E402

ADMIN_TOKEN = "admin-token-of-the-test"
AUDIENCE = "oci-connector"
# By name: the class in the same folder cannot be applied before its definition is served.
CRDS = [
    os.path.join(_ROOT, "deploy", "crds", name)
    for name in ("connectors.yaml", "connectorclasses.yaml")
]
HOST = "kubernetes.default.svc"
ISSUER = "https://kubernetes.default.svc.cluster.local"


class ControlPlane:
    """`start()` brings it up. Logs and everything else is in `directory`."""

    def __init__(self, directory, room=None, address="127.0.0.1", port=None, hosts=(), more=()):
        """`hosts`: more names in the server's certificate. `more`: flags of kube-apiserver."""
        self.directory, self.room, self.address = directory, room, address
        server_port, *other_ports = (6443, 2379, 2380, 10257) if room else ports.free_ports(4)
        self.port = port or server_port
        self._etcd_port, self._peer_port, self._manager_port = other_ports
        self.more = list(more)
        self.ca = TestCa(directory, "kube-ca")
        self._certificate = self.ca.issue(
            "kube", HOST, f"{HOST}.cluster.local", "localhost", address, *hosts
        )
        self._account_key = _rsa_key(os.path.join(directory, "accounts.key"))
        self._tokens = write(
            os.path.join(directory, "tokens.csv"), f"{ADMIN_TOKEN},admin,admin,system:masters\n"
        )
        self.processes = {}
        self.kubeconfig = self.write_kubeconfig("admin", ADMIN_TOKEN)

    @property
    def url(self):
        return f"https://{self.address}:{self.port}"

    # Life

    def start(self, controllers=False, crds=True):
        """Ready to use. `controllers`: garbage collection, namespaces, ServiceAccounts, ..."""
        started = time.monotonic()
        self._start_etcd()
        self.start_apiserver()
        if controllers:
            self.start_controllers()
        if crds:
            self.apply_crds()
        self.took = time.monotonic() - started
        note_start(" ".join(self.processes), self.took)
        return self

    def _start_etcd(self):
        client, peer_url = (f"http://127.0.0.1:{p}" for p in (self._etcd_port, self._peer_port))
        self._run("etcd", [
            peer("etcd"), f"--data-dir={self.directory}/etcd", "--unsafe-no-fsync",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer_url}", f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}", "--log-level=warn",
        ])  # fmt: skip
        self._until(lambda: self._etcd("maintenance/status", {}), "etcd serves", "etcd")

    def start_apiserver(self):
        certificate, key = self._certificate
        self._run("kube-apiserver", [
            peer("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--bind-address={self.address}", f"--advertise-address={self.address}",
            "--endpoint-reconciler-type=none", f"--secure-port={self.port}",
            f"--cert-dir={self.directory}", f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}", f"--client-ca-file={self.ca.path}",
            f"--token-auth-file={self._tokens}", "--authorization-mode=RBAC",
            "--enable-admission-plugins=PodSecurity", "--allow-privileged=true",
            # As in real clusters the server's own audience is its issuer alone, so that a token
            # for oci-connector is no token for the API.
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={self._account_key}",
            f"--service-account-signing-key-file={self._account_key}",
            "--service-cluster-ip-range=10.96.0.0/16", *self.more,
        ])  # fmt: skip
        self._until(lambda: self.ask("GET", "/readyz")[0] == 200, "it is ready", "kube-apiserver")

    def start_controllers(self):
        self._run("kube-controller-manager", [
            peer("kube-controller-manager"), f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false", "--use-service-account-credentials=false",
            f"--service-account-private-key-file={self._account_key}",
            f"--root-ca-file={self.ca.path}", f"--secure-port={self._manager_port}",
            "--bind-address=127.0.0.1", f"--cert-dir={self.directory}", "--concurrent-gc-syncs=4",
        ])  # fmt: skip
        self._until(
            lambda: self.ask("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0] == 200,
            "the default ServiceAccount is there", "kube-controller-manager",
        )  # fmt: skip

    def kill_apiserver(self):
        self.processes["kube-apiserver"].kill()

    def freeze_apiserver(self, signal_number):
        """signal.SIGSTOP: it accepts connections and says nothing; signal.SIGCONT ends that."""
        self.processes["kube-apiserver"].signal(signal_number)

    def compact(self):
        """etcd forgets all but the current revisions. The API server's watch cache may still know
        them: kill and start it for a 410."""
        revision = self._etcd("maintenance/status", {})["header"]["revision"]
        assert self._etcd("kv/compaction", {"revision": revision, "physical": True}) is not None

    def close(self):
        for process in reversed(list(self.processes.values())):
            process.kill()

    # The API

    def ask(self, method, path, body=None, token=ADMIN_TOKEN, type_=None):
        """(status, what came back: an object where it is JSON, else text); (0, ...) for none."""
        usual = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": type_ or usual},
        )
        context = ssl.create_default_context(cafile=self.ca.path)
        try:
            with self._inside(), urllib.request.urlopen(request, timeout=30, context=context) as r:
                return r.status, _read(r.read())
        except urllib.error.HTTPError as error:
            return error.code, _read(error.read())
        except OSError as error:
            return 0, str(error)

    def must(self, method, path, body=None, type_=None):
        status, answer = self.ask(method, path, body, type_=type_)
        assert 200 <= status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def kubectl(self, *args, stdin=None, kubeconfig=None, timeout=120):
        """kubectl as admin, or as somebody else: an Ended (netns); `.ok()` it."""
        argv = [peer("kubectl"), f"--kubeconfig={kubeconfig or self.kubeconfig}", *args]
        environment = {"PATH": os.environ["PATH"], "HOME": self.directory}
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        if self.room:
            return self.room.run(argv, environment, timeout, stdin)
        done = subprocess.run(
            argv, env=environment, timeout=timeout, capture_output=True, input=stdin
        )
        return Ended(argv, done.returncode, done.stdout.decode(), done.stderr.decode())

    def apply(self, *objects):
        """kubectl apply of objects, or of YAML text."""
        texts = [each if isinstance(each, str) else json.dumps(each) for each in objects]
        return self.kubectl("apply", "-f", "-", stdin="\n---\n".join(texts)).ok()

    def apply_crds(self):
        """As `kubectl apply --server-side`, without starting that."""
        definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        served = []
        for file_name in CRDS:
            with open(file_name, encoding="utf-8") as file:
                crd = yaml.safe_load(file)
            name, spec = crd["metadata"]["name"], crd["spec"]
            self.must("PATCH", f"{definitions}/{name}?fieldManager=kubectl", crd)
            served.append(
                f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
            )
        for path in served:
            wait_until(lambda path=path: self.ask("GET", path)[0] == 200, f"{path} serves", 60)

    # Identities

    def add_user(self, token, name, *groups):
        """Somebody who is no ServiceAccount, such as a node. Before `start`."""
        with open(self._tokens, "a", encoding="ascii") as file:
            file.write(f'{token},{name},{name},"{",".join(groups)}"\n')

    def new_namespace(self, name, labels=None):
        body = {"metadata": {"name": name, "labels": labels or {}}}
        self.must("POST", "/api/v1/namespaces", body)
        return name

    def new_account(self, namespace, name):
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        status, answer = self.ask("POST", path, {"metadata": {"name": name}})
        assert status in (201, 409), answer

    def new_pod(self, namespace, name, account="default"):
        """An object that nobody runs, admitted by Pod Security `restricted`."""
        container = {
            "name": "main", "image": "none.invalid/none",
            "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True,
                                "capabilities": {"drop": ["ALL"]},
                                "seccompProfile": {"type": "RuntimeDefault"}},
        }  # fmt: skip
        spec = {"serviceAccountName": account, "containers": [container],
                "automountServiceAccountToken": False}  # fmt: skip
        path = f"/api/v1/namespaces/{namespace}/pods"
        return self.must("POST", path, {"metadata": {"name": name}, "spec": spec})

    def delete_pod(self, namespace, name):
        """At once: there is no kubelet to say that it has ended."""
        body = {"gracePeriodSeconds": 0}
        self.must("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}", body)

    def token(self, account, namespace="default", audience=AUDIENCE, duration=600, pod=None):
        """Of a TokenRequest; audience None is the API server's own. `duration`: 600 at least."""
        spec = {"expirationSeconds": duration}
        if audience:
            spec["audiences"] = [audience]
        if pod:
            found = self.must("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}")
            spec["boundObjectRef"] = {"kind": "Pod", "apiVersion": "v1", "name": pod,
                                      "uid": found["metadata"]["uid"]}  # fmt: skip
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return self.must("POST", path, {"spec": spec})["status"]["token"]

    def write_kubeconfig(self, name, token, namespace="default"):
        """A kubeconfig file of this token: its path."""
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {
                "cluster": "test", "user": "test", "namespace": namespace}}],
            "clusters": [{"name": "test", "cluster": {
                "server": self.url,
                "certificate-authority-data": base64.b64encode(self.ca.pem.encode()).decode()}}],
            "users": [{"name": "test", "user": {"token": token}}],
        }  # fmt: skip
        return write(os.path.join(self.directory, f"{name}.kubeconfig"), json.dumps(config))

    def kubeconfig_of(self, account, namespace):
        """As a pod of this ServiceAccount reaches the API: a kubeconfig's path."""
        token = self.token(account, namespace, audience=None, duration=7200)
        return self.write_kubeconfig(f"{namespace}-{account}", token, namespace)

    # Inside

    def _run(self, name, argv):
        environment = {"PATH": os.environ["PATH"], "HOME": self.directory}
        if self.room:
            self.processes[name] = self.room.start(name, argv, environment)
            return
        log_path = os.path.join(self.directory, f"{name}.log")
        with open(log_path, "ab") as log:
            popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *argv],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            )  # fmt: skip
        self.processes[name] = Process(name, popen, log_path)

    def _until(self, condition, what, name):
        wait_until(condition, what, 90, self.processes[name])

    def _etcd(self, path, body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._etcd_port}/v3/{path}", data=json.dumps(body).encode()
        )
        try:
            with self._inside(), urllib.request.urlopen(request, timeout=20) as response:
                return json.loads(response.read())
        except OSError:
            return None

    def _inside(self):
        return self.room.entered() if self.room else contextlib.nullcontext()


def note_start(what, seconds):
    """For the table that tests/run prints: what was started, and how long that took."""
    path = os.environ.get("CONNECTOR_STARTED")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{what}: {seconds:.1f} s\n")


def _read(data):
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def _rsa_key(path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return write(path, pem.decode())
