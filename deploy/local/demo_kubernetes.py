"""The demonstration on a real Kubernetes API: etcd, kube-apiserver, and the controller beside the
other programs. What a person would type is typed here: kubectl and helm do all of it.

There is no kubelet: the programs are processes with a kubeconfig of the ServiceAccount that the chart
gives them. There is no cluster DNS either: a client sees the name that the controller wrote through
an /etc/hosts of its own.
"""

import base64
import json
import os
import secrets
import shlex
import textwrap
import time

import demo_volume
import scenario
from demo_system import DATAPLANE_BEHIND_LISTENERS, Demo
from processes import Failure

_HERE = os.path.dirname(os.path.abspath(__file__))
_DEPLOY = os.path.dirname(_HERE)
_CHART = os.path.join(_DEPLOY, "helm", "oci-connector")
_NAMESPACE = "oci-connector"
_ISSUER = "https://kubernetes.default.svc.cluster.local"
PEERS = ("etcd", "kube-apiserver", "kubectl", "helm", "buildkitd", "buildctl")
_ACCOUNTS = ("builder", "reader", "stranger")
_BOUND = 90  # Seconds in which a right that is gone must have ended: 10 of the broker, 60 of a grant.


class KubernetesDemo(Demo):
    def __init__(self, directory, bin_directory, chosen_ports, peers):
        """`peers`: {name: path} of etcd, kube-apiserver, kubectl and helm."""
        super().__init__(directory, bin_directory, chosen_ports)
        self.peers = peers
        self.host = f"c-demo.default.svc.cluster.local:{self.ports['proxy-tls']}"

    @property
    def prefix(self):
        return self.host

    def start(self):
        self._make_registry_certificates()
        self.connectorctl("pki", "init", self.path("pki"), "--dataplane", "demo")
        self._start_token_service()
        self._start_registry()
        self._start_api()
        self._install()
        os.makedirs(self.path("audit"), mode=0o700)
        self._start_program("broker", _BROKER, "broker")
        self._start_program("dataplane", _DATAPLANE, "proxy-tls")
        scenario.wait_until_ready(self)
        self._start_program("controller", _CONTROLLER, "controller-status")

    def tls_option(self, side, account):
        return f"--{side}-cert-dir={self.path(account, 'certs.d', self.host)}"

    # The cluster

    def kubectl(self, *arguments, stdin=None):
        argv = [self.peers["kubectl"], f"--kubeconfig={self.path('admin.kubeconfig')}", *arguments]
        if stdin is not None:
            argv.append(f"--filename={self.write('kubectl-input.yaml', stdin)}")
        code, output = self.processes.run(argv, {"HOME": self.directory})
        if code != 0:
            raise Failure(f"kubectl {' '.join(arguments)} exited {code}:\n{output}")
        return output

    def _start_api(self):
        etcd = self.address("etcd")
        self.processes.start("etcd", [
            self.peers["etcd"], f"--data-dir={self.path('etcd')}", "--unsafe-no-fsync",
            f"--listen-client-urls=http://{etcd}", f"--advertise-client-urls=http://{etcd}",
            f"--listen-peer-urls=http://{self.address('etcd-peer')}", "--log-level=warn",
        ], self.ports["etcd"])  # fmt: skip
        key = self.path("accounts.key")
        code, output = self.processes.run(["openssl", "genrsa", "-out", key, "2048"])
        if code != 0:
            raise Failure(f"openssl failed:\n{output}")
        token = secrets.token_urlsafe(24)
        users = self.write("api-users.csv", f"{token},admin,admin,system:masters\n")
        self.processes.start("Kubernetes API server", [
            self.peers["kube-apiserver"], f"--etcd-servers=http://{etcd}",
            "--bind-address=127.0.0.1", f"--secure-port={self.ports['kubernetes']}",
            "--endpoint-reconciler-type=none", f"--cert-dir={self.directory}",
            f"--tls-cert-file={self.path('registry-tls.crt')}",
            f"--tls-private-key-file={self.path('registry-tls.key')}",
            f"--token-auth-file={users}", "--authorization-mode=RBAC",
            f"--service-account-issuer={_ISSUER}", f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}", "--service-cluster-ip-range=10.96.0.0/16",
        ], self.ports["kubernetes"])  # fmt: skip
        self.write_kubeconfig("admin", token)
        self._until(lambda: self._try_kubectl("get", "--raw", "/readyz"), "the API server is ready")

    def _try_kubectl(self, *arguments):
        try:
            return self.kubectl(*arguments)
        except Failure:
            return None

    def _until(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            self.processes.check_all_run()
            if time.monotonic() > deadline:
                raise Failure(f"Not within {seconds} s: {what}.")
            time.sleep(0.2)
        return found

    def _install(self):
        crds = [f"--filename={os.path.join(_DEPLOY, 'crds', name)}"
                for name in ("connectors.yaml", "connectorclasses.yaml")]  # fmt: skip
        self.kubectl("apply", "--server-side", *crds)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", *crds)
        self.kubectl("create", "namespace", _NAMESPACE)
        values = ["--set=image.registry=registry.example.com", "--set=secretAccess[0].namespace=default",
                  "--set=secretAccess[0].secrets={demo-robot,demo-ca}", "--set=csi.enabled=true"]  # fmt: skip
        shown = [f"--show-only=templates/{name}" for name in (
            "broker/rbac.yaml", "controller/rbac.yaml", "connectorclass.yaml", "csi/driver.yaml")]  # fmt: skip
        code, output = self.processes.run([
            self.peers["helm"], "template", "oci-connector", _CHART, f"--namespace={_NAMESPACE}",
            "--kube-version=1.36.3", *values, *shown,
        ], {"HOME": self.directory})  # fmt: skip
        if code != 0:
            raise Failure(f"helm failed:\n{output}")
        documents = output[output.index("---") :]  # After its notes on symbolic links.
        self._until(
            lambda: self._try_apply(documents), "what the chart holds for the API was accepted"
        )
        for name in ("broker", "controller"):
            self.kubectl(
                "create", "serviceaccount", f"oci-connector-{name}", f"--namespace={_NAMESPACE}"
            )
            token = self.kubectl(
                "create", "token", f"oci-connector-{name}", f"--namespace={_NAMESPACE}",
                "--duration=8h",
            ).strip()  # fmt: skip
            self.write_kubeconfig(name, token)
        for account in _ACCOUNTS:
            self.kubectl("create", "serviceaccount", account)

    def _try_apply(self, documents):
        try:
            return self.kubectl("apply", stdin=documents)
        except Failure:
            return None

    def write_kubeconfig(self, name, token):
        self.write(f"{name}.kubeconfig", _KUBECONFIG.format(
            server=self.address("kubernetes"), ca=self.path("registry-ca.crt"), token=token,
            namespace="default" if name == "admin" else _NAMESPACE,
        ))  # fmt: skip

    def _start_program(self, name, template, port):
        config = self.write(f"{name}.yaml", template.format(
            root=self.directory, namespace=_NAMESPACE, listen=self.address("broker"),
            broker=self.address("broker"), proxy=self.address("proxy-tls"),
            admin=self.address("status" if name == "dataplane" else f"{name}-status"),
            proxy_port=self.ports["proxy"], tls_port=self.ports["proxy-tls"],
        ))  # fmt: skip
        argv = [self.program(f"connector-{name}"), "--config", config]
        self.processes.start(name, argv, self.ports[port])

    # What a team does

    def apply_connector(self):
        with open(self.path("registry-ca.crt"), "rb") as file:
            ca = base64.b64encode(file.read()).decode()
        self.kubectl("apply", stdin=_TEAM.format(
            robot=json.dumps(self.robot), password=json.dumps(self.password), ca=ca,
            registry=self.address("registry"), token=self.address("token"),
        ))  # fmt: skip
        self._until(
            lambda: "True" in self.kubectl("get", "connector", "demo", "-o=jsonpath="
                                           "{.status.conditions[?(@.type=='Ready')].status}"),
            "the Connector is Ready",
        )  # fmt: skip
        self.write("client-ca.crt", self._until(
            lambda: self.kubectl(
                "get", "connector", "demo", "-o=jsonpath={.status.address.caCerts}"
            ),
            "the Connector's status has the CA",
        ))  # fmt: skip
        return self.kubectl("get", "connectors")

    def mint_for(self, account):
        token = self.kubectl("create", "token", account, "--audience=oci-connector").strip()
        token_file = self.write(f"{account}/token", token)
        self.connectorctl(
            "render", "all", "--host", self.host, "--tls", "--ca-file", self.path("client-ca.crt"),
            "--token-file", token_file, "--out", self.path(account),
        )  # fmt: skip

    def run_client(self, argv):
        """A client as in a pod of the cluster: it resolves what the controller made."""
        name = self.host.partition(":")[0]
        hosts = self.write("hosts", f"127.0.0.1 localhost {name}\n")
        script = f"mount --bind {shlex.quote(hosts)} /etc/hosts && exec {shlex.join(argv)}"
        return self.processes.run(["unshare", "--mount", "sh", "-c", script])


def demonstrate(demo):
    scenario.say("1. A team applies a Secret and a Connector; the controller makes the Service.")
    _show(demo.apply_connector())
    address = demo.kubectl("get", "connector", "demo", "-o=jsonpath={.status.address.url}")
    _show(f"status.address.url is {address}")
    if address != f"https://{demo.host}":
        raise Failure(f"The address should be https://{demo.host}.")
    _show("status.address.caCerts is what clients verify the data plane by")
    _show(demo.kubectl("get", "service", "c-demo"))

    scenario.say("2. kubectl create token --audience oci-connector gives a caller's only credential.")
    for account in _ACCOUNTS:
        demo.mint_for(account)
    image = scenario.make_image(demo.path("image"))
    target = f"{demo.host}/samples/hello:v1"

    scenario.say("3. default/builder pushes through that address, and pulls it back.")
    scenario.expect(scenario.push(demo, "builder", target), 0, "the push")
    scenario.expect(scenario.pull(demo, "builder", target, "pulled"), 0, "the pull")
    pulled = scenario.layout_digest(demo.path("pulled"))
    _show(f"pushed {image}\npulled {pulled}")
    if pulled != image:
        raise Failure("The digests differ.")

    scenario.say("4. A pod's volume by the CSI driver: skopeo and buildctl with nothing but its files.")
    demo_volume.demonstrate(demo)

    scenario.say("5. default/reader may use the Connector, and its rule is to pull, not to push.")
    scenario.expect_refusal(*scenario.push(demo, "reader", target), ("denied",))
    scenario.say("6. default/stranger has no RoleBinding: no such connector, for all it can see.")
    scenario.expect_refusal(
        *scenario.pull(demo, "stranger", target, "stolen"), ("denied", "name unknown")
    )

    scenario.say("7. The RoleBinding of default/builder is deleted.")
    demo.kubectl("delete", "rolebinding", "demo-builder")
    started = time.monotonic()
    attempt = 0
    while True:
        code, _ = scenario.pull(demo, "builder", target, f"after-{attempt}")
        if code != 0:
            break
        attempt += 1
        if time.monotonic() - started > _BOUND:
            raise Failure(f"builder could still pull {_BOUND} s after its RoleBinding was gone.")
        time.sleep(1)
    # The right may have ended in the middle of that pull, where clients say less.
    code, output = scenario.pull(demo, "builder", target, "refused")
    scenario.expect_refusal(code, output, ("denied", "name unknown"))
    _show(f"after {time.monotonic() - started:.0f} s; a grant lives for 60 s at most")

    scenario.say("8. The audit stream: who did what. Each line was on disk before its token was issued.")
    scenario.show_audit(demo)
    scenario.say("The demonstration held: no client had a registry credential.")


def stay_up(demo):
    _show(demo.apply_connector())
    for account in _ACCOUNTS:
        demo.mint_for(account)
    scenario.make_image(demo.path("image"))
    target = f"{demo.host}/samples/hello:v1"
    scenario.expect(scenario.push(demo, "builder", target), 0, "the push of a sample image")
    port = demo.ports["proxy-tls"]
    name = demo.host.partition(":")[0]
    print(_LINES.format(
        kubectl=f"{demo.peers['kubectl']} --kubeconfig={demo.path('admin.kubeconfig')}",
        builder=demo.path("builder"), ca=demo.path("client-ca.crt"), resolve=f"{name}:{port}:127.0.0.1", host=demo.host,
        status=demo.address("status"), broker=demo.address("broker-status"),
        controller=demo.address("controller-status"),
    ), flush=True)  # fmt: skip
    while True:
        demo.processes.check_all_run()
        time.sleep(0.5)


def _show(text):
    print(textwrap.indent(text.rstrip(), "    "), flush=True)


_KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: demo
clusters: [{{name: demo, cluster: {{server: "https://{server}", certificate-authority: {ca}}}}}]
users: [{{name: demo, user: {{token: "{token}"}}}}]
contexts: [{{name: demo, context: {{cluster: demo, user: demo, namespace: {namespace}}}}}]
"""

_BROKER = """
listenAddress: {listen}
adminAddress: {admin}
tls:
  certificateFile: {root}/pki/broker.crt
  keyFile: {root}/pki/broker.key
  clientCaFile: {root}/pki/ca.crt
peers:
  dataplanes: ["spiffe://oci-connector.local/dataplane/*"]
  operators: ["spiffe://oci-connector.local/operator"]
kubernetes: {{kubeconfigFile: {root}/broker.kubeconfig}}
resources: {{kubernetes: {{}}}}
identity: {{kubernetes: {{verify: tokenReview}}}}
audit: {{directory: {root}/audit}}
rootKeyFile: {root}/pki/root.key
upstreamPolicy:
  rules:
  - {{namespaces: [default], addresses: [127.0.0.1]}}
listenerAuthority: {{}}
"""

_DATAPLANE = """
listeners:
- address: {proxy}
  tls: {{fromBroker: {{}}}}""" + DATAPLANE_BEHIND_LISTENERS

_CONTROLLER = """
kubernetes: {{kubeconfigFile: {root}/controller.kubeconfig}}
adminAddress: {admin}
broker:
  address: {broker}
  caFile: {root}/pki/ca.crt
  certificateFile: {root}/pki/operator.crt
  keyFile: {root}/pki/operator.key
  serverName: localhost
service:
  dataplane: {{namespace: {namespace}, name: oci-connector-dataplane}}
  httpPort: {proxy_port}
  httpsPort: {tls_port}
  urlScheme: https
leaderElection: {{name: oci-connector-controller}}
"""

_TEAM = """
apiVersion: v1
kind: Secret
metadata: {{name: demo-robot, namespace: default}}
type: kubernetes.io/basic-auth
stringData: {{username: {robot}, password: {password}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: demo-ca, namespace: default}}
data: {{ca.crt: {ca}}}
---
apiVersion: oci-connector.dev/v1alpha1
kind: Connector
metadata: {{name: demo, namespace: default}}
spec:
  connectorClassName: oci
  address: https://{registry}
  auth: {{name: tokenAuth, secretRef: {{name: demo-robot}}}}
  caCertSecretRef: {{name: demo-ca}}
  upstream: {{tokenRealm: "https://{token}/token"}}
  access:
  - from: [{{serviceAccount: {{namespace: default, name: builder}}}}]
    repositories: ["samples/**"]
    actions: [pull, push]
  - from: [{{namespace: default}}]
    repositories: ["samples/**"]
    actions: [pull]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: demo-user, namespace: default}}
rules:
- {{apiGroups: [oci-connector.dev], resources: [connectors/proxy], resourceNames: [demo], verbs: [get, create]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: demo-builder, namespace: default}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: demo-user}}
subjects: [{{kind: ServiceAccount, name: builder, namespace: default}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: demo-reader, namespace: default}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: demo-user}}
subjects: [{{kind: ServiceAccount, name: reader, namespace: default}}]
"""

_LINES = """
kubectl    alias k='{kubectl}'
           k get connectors -o wide; k describe connector demo; k get events.events.k8s.io
Token      k create token builder --audience oci-connector
Tags       curl -u "token:$(cat {builder}/token)" --cacert {ca} --resolve {resolve} https://{host}/v2/samples/hello/tags/list

Status     http://{status}/  (data plane)   http://{broker}/  (broker)   http://{controller}/  (controller)

Ctrl-C stops everything and removes it.
"""
