"""One caller with a narrow right takes its share of a connector, and leaves all others theirs."""

import threading

import pytest

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
