"""The deny list counts everywhere within a second, and a data plane can be refused by itself (P6)."""

import json
import os
import time

from brokers import Brokers
from images import Image
from netns import wait_until
from pull_loop import PullLoop
from push import get_manifest, push_image
from world import HTTP_PORT, World, path_form, rule

NAME = path_form("robot/app")
PEER = "spiffe://oci-connector.local/dataplane"
RULES = [rule("ci", "builder", ["pull", "push"]), rule("ci", "reader", ["pull"])]


class DenyListWorld(World):
    """Two brokers with one deny list, two data planes with a certificate each."""

    def dataplane_config(self, index):
        config = super().dataplane_config(index)
        for key, end in (("certificateFile", "crt"), ("keyFile", "key")):
            config["broker"][key] = self.path("pki", f"dataplane-{'ab'[index]}.{end}")
        return config

    def connectorctl(self, *arguments, expect=0):
        if arguments[:2] == ("pki", "init"):
            arguments += ("--dataplane", "a", "--dataplane", "b")
        return super().connectorctl(*arguments, expect=expect)

    def broker_config(self):
        config = super().broker_config()
        config["peers"]["dataplanes"] = [PEER + "/*"]
        config["denyList"] = {"file": self.path("deny.yaml")}
        return config

    def deny(self, *entries):
        self.put_text(json.dumps({"denied": list(entries)}))

    def put_text(self, text):
        with open(self.path("deny.yaml.new"), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path("deny.yaml.new"), self.path("deny.yaml"))


def started(make_world, brokers=True):
    world = make_world(kind=DenyListWorld)
    world.deny()
    both = Brokers(world) if brokers else None
    world.start(dataplanes=2, access=RULES)
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    return world, both


def is_refused(world, token):
    """One that the new entry finds under way is cut, which is no answer yet."""
    try:
        return get_manifest(world.client(), NAME, "v1", token).status == 403
    except ConnectionError:
        return False


def records(world):
    """Of both brokers: a list for each."""
    out = []
    for directory in (world.path("audit"), world.path("audit-1")):
        lines = []
        for name in sorted(os.listdir(directory)):
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                lines += [json.loads(line) for line in file if line.endswith("\n")]
        out.append(lines)
    return out


def changes_of(world):
    """Of both brokers: what each recorded of its deny list."""
    return [
        [each["detail"] for each in of_one if each.get("reason") == "DENY_LIST_CHANGED"]
        for of_one in records(world)
    ]


def test_a_denied_caller_is_refused_by_every_data_plane_within_a_second(make_world):
    world, _ = started(make_world)
    goes = [PullLoop(world, NAME, world.token("reader"), port=HTTP_PORT + i) for i in range(2)]
    stays = [PullLoop(world, NAME, world.token("builder"), port=HTTP_PORT + i) for i in range(2)]

    world.deny({"subject": "system:serviceaccount:ci:reader", "reason": "test"})
    denied = time.monotonic()
    for loop in goes:
        wait_until(lambda: loop.results[-1][1] == 403, "the reader is refused")
    seen = [len(loop.results) for loop in goes]
    wait_until(
        lambda: all(len(loop.results) > least + 20 for loop, least in zip(goes, seen)), "it stays so"
    )
    world.deny()
    for loop in goes:
        wait_until(lambda: loop.results[-1][1] == 200, "until it is lifted")

    for loop in goes:
        late = [status for begun, status in loop.stop()[: seen[0] + 20] if begun > denied + 1 and status == 200]
        assert late == []
    for loop in stays:
        assert {status for _, status in loop.stop()} == {200}, "nobody else notices"
    # A data plane takes the news of the broker that looks first. The other one looks within its turn.
    wait_until(lambda: all(len(changes) > 1 for changes in changes_of(world)), "both say so", 5)
    for changes in changes_of(world):
        assert [change.split(": ", 1)[1].split(" ")[:3] for change in changes] == [
            ["denies", "subject", '"system:serviceaccount:ci:reader"'], ["no", "longer", "denies"],
        ]  # fmt: skip
    refused = {
        each["reason"] for of_one in records(world) for each in of_one
        if each["subject"].endswith(":reader") and not each["allowed"]
    }  # fmt: skip
    assert refused - {"AUDIT_REFUSALS_COUNTED"} == {"DENIED_BY_OPERATOR"}


def test_a_denied_token_is_refused_and_another_of_the_same_caller_is_not(make_world):
    world, _ = started(make_world)
    stolen, other = world.forged_token(jti="stolen"), world.forged_token(jti="other")
    assert {get_manifest(world.client(), NAME, "v1", token).status for token in (stolen, other)} == {200}

    world.deny({"tokenId": "stolen"})

    wait_until(lambda: is_refused(world, stolen), "it is refused")
    assert get_manifest(world.client(), NAME, "v1", other).status == 200
    assert get_manifest(world.client(), NAME, "v1", stolen).error() == (
        "DENIED", "The operator of this installation has withdrawn your access; ask them.",
    )  # fmt: skip


def test_a_denied_data_plane_loses_its_stream_and_the_other_one_goes_on(make_world):
    world, brokers = started(make_world)
    token = world.token()
    client = world.client(port=HTTP_PORT + 1)
    assert get_manifest(client, NAME, "v1", token).status == 200
    assert brokers.streams(0) + brokers.streams(1) == 2

    world.deny({"dataplane": PEER + "/a"})
    denied = time.monotonic()
    wait_until(lambda: brokers.streams(0) + brokers.streams(1) == 1, "its stream has ended")
    took = time.monotonic() - denied
    wait_until(lambda: "deny list" in world.readiness(0)[1], "it says why")
    time.sleep(max(0.0, denied + 1.5 - time.monotonic()))  # The other broker reads the list, too.
    fresh = get_manifest(world.client(), NAME, "v1", world.forged_token(jti="fresh"))

    assert took < 1.0
    assert fresh.status == 503, "no broker grants it anything"
    assert get_manifest(client, NAME, "v1", world.forged_token(jti="new")).status == 200
    wait_until(lambda: any(
        each.get("reason") == "DATAPLANE_DENIED" and each["peer"] == PEER + "/a"
        for of_one in records(world) for each in of_one
    ), "its calls are recorded")  # fmt: skip

    world.deny()
    wait_until(lambda: brokers.streams(0) + brokers.streams(1) == 2, "it may come back", timeout=30)


def test_a_broken_list_changes_nothing_and_a_broker_does_not_start_without_one(make_world):
    world, _ = started(make_world, brokers=False)
    reader = {"subject": "system:serviceaccount:ci:reader"}
    world.deny(reader)
    token = world.token("reader")
    wait_until(lambda: is_refused(world, token), "it is refused")

    world.put_text("denied: [{subject: [}]")
    wait_until(lambda: "the last good one stays in force" in world.broker_readiness()[1], "it is told")
    assert world.broker_readiness()[0] == 200
    assert get_manifest(world.client(), NAME, "v1", token).status == 403

    world.restart_broker()
    wait_until(lambda: "the deny list was not read yet" in world.broker_readiness()[1], "it is not ready")
    assert world.broker_readiness()[0] == 503
    assert get_manifest(world.client(), NAME, "v1", world.forged_token(jti="new")).status == 503

    world.deny(reader)
    wait_until(lambda: world.broker_readiness()[0] == 200, "it is ready")
    wait_until(
        lambda: get_manifest(world.client(), NAME, "v1", world.forged_token(jti="n")).status == 200,
        "others go on", timeout=30,
    )  # fmt: skip
    assert get_manifest(world.client(), NAME, "v1", token).status == 403
