"""One caller with a narrow right takes its share of a connector, and leaves all others theirs."""

import threading

import pytest

import canary
from netns import wait_until
from push import get_manifest
from world import path_form, rule

NAMES = 20


@pytest.fixture
def two_callers(make_world):
    """A world with a token service that is picky, and the tokens of mallory and of alice."""
    world = make_world()
    world.upstream.use_fault_service("picky")
    world.start(access=[
        rule("ci", "mallory", ["pull"], ["robot/sandbox/**"]),
        rule("ci", "alice", ["pull"], ["robot/prod/**"]),
    ])  # fmt: skip
    return world, world.token("mallory"), world.token("alice")


def status(world, repository, token):
    return get_manifest(world.client(), path_form(repository), "v1", token).status


def test_invented_names_of_one_caller_leave_another_its_new_tokens(two_callers):
    world, mallory, alice = two_callers
    stop = threading.Event()

    def flood(number):
        count = 0
        while not stop.is_set():
            count += 1
            status(world, f"robot/sandbox/x{number}-{count}", mallory)

    floods = [threading.Thread(target=flood, args=(number,)) for number in range(8)]
    for each in floods:
        each.start()
    try:
        got = {status(world, f"robot/prod/new{index}", alice) for index in range(NAMES)}
    finally:
        stop.set()
        for each in floods:
            each.join()

    assert got == {404}  # The registry's own answer: nothing was pushed there.


def test_what_a_token_service_says_of_one_callers_repository_is_about_that_repository(two_callers):
    world, mallory, alice = two_callers

    refused = [status(world, f"robot/sandbox/evil{index}", mallory) for index in range(3)]

    assert refused == [429, 429, 429]
    assert status(world, "robot/prod/app", alice) == 404
    assert status(world, "robot/sandbox/good", mallory) == 429  # Several of its own failed.


def test_no_stored_password_stays_in_the_ordinary_memory_of_the_broker(two_callers):
    world, _, alice = two_callers
    if 'kind="memfd_secret"' not in world.broker_metrics():
        pytest.skip("the locked memory, where the password belongs, can be read here")
    for index in range(NAMES):
        assert status(world, f"robot/prod/app{index}", alice) == 404

    def is_clean():
        try:
            canary.check_memory("the broker", world.broker.pid, world.upstream.passwords)
        except canary.Leak:
            return False
        return True

    wait_until(is_clean, "the broker has wiped the stored password")
