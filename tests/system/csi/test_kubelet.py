"""What a kubelet's calls come to: real API server, real RBAC, real mounts."""

import base64
import concurrent.futures
import json
import os
import stat

import grpc
import pytest

from csi import AUDIENCE, GROUP, claims_of
from failures import is_served, refusal
from netns import wait_until

Code = grpc.StatusCode


def test_a_pod_finds_its_client_configured(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor, shared/hub"})

    auths = json.loads(volume.read("config.json"))["auths"]
    assert list(auths) == [f"{host}.svc{domain}" for host in ("c-harbor.ci", "c-hub.shared")
                           for domain in ("", ".local", ".cluster.local")]  # fmt: skip
    assert volume.read("token").count(".") == 2
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(node.mounts()[volume.target])
    volume.unpublish()
    assert not os.path.exists(node.see(volume.target))
    assert not volume.is_mounted()


def test_the_older_pair_of_names_and_older_kubelets_work(node):
    volume = node.volume("ci", "builder", {"connector.name": "harbor", "connector.namespace": "ci",
                                           "token.expiration": "30m"})  # fmt: skip
    volume.publish(tokens_in="context")

    assert "c-harbor.ci.svc" in volume.read("config.json")
    volume.unpublish()


def test_the_pods_group_can_read_and_nobody_else(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor"}, group=2000)

    # As a container sees it: the kubelet's folders above are closed to users.
    node.run(["mount", "--bind", volume.target, "/mnt"]).ok()
    for group, may_read in ((2000, True), (1000, False)):
        read = ["setpriv", "--clear-groups", "--reuid=1000", f"--regid={group}", "cat", "/mnt/token"]
        assert (node.run(read).code == 0) == may_read
    node.run(["umount", "/mnt"]).ok()
    volume.unpublish()


def test_without_a_group_any_user_of_the_pod_can_read_and_nobody_can_write(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor"})

    assert stat.S_IMODE(os.stat(volume.path("token")).st_mode) == 0o644
    assert node.run(["sh", "-c", f"echo x > {volume.target}/token"]).code != 0
    assert node.run(["touch", f"{volume.target}/new"]).code != 0
    volume.unpublish()


REFUSALS = [
    ("ci", "builder", {"connectors": "harbour"}, Code.NOT_FOUND,
     'connector "ci/harbour" not found'),
    ("ci", "stranger", {"connectors": "harbor"}, Code.PERMISSION_DENIED,
     'connector "ci/harbor" is not granted to the ServiceAccount ci/stranger'),
    ("ci", "stranger", {"connectors": "shared/hub"}, Code.PERMISSION_DENIED, "connectors/proxy"),
    ("ci", "stranger", {"connectors": "shared/none"}, Code.PERMISSION_DENIED, "connectors/proxy"),
    ("ci", "builder", {"connectors": "harbor", "connnector": "x"}, Code.INVALID_ARGUMENT,
     '"connnector" is not known; there are connectors,'),
    ("ci", "builder", {"connectors": "harbor", "configuration.params": "{"},
     Code.INVALID_ARGUMENT, "configuration.params"),
    ("ci", "builder", {"connectors": "harbor", "configuration.names": "no-such"},
     Code.INVALID_ARGUMENT, "no-such"),
]  # fmt: skip


@pytest.mark.parametrize("namespace,account,attributes,code,says", REFUSALS)
def test_a_mount_that_would_be_of_no_use_fails_at_once(
    node, namespace, account, attributes, code, says
):
    volume = node.volume(namespace, account, attributes)

    found, message = refusal(volume.publish)
    assert (found, says in message) == (code, True), message
    assert not volume.is_mounted()
    volume.unpublish()


def test_it_says_what_a_connector_lacks_and_recovers_by_itself(node):
    node.new_connector("ci", "new", conditions=[
        {"type": "SecretReady", "status": "False", "reason": "SecretNotFound",
         "message": "no Secret robot", "lastTransitionTime": "2026-01-01T00:00:00Z"}])  # fmt: skip
    node.grant("ci", "builder", "ci", "new")
    volume = node.volume("ci", "builder", {"connectors": "new"})
    wait_until(lambda: refusal(volume.publish)[0] == Code.FAILED_PRECONDITION, "it is known")
    assert "SecretReady is False (SecretNotFound): no Secret robot" in refusal(volume.publish)[1]

    node.set_status("ci", "new", "c-new.ci.svc", [
        {"type": "Ready", "status": "True", "reason": "Ready", "message": "",
         "lastTransitionTime": "2026-01-01T00:00:00Z"}])  # fmt: skip
    wait_until(lambda: is_served(volume.publish), "it recovers")
    volume.unpublish()


def test_a_strict_connector_is_mounted_with_its_own_token_alone(node):
    made = {"apiVersion": "oci-connector.dev/v1alpha1", "kind": "ConnectorClass",
            "metadata": {"name": "strict"}, "spec": {"requireConnectorAudience": True}}  # fmt: skip
    node.control.must("POST", f"{GROUP}/connectorclasses", made)
    node.new_connector("ci", "strict", requireConnectorAudience=True)
    node.new_connector("ci", "by-class", connectorClassName="strict")
    node.grant("ci", "builder", "ci", "strict", "by-class")
    for name in ("strict", "by-class"):
        volume = node.volume("ci", "builder", {"connectors": name})
        says = f"in the chart csi.connectorAudiences: [ci/{name}]"
        wait_until(lambda: says in refusal(volume.publish)[1], "it says what to do")
        assert refusal(volume.publish)[0] == Code.FAILED_PRECONDITION
        assert not volume.is_mounted()

        own = f"{AUDIENCE}/ci/{name}"
        tokens = {AUDIENCE: node.token("builder", volume.pod),
                  own: node.control.token("builder", "ci", own)}  # fmt: skip
        volume.publish(tokens=tokens)

        assert claims_of(volume.read("token"))["aud"] == [own]
        held = json.loads(volume.read("config.json"))["auths"][f"c-{name}.ci.svc"]["auth"]
        assert base64.b64decode(held).decode() == "connector:" + tokens[own]
        volume.unpublish()


def test_a_right_that_is_given_later_counts_at_once(node):
    volume = node.volume("ci", "late", {"connectors": "harbor"})
    node.control.new_account("ci", "late")
    assert refusal(volume.publish)[0] == Code.PERMISSION_DENIED

    node.grant("ci", "late", "ci", "harbor")
    # The API server's own authoriser takes a moment.
    wait_until(lambda: is_served(volume.publish), "it is granted")
    volume.unpublish()


def test_no_call_leads_into_another_pods_folder(node):
    mine = node.volume("ci", "builder", {"connectors": "harbor"})
    other = node.publish("ci", "builder", {"connectors": "harbor"})
    before = other.read("token")

    request = mine.request() | {"target_path": other.target}
    code, message = refusal(node.client.call, "Node.NodePublishVolume", request)
    assert (code, "for another one" in message) == (Code.INVALID_ARGUMENT, True)
    request = {"volume_id": mine.id, "target_path": other.target}
    assert refusal(node.client.call, "Node.NodeUnpublishVolume", request)[0] == Code.INVALID_ARGUMENT
    assert other.read("token") == before
    other.unpublish()


@pytest.mark.parametrize("volume_id", ["../../../etc", "csi-1/../../x", "CSI", "a" * 129, "a\n"])
def test_a_volume_id_is_no_path(node, volume_id):
    volume = node.volume("ci", "builder", {"connectors": "harbor"})
    os.makedirs(node.see(volume.parent))

    request = volume.request() | {"volume_id": volume_id}
    assert refusal(node.client.call, "Node.NodePublishVolume", request)[0] == Code.INVALID_ARGUMENT


def test_the_kubelets_republish_brings_the_new_token(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor"})
    first = volume.read("token")
    link = os.readlink(volume.path("..data"))

    volume.republish(token=first)
    assert os.readlink(volume.path("..data")) == link  # Nothing was written.
    second = node.token("builder", volume.pod, duration=1200)
    volume.republish(token=second)

    assert volume.read("token") == second != first
    assert first not in json.dumps([volume.read(name) for name in ("config.json", "token")])
    assert node.mounts().keys() >= {volume.target}
    volume.republish(token=first)  # Late, and out of order.
    assert volume.read("token") == second
    volume.unpublish()


def test_calls_repeated_reordered_and_cancelled_come_to_the_same(node):
    volume = node.volume("ci", "builder", {"connectors": "harbor"})
    volume.unpublish()  # Before there was anything.
    os.makedirs(node.see(volume.parent))
    request = volume.request()
    for _ in range(20):
        call = node.client.begin("Node.NodePublishVolume", request)
        call.cancel()
    calls = [node.client.begin("Node.NodePublishVolume", request) for _ in range(20)]
    concurrent.futures.wait([wrapped(call) for call in calls], timeout=20)
    codes = {call.code() for call in calls}
    assert codes <= {Code.OK, Code.ABORTED}, codes

    wait_until(lambda: is_served(volume.republish), "the kubelet's next try")
    assert list(node.mounts()).count(volume.target) == 1
    volume.unpublish()
    volume.unpublish()
    assert not os.path.exists(node.see(volume.target))
    # The pod's folder is gone: a call that was under way for long does not bring it back.
    os.rmdir(node.see(volume.parent))
    code, message = refusal(node.client.call, "Node.NodePublishVolume", request)
    assert (code, "is the pod gone?" in message) == (Code.FAILED_PRECONDITION, True)


def wrapped(call):
    future = concurrent.futures.Future()
    call.add_done_callback(lambda _: future.set_result(None))
    return future


def test_a_driver_that_starts_again_takes_over_what_is_mounted(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor"})
    node.driver.kill()
    assert volume.read("token")  # The pod does not notice.

    node.start_driver()
    token = node.token("builder", volume.pod, duration=1200)
    volume.republish(token=token)
    assert volume.read("token") == token
    assert node.metric("connector_csi_calls_total", result="refreshed") == 1
    volume.unpublish()


def test_after_a_reboot_mounts_are_made_again_and_dead_ones_go(node):
    kept = node.publish("ci", "builder", {"connectors": "harbor"})
    gone = node.publish("ci", "builder", {"connectors": "harbor"})
    node.driver.kill()
    for volume in (kept, gone):
        node.run(["umount", "-l", volume.target]).ok()
    os.unlink(node.socket)

    node.start_driver()
    gone.unpublish()
    kept.republish()
    assert not os.path.exists(node.see(gone.target))
    assert kept.read("token")
    kept.unpublish()


def test_a_full_volume_keeps_what_it_has_and_says_so(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor"})
    before = volume.read("token")
    with writable(node, volume) as path:
        node.run(["sh", "-c", f"cat /dev/zero > {path}/..filler 2>/dev/null; true"])
        # Into the generation that is in use: what it does not know the next write removes.
        node.run(["sh", "-c", f"mv {path}/..filler {path}/..data/filler"]).ok()
        code, message = refusal(
            volume.republish, token=node.token("builder", volume.pod, duration=1200)
        )
        assert (code, "used up" in message) == (Code.RESOURCE_EXHAUSTED, True), message
        assert volume.read("token") == before
        node.run(["rm", f"{path}/..data/filler"]).ok()
    volume.republish(token=node.token("builder", volume.pod, duration=1300))
    assert volume.read("token") != before
    volume.unpublish()


class writable:
    """A view of the volume that can be written, as only root on the node can make one."""

    def __init__(self, node, volume):
        self.node, self.volume = node, volume

    def __enter__(self):
        path = os.path.join(self.node.directory, "view")
        os.makedirs(path, exist_ok=True)
        self.node.run(["mount", "--bind", self.volume.target, path]).ok()
        self.node.run(["mount", "-o", "remount,bind,rw", path]).ok()
        self.path = path
        return path

    def __exit__(self, *_):
        self.node.run(["umount", self.path]).ok()


def test_without_the_api_what_is_mounted_is_kept_and_new_mounts_wait(node):
    token = node.token("builder", {"namespace": "ci", "name": "none"}, duration=1200)
    later = node.token("builder", {"namespace": "ci", "name": "none"}, duration=2400)
    mounted = node.publish("ci", "builder", {"connectors": "harbor"}, token=token)
    fresh = node.volume("ci", "builder", {"connectors": "shared/hub"})
    # Nothing is remembered for an account that never mounted this Connector.
    node.driver.kill()
    node.start_driver()
    node.control.kill_apiserver()
    try:
        mounted.republish(token=later)
        assert mounted.read("token") == later
        code, message = refusal(fresh.publish, token=token)
        assert (code, "could not be asked" in message) == (Code.UNAVAILABLE, True), message
    finally:
        node.control.start_apiserver()
    wait_until(lambda: is_served(fresh.publish, token=token), "it recovers", 60)
    fresh.unpublish()
    mounted.unpublish()


def test_a_driver_that_starts_without_the_api_unmounts_and_waits(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor"})
    other = node.publish("ci", "builder", {"connectors": "harbor"})
    token = volume.read("token")
    node.driver.kill()
    node.control.kill_apiserver()
    try:
        node.start_driver(ready=False)
        volume.unpublish()
        code, message = refusal(other.republish, token=token)
        assert (code, "has not read" in message) == (Code.UNAVAILABLE, True), message
        assert other.read("token")
        assert node.admin("/readyz")[0] == 503
    finally:
        node.control.start_apiserver()
    wait_until(lambda: node.admin("/readyz")[0] == 200, "it is ready", 60)
    other.unpublish()


def test_the_socket_is_roots_alone(node):
    assert stat.S_IMODE(os.stat(node.socket).st_mode) & 0o077 == 0


def test_it_stops_in_good_order_and_leaves_mounts_alone(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor"})
    assert node.driver.stop() == 0
    assert volume.read("token")
    node.start_driver()
    volume.unpublish()


def test_no_token_is_in_its_arguments_or_environment(node):
    volume = node.publish("ci", "builder", {"connectors": "harbor"})
    token = volume.read("token")
    for name in ("cmdline", "environ"):
        path = f"/proc/{node.driver.pid}/{name}"
        with open(path, "rb") as file:
            assert token.encode() not in file.read()
    volume.unpublish()
