"""A registry or token service that is down, slow or not who it says: the answer names which."""

import signal
import sys

import pytest

from images import Image
from push import get_manifest, push_image
from testca import TestCa
from upstream import AUTH_HOST, REGISTRY_HOST
from world import new_password, path_form

NAME = path_form("robot/app")
FAST = {"connectTimeout": "2s", "idleTimeout": "2s"}


def in_a_hurry(world):
    """What the connector's spec says in a world that does not wait long."""
    return {"upstream": {"tokenRealm": world.upstream.realm, "limits": FAST}}


def test_a_registry_that_is_down_is_502_and_named(world):
    token = world.token()
    world.upstream.registry.kill()

    answer = get_manifest(world.client(), NAME, "v1", token)

    assert answer.status == 502
    assert REGISTRY_HOST in answer.error()[1]


def test_a_registry_that_does_not_answer_is_504_and_named(make_world):
    world = make_world()
    world.start(**in_a_hurry(world))
    token = world.token()
    assert get_manifest(world.client(), NAME, "v1", token).status == 404
    world.upstream.registry.signal(signal.SIGSTOP)

    answer = get_manifest(world.client(timeout=30), NAME, "v1", token)

    assert answer.status == 504
    assert REGISTRY_HOST in answer.error()[1]


def test_a_registry_with_a_certificate_of_another_authority_is_502_and_says_so(world):
    world.upstream.registry.kill()
    stranger = TestCa(world.directory, "stranger-ca")
    world.upstream.start_registry(stranger.issue("stranger", REGISTRY_HOST))

    answer = get_manifest(world.client(), NAME, "v1", world.token())

    assert answer.status == 502
    assert REGISTRY_HOST in answer.error()[1] and "certificate" in answer.error()[1]


def test_a_registry_with_a_certificate_for_another_name_is_502_and_says_so(world):
    world.upstream.registry.kill()
    world.upstream.start_registry(world.upstream.ca.issue("misnamed", "elsewhere.test"))

    answer = get_manifest(world.client(), NAME, "v1", world.token())

    assert answer.status == 502
    assert REGISTRY_HOST in answer.error()[1] and "certificate" in answer.error()[1]


def test_a_token_service_that_is_down_is_502_and_the_sentence_says_that_no_token_could_be_had(world):
    world.upstream.token_server.kill()

    answer = get_manifest(world.client(), NAME, "v1", world.token())

    assert answer.status == 502
    assert REGISTRY_HOST in answer.error()[1] and "token" in answer.error()[1]
    assert AUTH_HOST in world.logs()  # Which service it was is for the operator.


def test_a_stored_password_that_is_refused_is_403_and_not_a_challenge(world):
    world.upstream.set_password(new_password())

    answer = get_manifest(world.client(), NAME, "v1", world.token())

    assert (answer.status, answer.error()[0]) == (403, "DENIED")
    assert answer.header("WWW-Authenticate") is None


FAULTS = {
    "answers 500": ("500", {502, 503}),
    "answers 429": ("429", {429, 503}),
    "answers nonsense": ("nonsense", {502}),
    "answers without a token": ("empty", {502}),
    "never answers": ("slow", {504}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_token_service_with_a_fault_is_never_a_token(fault, make_world):
    mode, expected = FAULTS[fault]
    world = faulty(make_world, mode)

    answer = get_manifest(world.client(timeout=60), NAME, "v1", world.token())

    assert answer.status in expected, answer
    assert answer.header("WWW-Authenticate") is None


def test_tokens_that_live_one_second_do_for_a_long_push(make_world):
    world = faulty(make_world, "short")
    token = world.token()

    for index in range(8):
        push_image(world.client(), NAME, f"v{index}", Image(world.path(f"image-{index}")), token)

    assert get_manifest(world.client(), NAME, "v7", token).status == 200


def faulty(make_world, mode):
    """A world whose token service is our own, which misbehaves as asked."""
    world = make_world()
    world.upstream.use_fault_service(mode)
    world.start(**in_a_hurry(world))
    return world
