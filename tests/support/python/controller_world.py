"""connector-controller on a real control plane, with a real broker and registry to probe.

Everything is in one room: the API server, the controllers, the broker. The API server keeps an audit
log, which says who wrote what and when, whatever the programs say of themselves.
"""

import http.client
import json
import os
import ssl
import threading

from kube import ADMIN_TOKEN, ControlPlane
from netns import wait_until
from world import BROKER_PORT, World, program

NAMESPACE = "oci-connector"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/connector-controller"
CONNECTORS = "/apis/oci-connector.dev/v1alpha1/namespaces/{}/connectors"
CLASSES = "/apis/oci-connector.dev/v1alpha1/connectorclasses"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
EVENTS = "/apis/events.k8s.io/v1/namespaces/{}/events"
SERVICES = "/api/v1/namespaces/{}/services"
MERGE = "application/merge-patch+json"

# Exactly what the program asks for; the API server refuses it everything else.
CLUSTER_RULES = [
    {"apiGroups": ["oci-connector.dev"], "resources": ["connectors", "connectorclasses"],
     "verbs": ["list", "watch"]},
    {"apiGroups": ["oci-connector.dev"], "resources": ["connectors/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["services"],
     "verbs": ["create", "get", "list", "watch", "patch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"],
     "verbs": ["create", "get", "list", "watch", "patch", "delete"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
]  # fmt: skip
LEASE_RULES = [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                "verbs": ["create", "get", "list", "watch", "patch"]}]  # fmt: skip
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "verbs": ["create", "update", "patch", "delete"]},
              {"level": "None"}],
}  # fmt: skip


