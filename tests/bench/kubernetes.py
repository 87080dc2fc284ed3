"""The system in a cluster API with thousands of Connectors: tests/bench/run kubernetes.

A real etcd, kube-apiserver and controller manager, two brokers, three data planes, two controllers, all
on this machine. Requests are counted in the API server's own audit log, by who asked. Prints a table of
goals and measurements, and exits 1 when one was missed.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import shutil
import ssl
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support", "python"))

from cluster import FIRST_CONTROLLER_ADMIN_PORT, NAMESPACE, Cluster, listener_port  # noqa: E402
from goals import Goals  # noqa: E402
from images import Image  # noqa: E402
from kube import ADMIN_TOKEN  # noqa: E402
from netns import wait_until  # noqa: E402
from push import get_manifest, push_image  # noqa: E402
from testca import write  # noqa: E402
from world import PROXY, path_form  # noqa: E402

_POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""
_WRITERS = 8
_DATAPLANES = 3


class Audit:
    """What the API server wrote about requests of our programs."""

    def __init__(self, path):
        self._path = path

    def position(self):
        return os.path.getsize(self._path)

    def requests_since(self, position):
        """[(program, verb, resource)] without watches."""
        found = []
        with open(self._path, encoding="utf-8") as file:
            file.seek(position)
            for line in file:
                event = json.loads(line)
                agent = event.get("userAgent", "")
                if agent.startswith("connector") and event["verb"] != "watch":
                    resource = event.get("objectRef", {}).get("resource", event["requestURI"])
                    found.append((agent.split("/")[0], event["verb"], resource))
        return found


class Writers:
    """POSTs with connections that stay."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._local = threading.local()
        self._pool = concurrent.futures.ThreadPoolExecutor(_WRITERS)

    def post_all(self, items):
        """`items`: (path, body)."""
        for _ in self._pool.map(self._post, items):
            pass

    def close(self):
        self._pool.shutdown()

    def _post(self, item):
        path, body = item
        if not hasattr(self._local, "connection"):
            context = ssl.create_default_context(cafile=self._cluster.kube.ca.path)
            with self._cluster.middle.entered():
                self._local.connection = http.client.HTTPSConnection(
                    self._cluster.kube.address, self._cluster.kube.port, context=context, timeout=60
                )
                self._local.connection.connect()
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
        connection = self._local.connection
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status in (201, 409), f"{path}: {answer.status} {text[:300]}"
        return text


