"""connector-controller against a real API server, garbage collector, broker and registry."""

import signal
import time

import pytest

from controller_world import CONNECTORS, LEASE, MERGE, NAMESPACE, SERVICES, SLICES, ControllerWorld
from netns import wait_until


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One control plane for the file: its tests use names of their own."""
    it = ControllerWorld(tmp_path_factory.mktemp("controller") / "world").start()
    yield it
    it.close(failed=True)


@pytest.fixture
def it(shared, request):
    request.node.worlds = [shared.world]
    yield shared
    shared.stop_controllers()


def shape(service):
    spec = service["spec"]
    ports = [(port["name"], port["port"]) for port in spec["ports"]]
    return spec["type"], spec.get("externalName"), spec.get("selector"), ports


NAMED = ("ExternalName", f"dataplane.{NAMESPACE}.svc.cluster.local", None, [("http", 80)])
COPIED = ("ClusterIP", None, None, [("http", 80)])


def test_a_connector_gets_a_service_a_status_and_an_event(it):
    it.start_controller()
    it.apply(it.connector("plain"))
    it.plane.kubectl("wait", "connector/plain", "--for=condition=Ready", "--timeout=30s").ok()

    connector = it.read("plain")
    status = connector["status"]
    host = "c-plain.default.svc.cluster.local"
    assert status["address"] == {"host": host, "url": f"http://{host}"}
    assert status["secretClass"] == "derived"
    assert status["observedGeneration"] == connector["metadata"]["generation"]
    assert [(each["type"], each["status"], each["reason"]) for each in status["conditions"]] == [
        ("ClassReady", "True", "ClassFound"),
        ("SecretReady", "True", "SecretFound"),
        ("LivenessReady", "True", "RegistryAnswers"),
        ("AuthReady", "True", "Authenticated"),
        ("ProxyServiceReady", "True", "ServiceCreated"),
        ("Ready", "True", "Ready"),
    ]
    service = it.service("plain")
    assert shape(service) == NAMED
    (owner,) = service["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (connector["metadata"]["uid"], True)
    found = wait_until(lambda: it.events("plain"), "there is an Event")
    assert [(each["type"], each["reason"]) for each in found] == [("Normal", "Ready")]

    at_rest = len(it.writes())
    probes = 'connector_controller_probes_total{result="ok"}'
    before = it.metric(0, probes)
    wait_until(lambda: it.metric(0, probes) >= before + 2, "two more probes found all well")
    assert len(it.writes()) == at_rest, "nothing changed, and yet something was written"

    it.plane.kubectl("delete", "connector", "plain").ok()
    wait_until(lambda: it.service("plain") is None, "the Service is collected")
    it.stop_controllers()
    assert it.plane.must("GET", LEASE)["spec"].get("holderIdentity", "") == ""


def test_what_somebody_changes_is_put_right(it):
    it.start_controller()
    it.apply(it.connector("drift"))
    it.until("drift", "ProxyServiceReady", "ServiceCreated")
    path = f"{SERVICES.format('default')}/c-drift"

    for change in (
        {"spec": {"externalName": "evil.example"}},
        {"spec": {"selector": {"app": "evil"}}},
        {"spec": {"ports": [{"name": "http", "port": 80}, {"name": "more", "port": 81}]}},
        {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}},
    ):
        changed = it.plane.must("PATCH", path, change, MERGE)["metadata"]["resourceVersion"]

        def is_right(changed=changed):
            service = it.service("drift")
            labels = service["metadata"].get("labels", {})
            return (
                service["metadata"]["resourceVersion"] != changed
                and shape(service) == NAMED
                and labels.get("app.kubernetes.io/managed-by") == "connector-controller"
            )

        wait_until(is_right, f"{change} is taken back")
    before = it.service("drift")["metadata"]["uid"]
    it.plane.must("DELETE", path)
    wait_until(
        lambda: (found := it.service("drift")) and found["metadata"]["uid"] != before,
        "a deleted Service comes back",
    )
    it.delete("drift")


def test_the_service_of_somebody_else_stays_as_it_is(it):
    ours = {"app.kubernetes.io/managed-by": "connector-controller"}
    foreign = {"metadata": {"name": "c-taken", "labels": ours},
               "spec": {"type": "ExternalName", "externalName": NAMED[1]}}  # fmt: skip
    made = it.plane.must("POST", SERVICES.format("default"), foreign)
    unlabelled = {"metadata": {"name": "c-taken-too"},
                  "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]}}  # fmt: skip
    made_too = it.plane.must("POST", SERVICES.format("default"), unlabelled)
    it.start_controller()
    it.apply(it.connector("taken"))
    it.apply(it.connector("taken-too"))

    for name, was in (("taken", made), ("taken-too", made_too)):
        found = it.until(name, "ProxyServiceReady", "ServiceNameTaken")
        assert found["status"] == "False"
        assert f"the Service default/c-{name} is there and belongs to nobody" in found["message"]
        assert it.until(name, "Ready", "ServiceNameTaken")["status"] == "False"
        wait_until(
            lambda name=name: any(
                (each["type"], each["reason"]) == ("Warning", "ServiceNameTaken")
                for each in it.events(name)
            ),
            "there is an Event that warns",
        )
        service = it.service(name)
        assert service["metadata"]["resourceVersion"] == was["metadata"]["resourceVersion"]

    it.plane.must("DELETE", f"{SERVICES.format('default')}/c-taken-too")
    it.until("taken-too", "ProxyServiceReady", "ServiceCreated")
    assert shape(it.service("taken-too")) == NAMED
    it.plane.must("DELETE", f"{SERVICES.format('default')}/c-taken")
    it.delete("taken-too")
    it.plane.must("DELETE", f"{CONNECTORS.format('default')}/taken")


def data_plane_slice(name, *addresses, family="IPv4", ready=True):
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "dataplane"}},
        "addressType": family,
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"},
                  {"name": "admin", "port": 8480, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [each], "conditions": {"ready": ready, "serving": True,
                                                 "terminating": not ready}}
            for each in addresses
        ],
    }  # fmt: skip


def test_endpoints_follow_the_data_planes_and_modes_can_be_switched(it):
    source = SLICES.format(NAMESPACE)
    it.plane.must("POST", source, data_plane_slice("dataplane-a", "10.0.0.1", "10.0.0.2"))
    it.plane.must("POST", source, data_plane_slice("dataplane-b", "fd00::1", family="IPv6"))
    it.start_controller()
    it.apply(it.connector("copied"))
    it.until("copied", "Ready", "Ready")
    assert shape(it.service("copied")) == NAMED
    it.stop_controllers()

    def addresses():
        return sorted(
            (slice_["addressType"], each["addresses"][0], each["conditions"]["ready"],
             [(port["name"], port["port"]) for port in slice_["ports"]])
            for slice_ in it.slices("copied")
            for each in slice_["endpoints"] or []
        )  # fmt: skip

    http = [("http", 8080)]
    it.start_controller(service={"mode": "endpoints"})
    wait_until(lambda: shape(it.service("copied")) == COPIED, "the Service has an address")
    assert it.service("copied")["spec"]["clusterIP"].startswith("10.96.")
    wait_until(lambda: len(addresses()) == 3, "all endpoints are copied")
    assert addresses() == [("IPv4", "10.0.0.1", True, http), ("IPv4", "10.0.0.2", True, http),
                           ("IPv6", "fd00::1", True, http)]  # fmt: skip

    changed = data_plane_slice("dataplane-a", "10.0.0.2", "10.0.0.3", ready=False)
    it.plane.must("PUT", f"{source}/dataplane-a", changed)
    wait_until(
        lambda: addresses() == [("IPv4", "10.0.0.2", False, http), ("IPv4", "10.0.0.3", False, http),
                                ("IPv6", "fd00::1", True, http)],
        "endpoints that change are copied again",
    )  # fmt: skip
    it.plane.must("DELETE", f"{source}/dataplane-b")
    assert it.until("copied", "Ready", "NoEndpoints")["status"] == "False"
    it.stop_controllers()

    it.start_controller()
    wait_until(lambda: shape(it.service("copied")) == NAMED, "the Service has a name again")
    wait_until(lambda: it.slices("copied") == [], "the copies are gone")
    it.until("copied", "Ready", "Ready")
    it.delete("copied")
    it.plane.must("DELETE", f"{source}/dataplane-a")


def test_conditions_say_what_is_wrong_and_do_not_flap(it):
    # Long enough for a broker's start on a machine that is busy.
    it.start_controller(probes={"period": "2s", "firstRetry": "500ms", "brokerGrace": "5s"})
    # Of the class.
    it.apply(it.connector("cond", connectorClassName="gold"), file=False)
    found = it.until("cond", "Ready", "ClassNotFound")
    assert "there is no ConnectorClass gold" in found["message"]
    it.put_class("gold", allowedAuthNames=["anonymous"])
    found = it.until("cond", "Ready", "AuthNotAllowed")
    assert "write one of: anonymous" in found["message"]
    it.plane.kubectl("delete", "connectorclass", "gold").ok()
    it.until("cond", "Ready", "ClassNotFound")
    it.plane.kubectl("delete", "connector", "cond").ok()

    # A broker that does not know the Connector says nothing of it, and then that.
    it.apply(it.connector("probed"), file=False)
    it.until("probed", "Ready", "NotProbed")
    it.until("probed", "AuthReady", "UnknownToBroker")
    it.apply(it.connector("probed"))
    it.until("probed", "Ready", "Ready")
    since = it.condition("probed", "Ready")["lastTransitionTime"]
    # Times of conditions are whole seconds: the next transition must not fall into the same one.
    wait_until(
        lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > since, "the next second"
    )

    # A refused credential shows at once.
    good = it.world.upstream.password
    it.world.put_secret("wrong")
    found = it.until("probed", "AuthReady", "CredentialRefused")
    assert found["status"] == "False"
    assert it.condition("probed", "LivenessReady")["status"] == "True"
    it.world.put_secret(good)
    it.until("probed", "Ready", "Ready")
    assert it.condition("probed", "Ready")["lastTransitionTime"] > since
    class_since = it.condition("probed", "ClassReady")["lastTransitionTime"]
    assert class_since < it.condition("probed", "Ready")["lastTransitionTime"]

    # A broker that is away for a moment says nothing.
    def failed_probes():
        return it.metric(0, 'connector_controller_probes_total{result="unavailable"}')

    steady = it.read("probed")["status"]
    before = failed_probes()
    it.world.broker.kill()
    wait_until(lambda: failed_probes() > before, "a probe has failed")
    it.world.start_broker()
    before = it.metric(0, 'connector_controller_probes_total{result="ok"}')
    wait_until(
        lambda: it.metric(0, 'connector_controller_probes_total{result="ok"}') > before,
        "a probe came through",
    )
    assert it.read("probed")["status"] == steady

    # One that stays away makes that known; Ready comes back with it.
    it.world.broker.kill()
    found = it.until("probed", "Ready", "BrokerUnavailable")
    assert found["status"] == "Unknown"
    it.world.start_broker()
    it.until("probed", "Ready", "Ready")
    it.delete("probed")


def test_a_registry_that_does_not_answer_once_changes_nothing(it):
    it.start_controller(probes={"period": "3s", "firstRetry": "3s"})
    it.apply(it.connector("flaky"))
    it.until("flaky", "Ready", "Ready")
    steady = it.read("flaky")["metadata"]["resourceVersion"]
    failed = 'connector_controller_probes_total{result="failed"}'
    before = it.metric(0, failed)
    it.world.upstream.registry.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: it.metric(0, failed) > before, "a probe failed", 60)
        assert it.read("flaky")["metadata"]["resourceVersion"] == steady
    finally:
        it.world.upstream.registry.signal(signal.SIGCONT)
    it.delete("flaky")


def test_a_killed_leader_is_followed_within_the_lease_and_nothing_is_written_twice(it):
    first = it.start_controller(0)
    wait_until(lambda: it.leader() == 0, "the first one leads")
    it.start_controller(1)
    it.apply(it.connector("kept"))
    it.until("kept", "Ready", "Ready")
    first.kill()
    del it.controllers["controller-0"]
    killed = time.monotonic()
    it.apply(it.connector("left"))
    wait_until(lambda: it.leader() == 1, "the second one leads", 30)
    # The whole lease from the last renewal, and the jitter of whoever takes it.
    assert time.monotonic() - killed < 6 + 1 + 3
    it.until("left", "Ready", "Ready")
    writes = it.writes()
    made = [each for each in writes if each[2:5] == ("create", "services", "c-left")]
    assert [(each[1], each[5]) for each in made] == [("controller-1", 201)]
    kept = [each for each in writes if each[4] in ("kept", "c-kept") and each[1] == "controller-1"]
    assert kept == [], "the new leader wrote what was right already"
    assert it.plane.must("GET", LEASE)["spec"]["leaseTransitions"] >= 1
    it.delete("kept")
    it.delete("left")


def test_a_leader_that_was_stopped_past_its_lease_writes_nothing(it):
    it.start_controller(0)
    wait_until(lambda: it.leader() == 0, "the first one leads")
    it.start_controller(1)
    process = it.controllers["controller-0"]
    names = [f"many-{index}" for index in range(400)]
    creating = it.create_many(names)
    # Stopped in the middle of its work: the answers to what it asked come when it cannot read them,
    # and each of them is followed by another write.
    depth = "connector_controller_queue_depth"
    wait_until(lambda: it.metric(0, depth) > 20, "the leader has more to do than it can")
    it.plane.freeze_apiserver(signal.SIGSTOP)
    assert it.metric(0, depth) > 0, "nothing is under way"
    process.signal(signal.SIGSTOP)
    it.plane.freeze_apiserver(signal.SIGCONT)
    wait_until(lambda: it.metric(1, "connector_controller_leader") == 1, "the other leads", 30)
    for thread in creating:
        thread.join()
    taken = [each for each in it.writes("controller-1", leases=True) if each[3] == "leases"][-1][0]
    process.signal(signal.SIGCONT)
    wait_until(lambda: it.metric(0, "connector_controller_leader") == 0, "the first one knows")
    for name in (names[0], names[-1]):
        it.until(name, "ProxyServiceReady", "ServiceCreated", 60)
    late = [each for each in it.writes("controller-0") if each[0] > taken]
    # Of what had left before it stopped, the rest never came: the API server says 500 to half a
    # request. What it decided on, or began to, was sent in earnest.
    late = [each for each in late if each[5] != 500]
    assert late == [], "a leader that was stopped wrote after another one had taken its lease"
    it.plane.kubectl("delete", "connectors", "--all", "--wait=false").ok()


def test_it_can_read_no_secret(it):
    account = it.plane.kubeconfig_of("controller-0", NAMESPACE)
    for verb in ("get", "list", "watch", "create", "update", "patch", "delete"):
        done = it.plane.kubectl("auth", "can-i", verb, "secrets", "-A", kubeconfig=account)
        assert done.stdout.strip() == "no", f"it may {verb} Secrets"