class ControllerWorld:
    def __init__(self, directory):
        self.world = World(directory)
        world = self.world
        policy = world.write_yaml("audit-policy.yaml", AUDIT_POLICY)
        self.audit_log = world.path("kube-audit.json")
        self.plane = ControlPlane(
            world.directory, room=world.middle,
            more=[f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}"],
        )  # fmt: skip
        self.controllers = {}

    def start(self):
        world, plane = self.world, self.plane
        world.upstream.start()
        world.connectorctl("pki", "init", world.path("pki"), "--ip", "127.0.0.1")
        world.put_secret(world.upstream.password)
        world.put_ca(world.upstream.ca.pem)
        world.start_broker()
        plane.start()
        # Only now: the garbage collector looks for new types of resources twice a minute.
        plane.start_controllers()
        plane.new_namespace(NAMESPACE)
        self.put_class()
        for index in range(2):
            self._allow(f"controller-{index}")
        return self

    def close(self, failed):
        for name in list(self.controllers):
            self.controllers.pop(name).kill()
        self.world.close(failed)

    def _allow(self, account):
        self.plane.new_account(NAMESPACE, account)
        subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
        group = "rbac.authorization.k8s.io"
        for kind, rules, metadata in (
            ("ClusterRole", CLUSTER_RULES, {"name": account}),
            ("Role", LEASE_RULES, {"name": account, "namespace": NAMESPACE}),
        ):
            self.plane.apply(
                {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "rules": rules},
                {"apiVersion": f"{group}/v1", "kind": f"{kind}Binding", "metadata": metadata,
                 "subjects": [subject],
                 "roleRef": {"apiGroup": group, "kind": kind, "name": account}},
            )  # fmt: skip

    # The program

    def start_controller(self, index=0, service=None, **changes):
        """As the ServiceAccount controller-INDEX; `changes` replace whole members."""
        name = f"controller-{index}"
        pki = self.world.path("pki")
        config = {
            "kubernetes": {"kubeconfigFile": self.plane.kubeconfig_of(name, NAMESPACE)},
            "adminAddress": f"127.0.0.1:{9480 + index}",
            "broker": {
                "address": f"127.0.0.1:{BROKER_PORT}", "serverName": "localhost",
                "caFile": f"{pki}/ca.crt", "certificateFile": f"{pki}/operator.crt",
                "keyFile": f"{pki}/operator.key", "timeout": "5s",
            },
            "service": {"dataplane": {"namespace": NAMESPACE, "name": "dataplane"},
                        **(service or {})},
            "leaderElection": {"leaseDuration": "6s", "renewDeadline": "4s", "renewPeriod": "1s",
                               "retryPeriod": "500ms"},
            "probes": {"period": "2s", "firstRetry": "500ms", "brokerGrace": "3s"},
            "logLevel": "debug", **changes,
        }  # fmt: skip
        path = self.world.write_yaml(f"{name}.yaml", config)
        argv = [program("connector-controller"), "--config", path]
        process = self.world.middle.start(name, argv)
        self.controllers[name] = process
        wait_until(
            lambda: self.admin(index, "/readyz")[0] == 200, f"{name} is ready", 60, process
        )  # fmt: skip
        return process

    def stop_controllers(self):
        for name in list(self.controllers):
            code = self.controllers.pop(name).stop()
            assert code == 0, f"{name} ended with {code}"

    def admin(self, index, path):
        return self.world.ask_admin(9480 + index, path)

    def metric(self, index, line):
        """The value of one series, by its whole name with labels; 0 when it is not there."""
        for each in self.admin(index, "/metrics")[1].splitlines():
            if each.startswith(f"{line} "):
                return float(each.rsplit(" ", 1)[1])
        return 0.0

    def leader(self):
        """The number of the controller that says that it leads, or None."""
        leading = [index for index in range(2)
                   if self.metric(index, "connector_controller_leader") == 1]  # fmt: skip
        assert len(leading) < 2, "two replicas lead at once"
        return leading[0] if leading else None

    # What people do

    def put_class(self, name="oci", **spec):
        body = {"apiVersion": "oci-connector.dev/v1alpha1", "kind": "ConnectorClass",
                "metadata": {"name": name}, "spec": spec}  # fmt: skip
        self.plane.kubectl(
            "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(body)
        ).ok()

    def connector(self, name, **spec):
        """As the world's own, without rules: those are the broker's."""
        body = self.world.connector(name, **spec)
        return body

    def apply(self, connector, file=True):
        """To the API, and to the broker's directory."""
        if file:
            self.world.put_connector(connector)
        self.plane.apply(connector)

    def create_many(self, names):
        """All at once, over connections that stay open: faster than a controller follows."""
        body = self.connector("many")
        path = CONNECTORS.format("default")

        def create(part):
            context = ssl.create_default_context(cafile=self.plane.ca.path)
            address = (self.plane.address, self.plane.port)
            with self.world.middle.entered():
                connection = http.client.HTTPSConnection(*address, timeout=60, context=context)
                connection.connect()
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
            for name in part:
                body_of = {**body, "metadata": {"name": name, "namespace": "default"}}
                connection.request("POST", path, json.dumps(body_of), headers)
                answer = connection.getresponse()
                assert answer.status == 201, answer.read()
                answer.read()
            connection.close()

        threads = [threading.Thread(target=create, args=(names[k::6],)) for k in range(6)]
        for thread in threads:
            thread.start()
        return threads

    def read(self, name, namespace="default"):
        return self.plane.must("GET", f"{CONNECTORS.format(namespace)}/{name}")

    def condition(self, name, type_):
        """{status, reason, ...} of one condition; empty when it is not there."""
        conditions = self.read(name).get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == type_), {})

    def until(self, name, type_, reason, timeout=30):
        return wait_until(
            lambda: (found := self.condition(name, type_)).get("reason") == reason and found,
            f"{type_} of {name} has the reason {reason}", timeout,
        )  # fmt: skip

    def service(self, name, namespace="default"):
        """The Service c-NAME, or None."""
        status, body = self.plane.ask("GET", f"{SERVICES.format(namespace)}/c-{name}")
        return body if status == 200 else None

    def slices(self, name, namespace="default"):
        query = f"?labelSelector=kubernetes.io/service-name%3Dc-{name}"
        return self.plane.must("GET", SLICES.format(namespace) + query)["items"]

    def events(self, name, namespace="default"):
        items = self.plane.must("GET", EVENTS.format(namespace))["items"]
        return [each for each in items if each["regarding"]["name"] == name]

    def delete(self, name, namespace="default"):
        self.plane.ask("DELETE", f"{CONNECTORS.format(namespace)}/{name}")
        wait_until(lambda: self.service(name) is None, f"the Service of {name} is collected")

    # What the API server saw

    def writes(self, *accounts, leases=False):
        """[(time, account, verb, resource, name, code)] of these controllers, in order."""
        out = []
        with open(self.audit_log, encoding="utf-8") as file:
            for line in file:
                if not line.endswith("\n"):
                    break
                event = json.loads(line)
                account = event["user"]["username"].rsplit(":", 1)[-1]
                what = event.get("objectRef", {})
                is_lease = what.get("resource") == "leases"
                if account in (accounts or ("controller-0", "controller-1")) and (
                    leases or not is_lease
                ):
                    resource = "/".join(
                        part for part in (what["resource"], what.get("subresource")) if part
                    )
                    out.append((event["requestReceivedTimestamp"], account, event["verb"],
                                resource, what.get("name"),
                                event.get("responseStatus", {}).get("code")))  # fmt: skip
        return out