class Bench:
    def __init__(self, options):
        self.options = options
        self.goals = Goals()
        self.directory = tempfile.mkdtemp(prefix="bench-kubernetes-")
        policy = write(os.path.join(self.directory, "audit-policy.yaml"), _POLICY)
        log = os.path.join(self.directory, "api-audit.log")
        flags = [f"--audit-policy-file={policy}", f"--audit-log-path={log}", "--audit-log-mode=blocking"]
        self.cluster = Cluster(os.path.join(self.directory, "cluster"), kube_flags=flags)
        self.cluster.controller_extra = {}
        self.audit = Audit(log)

    def run(self):
        try:
            self._prepare()
            self._start_brokers()
            self._start_controllers()
            self._change()
            self._rest()
            self._memory()
            self._callers()
        finally:
            self.cluster.close(failed=True)
            shutil.rmtree(self.directory, ignore_errors=True)
        return self.goals.report()

    def _prepare(self):
        cluster, n = self.cluster, self.options
        print(f"{n.connectors} Connectors in {n.namespaces} namespaces ...", flush=True)
        started = time.monotonic()
        cluster.upstream.start()
        cluster.kube.start(controllers=True)
        cluster.connectorctl("pki", "init", cluster.path("pki"), "--ip", PROXY)
        cluster.install()
        self._grant_everywhere()
        cluster.spec = {}
        writers = Writers(cluster)
        names = [f"team-{index}" for index in range(n.namespaces)]
        writers.post_all(("/api/v1/namespaces", {"metadata": {"name": name}}) for name in names)
        writers.post_all(self._secrets(names))
        writers.post_all(self._connectors(names))
        writers.close()
        print(f"written in {time.monotonic() - started:.0f} s", flush=True)

    def _grant_everywhere(self):
        """One ClusterRole for named Secrets: a bench does not need 500 Roles."""
        rules = [{"apiGroups": [""], "resources": ["secrets"],
                  "resourceNames": ["robot", "upstream-ca"], "verbs": ["get", "watch"]}]  # fmt: skip
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": {"name": "bench-secrets"}, "rules": rules}  # fmt: skip
        use = {**role, "metadata": {"name": "bench-use"}, "rules": [
            {"apiGroups": ["oci-connector.dev"], "resources": ["connectors/proxy"], "verbs": ["get"]}]}
        self.cluster.kube.apply(
            role, use,
            _cluster_binding("bench-secrets", {"kind": "ServiceAccount", "name": "oci-connector-broker",
                                               "namespace": NAMESPACE}),
            _cluster_binding("bench-use", {"kind": "Group", "name": "system:serviceaccounts",
                                           "apiGroup": "rbac.authorization.k8s.io"}),
        )  # fmt: skip

    def _secrets(self, namespaces):
        robot = {"username": "robot", "password": self.cluster.upstream.password}
        for namespace in namespaces:
            for name, data in (("robot", robot), ("upstream-ca", {"ca.crt": self.cluster.upstream.ca.pem})):
                yield (f"/api/v1/namespaces/{namespace}/secrets",
                       {"metadata": {"name": name}, "stringData": data})  # fmt: skip

    def _connectors(self, namespaces):
        for index in range(self.options.connectors):
            namespace = namespaces[index % len(namespaces)]
            connector = self.cluster.connector(f"c{index}")
            connector["metadata"]["namespace"] = namespace
            connector["spec"].pop("access")
            yield (f"/apis/oci-connector.dev/v1alpha1/namespaces/{namespace}/connectors", connector)

    def _start_brokers(self):
        for index in range(2):
            started = time.monotonic()
            self.cluster.start_broker(index)
            self.goals.add(f"broker {index} ready", time.monotonic() - started, 30, "s")
        for index in range(_DATAPLANES):
            self.cluster.start_dataplane(index)
        wait_until(
            lambda: all(_metric(self.cluster.metrics(i), "connector_dataplane_routes")
                        >= self.options.connectors for i in range(_DATAPLANES)),
            "all routes are in all data planes", 60,
        )  # fmt: skip

    def _start_controllers(self):
        started = time.monotonic()
        for index in range(2):
            self.cluster.start_controller(index)
        self.goals.add("controllers ready", time.monotonic() - started, 30, "s")

        def services():
            pages = (self.cluster.readiness_of(port)[0] == 200 and
                     self.cluster.ask_admin(port, "/metrics")[1]
                     for port in (FIRST_CONTROLLER_ADMIN_PORT, FIRST_CONTROLLER_ADMIN_PORT + 1))
            return sum(
                float(line.rsplit(" ", 1)[1])
                for page in pages
                for line in page.splitlines()
                if line.startswith('connector_controller_writes_total{resource="services",result="ok"')
            )  # fmt: skip

        wait_until(lambda: services() >= self.options.connectors, "each has its Service", 300)
        self.goals.add("each Connector has its Service", time.monotonic() - started, None, "s")

    def _change(self):
        cluster = self.cluster
        cluster.kube.new_account("team-0", "builder")
        token = cluster.token("builder", "team-0")
        name = path_form("robot/app").replace("default", "team-0").replace("demo", "c0")
        clients = [cluster.client(PROXY, listener_port(i)) for i in range(_DATAPLANES)]
        push_image(clients[0], name, "v1", Image(cluster.path("image")), token)
        worst = 0.0
        for attempt in range(5):
            for client in clients:
                wait_until(lambda c=client: get_manifest(c, name, "v1", token).status == 200, "there", 30)
            deleted = f"/apis/oci-connector.dev/v1alpha1/namespaces/team-0/connectors/c0"
            cluster.kube.must("DELETE", deleted)
            begun = time.monotonic()
            for client in clients:
                wait_until(lambda c=client: get_manifest(c, name, "v1", token).status == 404, "gone", 30)
            worst = max(worst, time.monotonic() - begun)
            connector = cluster.connector("c0")
            connector["metadata"]["namespace"] = "team-0"
            connector["spec"].pop("access")
            cluster.kube.apply(connector)
            del attempt
        self.goals.add("a change is in every data plane, worst of 5", worst, 1, "s")

    def _rest(self):
        """Once the first round of probes is through."""
        deadline = time.monotonic() + self.options.settle
        while time.monotonic() < deadline:
            position = self.audit.position()
            time.sleep(5)
            if len(self.audit.requests_since(position)) <= 10:
                break
        position = self.audit.position()
        time.sleep(60)
        found = self.audit.requests_since(position)
        for each in sorted(set(found)):
            print(f"    at rest: {found.count(each):4} x {' '.join(each)}")
        self.goals.add("API requests per minute at rest, without watches", len(found), 60, "")

    def _memory(self):
        for processes, goal in ((self.cluster.brokers, 150), (self.cluster.dataplanes, 100),
                                (self.cluster.controllers, None)):  # fmt: skip
            for process in processes:
                name = f"resident memory of {process.name}"
                self.goals.add(name, _rss_mib(process.pid), goal, "MiB")

    def _callers(self):
        cluster, count = self.cluster, self.options.callers
        writers = Writers(cluster)
        account = "/api/v1/namespaces/default/serviceaccounts"
        spec = {"audiences": ["oci-connector"], "expirationSeconds": 3600}
        names = [f"caller-{index}" for index in range(count)]
        writers.post_all((account, {"metadata": {"name": name}}) for name in names)
        items = [(f"{account}/{name}/token", {"spec": spec}) for name in names]
        tokens = [json.loads(text)["status"]["token"]
                  for text in writers._pool.map(writers._post, items)]  # fmt: skip
        writers.close()
        time.sleep(12)  # The API server's own memory of tokens that it made.
        position = self.audit.position()
        name = path_form("robot/app").replace("default", "team-1").replace("demo", "c1")
        started = time.monotonic()

        def call(item):
            index, token = item
            client = cluster.client(PROXY, listener_port(index % _DATAPLANES), timeout=60)
            return get_manifest(client, name, "v1", token).status

        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            statuses = list(pool.map(call, enumerate(tokens)))
        took = time.monotonic() - started
        found = self.audit.requests_since(position)
        for resource in ("tokenreviews", "subjectaccessreviews"):
            asked = sum(1 for _, verb, which in found if verb == "create" and which == resource)
            self.goals.add(f"{resource} of {count} callers at once", asked, count, "")
        print(f"    answers in {took:.1f} s: " + ", ".join(
            f"{statuses.count(status)} x {status}" for status in sorted(set(statuses))))  # fmt: skip


def _metric(text, name):
    """The sum over its labels."""
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith((name + "{", name + " "))
    )


def _rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        (line,) = [line for line in file if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def _cluster_binding(role, subject):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run kubernetes", description=__doc__)
    parser.add_argument("--connectors", type=int, default=5000)
    parser.add_argument("--namespaces", type=int, default=500)
    parser.add_argument("--callers", type=int, default=1000)
    parser.add_argument("--settle", type=int, default=240, help="seconds to wait for rest, at most")
    return Bench(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
