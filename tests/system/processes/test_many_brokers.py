"""Any number of brokers: they agree without talking, and any of them may go (P6, P7)."""

import json
import os
import shutil
import time

from brokers import PORTS, Brokers
from images import Image, digest_of
from netns import wait_until
from push import begin_upload, finish_upload, get_manifest, push_image, send_chunk
from workers import Workers
from world import HTTP_PORT, path_form

NAME = path_form("robot/app")


def records_of(directory):
    records = []
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            records += [json.loads(line) for line in file]
    return records


def test_no_request_fails_while_one_broker_dies_and_one_drains(make_world):
    world = make_world()
    brokers = Brokers(world)
    world.start(dataplanes=3)
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    workers = Workers(world, NAME, 3)
    workers.go_on(5)
    assert brokers.granted(0) > 0 and brokers.granted(1) > 0, "both brokers are asked"

    brokers.kill(0)
    workers.go_on(10)
    brokers.start(0)
    wait_until(lambda: brokers.granted(0) > 0, "the broker that came back is asked again")
    brokers.drain(1)
    workers.go_on(10)
    brokers.start(1)
    wait_until(lambda: brokers.granted(1) > 0, "and so is the other one")
    workers.stop()

    assert workers.failures == []
    assert len(world.dataplanes) == 3 and all(each.is_running() for each in world.dataplanes)
    for index in range(len(PORTS)):
        directory = world.path("audit" if index == 0 else f"audit-{index}")
        records = records_of(directory)
        assert records and {each["replica"] for each in records} == {f"broker-{index}"}
        assert f"broker:  broker-{index}\n" in world.verify_audit(directory)


def test_an_upload_begun_with_one_broker_ends_with_another_on_another_data_plane(make_world):
    world = make_world()
    brokers = Brokers(world)
    world.start_broker = lambda: brokers.start(0)
    world.start(dataplanes=1)
    first, second = os.urandom(300_000), os.urandom(200_000)
    token = world.token()
    location = begin_upload(world.client(), NAME, token)
    location = send_chunk(world.client(), location, first, 0, token)

    brokers.kill(0)
    world.dataplanes[0].kill()
    brokers.start(1)
    world.start_dataplane(1)
    client = world.client(port=HTTP_PORT + 1)
    location = send_chunk(client, location, second, len(first), token)
    finish_upload(client, location, digest_of(first + second), token)

    blob = client.request("GET", f"/v2/{NAME}/blobs/{digest_of(first + second)}", token=token)
    assert blob.body == first + second


def test_a_grant_of_one_broker_stays_good_when_the_data_plane_follows_another(make_world):
    world = make_world()
    brokers = Brokers(world)
    world.start(dataplanes=1)
    token = world.token()
    push_image(world.client(), NAME, "v1", Image(world.path("image")), token)
    assert get_manifest(world.client(), NAME, "v1", token).status == 200
    granted = brokers.granted(0) + brokers.granted(1)
    followed = 0 if brokers.streams(0) else 1
    before = brokers.granted(1 - followed)

    brokers.kill(followed)
    wait_until(lambda: brokers.streams(1 - followed) == 1, "the data plane follows the other one")

    assert granted > 0
    assert {get_manifest(world.client(), NAME, "v1", token).status for _ in range(20)} == {200}
    assert brokers.granted(1 - followed) == before, "equal epochs: nothing has to be asked again"


def test_a_grant_is_never_used_with_the_route_that_another_broker_told(make_world):
    """Broker 1 is behind: a new password must not go where the old one went, nor the other way."""
    world = make_world()
    brokers = Brokers(world)
    behind = brokers.own_resources[1] = world.path("resources-behind")
    world.start_broker = lambda: (shutil.copytree(world.path("resources"), behind), brokers.start_both())
    world.start(dataplanes=1)
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())

    def pull(serial):
        return get_manifest(world.client(), NAME, "v1", world.forged_token(jti=f"t-{serial}"))

    world.put_connector(world.connector(upstream={
        **world.connector()["spec"].get("upstream", {}), "limits": {"maxConcurrentRequests": 7},
    }))  # fmt: skip
    wait_until(lambda: brokers.changes(0) > brokers.changes(1), "broker 0 has read the change")
    before = brokers.granted(0) + brokers.granted(1)
    statuses = {pull(serial).status for serial in range(6)}

    assert statuses == {200}, "a grant that does not fit is asked for again, of the other broker too"
    granted = brokers.granted(0) + brokers.granted(1) - before
    assert granted > 6, "those of one broker were thrown away"

    for name in os.listdir(world.path("resources")):
        shutil.copy(world.path("resources", name), os.path.join(behind, name))
    wait_until(
        lambda: {pull(f"later-{time.monotonic()}").status for _ in range(4)} == {200},
        "both agree again", timeout=30,
    )  # fmt: skip
