"""The whole system in a real Kubernetes API: two brokers, data planes and controllers as the chart
configures them, each with the rights that the chart gives its ServiceAccount.

Nobody runs pods here: the programs are processes in the middle room, with a kubeconfig of their
ServiceAccount in place of a pod's own files, and /etc/hosts in place of the cluster's DNS.
"""

import os
import secrets
import time

import yaml

import canary
import chart
from front import Front
from images import Image
from kube import ISSUER, ControlPlane, note_start
from netns import wait_until
from upstream import ADDRESS
from world import HTTP_PORT, PROXY, TLS_PORT, World, program

NAMESPACE = chart.NAMESPACE
API_ADDRESS = "10.99.0.1"
HOST = "c-demo.default.svc.cluster.local"  # What the controller writes for default/demo.
FIRST_BROKER_PORT, FIRST_BROKER_ADMIN_PORT = 7443, 7480
FIRST_CONTROLLER_ADMIN_PORT = 9480
VALUES = "default"  # The set of values in the chart's ci folder.


class Cluster(World):
    """Clients come by TLS to port 443, as the chart has it. Port 80 is for tests that have nothing to do
    with it."""

    def __init__(self, directory, kube_flags=(), **options):
        super().__init__(directory, **options)
        self.middle.run(["ip", "address", "add", f"{API_ADDRESS}/32", "dev", "lo"]).ok()
        self.kube = ControlPlane(self.made("kube"), self.middle, API_ADDRESS, more=kube_flags)
        self.brokers, self.controllers = [], []
        self.objects = chart.render(VALUES)
        self.kubeconfigs = {}
        self.controller_extra = {"probes": {"period": "10s", "firstRetry": "1s"}}
        self.front = None

    def start(self, dataplanes=3, brokers=2, controllers=2, access=(), **spec):
        """All of it; the Connector default/demo is Ready, for default/builder. `access`: its rules;
        none is RBAC alone."""
        self.upstream.start()
        self.kube.start(controllers=True)
        started = time.monotonic()
        self.connectorctl("pki", "init", self.path("pki"), "--ip", PROXY)
        self.install()
        for index in range(brokers):
            self.start_broker(index)
        for index in range(dataplanes):
            self.start_dataplane(index)
        for index in range(controllers):
            self.start_controller(index)
        ports = [listener_port(index) for index in range(dataplanes)]
        self.front = Front(self.middle, PROXY, 80, [(PROXY, port) for port in ports])
        tls_ports = [TLS_PORT + index for index in range(dataplanes)]
        tls_front = Front(self.middle, PROXY, 443, [(PROXY, port) for port in tls_ports])
        self.at_close += [self.front.close, tls_front.close]
        self.spec = {"access": list(access), **spec}
        self._connect()
        note_start(
            f"{brokers} brokers, {dataplanes} data planes,"
            f" {controllers} controllers, until a Connector was Ready",
            time.monotonic() - started,
        )
        return self

    def put_right(self):
        """After a test that broke something: all runs and is as `start` made it."""
        if not self.kube.processes["kube-apiserver"].is_running():
            self.kube.start_apiserver()
        for processes, start in (
            (self.brokers, self.start_broker),
            (self.dataplanes, self.start_dataplane),
            (self.controllers, self.start_controller),
        ):
            for index, process in enumerate(list(processes)):
                if not process.is_running():
                    start(index)
        return self._connect()

    def _connect(self):
        self.put_secret(self.upstream.password)
        self.put_ca(self.upstream.ca.pem)
        self.grant_secrets("default", "robot", "upstream-ca")
        connector = self.connector(**self.spec)
        if not self.spec["access"]:
            connector["spec"].pop("access")
        self.put_connector(connector)
        self.wait_ready("demo")
        self.kube.new_account("default", "builder")
        self.allow("builder", "demo")
        return self

    def close(self, failed):
        try:
            super().close(failed)
        finally:
            self.kube.close()

    def scan(self):
        passwords = self.upstream.passwords
        unwanted = {"test-token-issuer": "an upstream token", ISSUER: "a caller token"}
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".log") and name.startswith(("broker", "dataplane", "controller")):
                canary.check_file(self.path(name), passwords, unwanted)
        for index in range(len(self.brokers)):
            for name in os.listdir(self.path(f"audit-{index}")):
                canary.check_file(self.path(f"audit-{index}", name), passwords, unwanted)
        for process in (*self.dataplanes, *self.controllers):
            if process.is_running():
                canary.check_memory(process.name, process.pid, passwords)

    # What an administrator installs

    def install(self):
        """Of the chart: what the API needs, without the pods."""
        self.kube.new_namespace(NAMESPACE)
        kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
                 "ConnectorClass", "Service")  # fmt: skip
        self.kube.apply(*chart.of_kind(self.objects, *kinds))
        for name in ("broker", "controller"):
            self.kubeconfigs[name] = self.kube.kubeconfig_of(f"oci-connector-{name}", NAMESPACE)

    def grant_secrets(self, namespace, *names):
        """What a team does, so that the broker may read these Secrets (docs/kubernetes.md)."""
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "metadata": {"name": "oci-connector-secrets", "namespace": namespace},
                "rules": [{"apiGroups": [""], "resources": ["secrets"],
                           "resourceNames": list(names), "verbs": ["get", "watch"]}]}  # fmt: skip
        subject = {"kind": "ServiceAccount", "name": "oci-connector-broker", "namespace": NAMESPACE}
        self.kube.apply(role, _binding("oci-connector-secrets", namespace, role, subject))

    def allow(self, account, connector, namespace="default"):
        """The right to pull and push: get and create on connectors/proxy of a Connector."""
        name = f"use-{connector}"
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "metadata": {"name": name, "namespace": namespace},
                "rules": [{"apiGroups": ["oci-connector.dev"], "resources": ["connectors/proxy"],
                           "resourceNames": [connector], "verbs": ["get", "create"]}]}  # fmt: skip
        subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
        self.kube.apply(role, _binding(f"{name}-{account}", namespace, role, subject))
        review = {"spec": {
            "user": f"system:serviceaccount:{namespace}:{account}",
            "resourceAttributes": {
                "group": "oci-connector.dev", "resource": "connectors", "subresource": "proxy",
                "verb": "get", "namespace": namespace, "name": connector,
            },
        }}  # fmt: skip
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        wait_until(
            lambda: self.kube.must("POST", path, review)["status"]["allowed"], "the right is there"
        )

    def disallow(self, account, connector, namespace="default"):
        self.kube.kubectl(
            "delete", "rolebinding", f"use-{connector}-{account}", "-n", namespace
        ).ok()

    def _put(self, file_name, resource):
        self.kube.apply(resource)

    # Processes

    def start_broker(self, index=0):
        self.made(f"audit-{index}")
        config = yaml.safe_load(chart.program_config(self.objects, "broker"))
        pki = lambda name: self.path("pki", name)  # noqa: E731
        config |= {
            "listenAddress": f"127.0.0.1:{FIRST_BROKER_PORT + index}",
            "adminAddress": f"127.0.0.1:{FIRST_BROKER_ADMIN_PORT + index}",
            "tls": {"certificateFile": pki("broker.crt"), "keyFile": pki("broker.key"),
                    "clientCaFile": pki("ca.crt")},
            "rootKeyFile": pki("root.key"),
            "kubernetes": {"kubeconfigFile": self.kubeconfigs["broker"]},
            "logLevel": "debug",
            # The registry has a private address.
            "upstreamPolicy": {"rules": [
                {"namespaces": ["*"], "addresses": [ADDRESS], "plainHttp": not self.upstream.tls},
            ]},
            **self.broker_extra,
        }  # fmt: skip
        config["audit"] |= {"directory": self.path(f"audit-{index}"), "replica": f"broker-{index}"}
        path = self.write_yaml(f"broker-{index}.yaml", config)
        broker = self.middle.start(
            f"broker-{index}", [program("connector-broker"), "--config", path]
        )
        self.brokers[index:] = [broker, *self.brokers[index + 1 :]]
        wait_until(
            lambda: self.readiness_of(FIRST_BROKER_ADMIN_PORT + index)[0] == 200,
            f"broker {index} is ready", 40, broker,
        )  # fmt: skip
        return broker

    def dataplane_config(self, index):
        config = super().dataplane_config(index)
        rendered = yaml.safe_load(chart.program_config(self.objects, "dataplane"))
        brokers = ",".join(f"127.0.0.1:{FIRST_BROKER_PORT + each}" for each in range(2))
        config["broker"]["address"] = f"ipv4:{brokers}"
        (tls,) = rendered["listeners"]
        config["listeners"][1]["tls"] = tls["tls"]  # Of the chart: names by the broker.
        return {**rendered, **config, "drainTimeout": "10s"}

    def start_dataplane(self, index=0):
        before = list(self.dataplanes)
        started = super().start_dataplane(index)
        self.dataplanes[index + 1 :] = before[index + 1 :]
        return started

    def start_controller(self, index=0):
        config = yaml.safe_load(chart.program_config(self.objects, "controller"))
        config |= {
            "adminAddress": f"127.0.0.1:{FIRST_CONTROLLER_ADMIN_PORT + index}",
            "kubernetes": {"kubeconfigFile": self.kubeconfigs["controller"]},
            "logLevel": "debug",
            **self.controller_extra,
        }
        config["broker"] |= {
            "address": self.dataplane_config(0)["broker"]["address"],
            "caFile": self.path("pki", "ca.crt"),
            "certificateFile": self.path("pki", "operator.crt"),
            "keyFile": self.path("pki", "operator.key"),
            "serverName": "localhost",
        }
        path = self.write_yaml(f"controller-{index}.yaml", config)
        controller = self.middle.start(
            f"controller-{index}", [program("connector-controller"), "--config", path]
        )
        self.controllers[index:] = [controller, *self.controllers[index + 1 :]]
        wait_until(
            lambda: self.readiness_of(FIRST_CONTROLLER_ADMIN_PORT + index)[0] == 200,
            f"controller {index} is ready", 40, controller,
        )  # fmt: skip
        return controller

    def readiness_of(self, admin_port):
        return self.ask_admin(admin_port, "/readyz")

    def broker_metrics(self, index=0):
        return self.ask_admin(FIRST_BROKER_ADMIN_PORT + index, "/metrics")[1]

    # Connectors and callers

    def connector_now(self, name="demo", namespace="default"):
        path = f"/apis/oci-connector.dev/v1alpha1/namespaces/{namespace}/connectors/{name}"
        return self.kube.ask("GET", path)[1]

    def conditions(self, name="demo", namespace="default"):
        """{type: (status, reason)}"""
        status = self.connector_now(name, namespace).get("status", {})
        return {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions", [])}

    def wait_ready(self, name="demo", namespace="default"):
        try:
            wait_until(
                lambda: self.conditions(name, namespace).get("Ready", ("",))[0] == "True",
                f"{namespace}/{name} is Ready", 40,
            )  # fmt: skip
        except AssertionError as error:
            status = self.connector_now(name, namespace).get("status")
            raise AssertionError(f"{error}: {status}") from None

    def wait_ca(self, name="demo", namespace="default"):
        """What clients verify the data planes by, as the Connector's status tells it."""
        return wait_until(
            lambda: self.connector_now(name, namespace)["status"]["address"].get("caCerts"),
            "the status has the CA", 20,
        )  # fmt: skip

    def token(self, account="builder", namespace="default", **more):
        token = self.kube.token(account, namespace, **more)
        self.tokens.append(token)
        return token

    def image(self):
        return Image(self.path("images", secrets.token_hex(4)))

    def client(self, host=HOST, port=80, tls=None, timeout=20.0):
        return super().client(host, port, tls, timeout)


def listener_port(index):
    return HTTP_PORT + index


def _binding(name, namespace, role, subject):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role",
                    "name": role["metadata"]["name"]},
        "subjects": [subject],
    }  # fmt: skip
