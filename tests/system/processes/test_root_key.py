"""The root key is replaced while two brokers and data planes run; one broker is always a step behind."""

import glob
import os
import shutil

import pytest

from brokers import Brokers
from images import Image, digest_of
from netns import wait_until
from push import begin_upload, finish_upload, get_manifest, push_image, send_chunk
from testca import write
from workers import Workers
from world import HTTP_PORT, path_form

NAME = path_form("robot/app")
OLD, NEW = "o" * 32, "n" * 32


class KeyFiles:
    """The root keys of each broker, in a directory of its own."""

    def __init__(self, brokers):
        self.brokers = brokers
        for index in (0, 1):
            brokers.own_root_keys[index] = brokers.world.path(f"root-key-{index}", "root.key")
            os.makedirs(os.path.dirname(brokers.own_root_keys[index]))
            self._write(index, "", OLD)

    def _write(self, index, suffix, key):
        path = self.brokers.own_root_keys[index] + suffix
        write(path + ".new", key)
        os.rename(path + ".new", path)

    def announce(self, index):
        self._write(index, ".next", NEW)
        self._await(index, lambda keys: keys["Also accepted"] != "none", "knows the next key")

    def switch(self, index):
        path = self.brokers.own_root_keys[index]
        before = self._status(index)["Current"]
        shutil.copy(path, path + ".previous")
        os.rename(path + ".next", path)
        self._await(
            index,
            lambda keys: keys["Current"] != before and keys["Also accepted"] == before,
            "has the new key, and still the old one",
        )

    def forget(self, index):
        os.remove(self.brokers.own_root_keys[index] + ".previous")
        self._await(index, lambda keys: keys["Also accepted"] == "none", "has forgotten the old key")

    def _status(self, index):
        return self.brokers.status(index, "Root key")

    def _await(self, index, holds, what):
        wait_until(lambda: holds(self._status(index)), f"broker {index} {what}")
        assert self._status(index)["Problem"] == "none"


@pytest.fixture
def two_brokers(make_world):
    world = make_world()
    world.broker_extra = {"listenerAuthority": {"hostSuffixes": ["svc", "svc.cluster.local"]}}
    brokers = Brokers(world)
    keys = KeyFiles(brokers)
    world.start(dataplanes=1)
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    return world, brokers, keys


def test_no_request_fails_while_brokers_have_different_root_keys(two_brokers):
    world, brokers, keys = two_brokers
    workers = Workers(world, NAME, 1)
    workers.go_on(3)
    before = world.listener_ca()

    for step in (keys.announce, keys.switch, keys.forget):
        step(0)
        asked = [brokers.granted(0), brokers.granted(1)]
        workers.go_on(8)
        assert brokers.granted(0) > asked[0] and brokers.granted(1) > asked[1], (
            "grants of both brokers were used with the routes of one"
        )
        if step == keys.switch:
            both = world.listener_ca()
        step(1)
        workers.go_on(3)
    workers.stop()

    assert workers.failures == []
    after = world.listener_ca()
    assert after != before and both == after + before, "clients trust both authorities meanwhile"
    for directory in (world.path("audit"), world.path("audit-1")):
        told = world.connectorctl(
            "audit", "verify", directory,
            "--root-key-file", write(world.path("new.key"), NEW),
            "--root-key-file", write(world.path("old.key"), OLD),
        )  # fmt: skip
        assert "the chain holds" in told and told.count("key:") == 2, told
        (path,) = glob.glob(os.path.join(directory, "*.jsonl"))
        with open(path, encoding="utf-8") as file:
            assert file.read().count("AUDIT_KEY_CHANGED") == 1


def test_an_upload_goes_on_under_the_keys_of_both_sides(two_brokers):
    world, _, keys = two_brokers
    chunks = [os.urandom(200_000) for _ in range(4)]
    token = world.token()
    location = begin_upload(world.client(), NAME, token)
    location = send_chunk(world.client(), location, chunks[0], 0, token)
    keys.announce(0)
    keys.announce(1)
    keys.switch(0)

    # A new data plane has the sealing keys of one broker or the other; the first has those of before.
    world.start_dataplane(1)
    ahead = world.client(port=HTTP_PORT + 1)
    location = send_chunk(ahead, location, chunks[1], 200_000, token)
    keys.switch(1)
    world.start_dataplane(2)
    switched = world.client(port=HTTP_PORT + 2)
    location = send_chunk(switched, location, chunks[2], 400_000, token)
    location = send_chunk(ahead, location, chunks[3], 600_000, token)
    finish_upload(switched, location, digest_of(b"".join(chunks)), token)

    blob = switched.request("GET", f"/v2/{NAME}/blobs/{digest_of(b''.join(chunks))}", token=token)
    assert blob.body == b"".join(chunks)


def test_a_broker_keeps_a_key_that_would_be_forgotten(two_brokers):
    world, brokers, _ = two_brokers
    write(brokers.own_root_keys[0], NEW)

    wait_until(lambda: "root.key.previous has not" in world.broker_readiness()[1], "broker 0 says so")

    token = world.token()
    assert {get_manifest(world.client(), NAME, "v1", token).status for _ in range(5)} == {200}
