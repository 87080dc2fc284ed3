"""Changes count within a second, without a restart and without hurting anybody else (P6)."""

import time

from images import Image
from netns import wait_until
from pull_loop import PullLoop
from push import push_image
from world import new_password, path_form, rule

NAME = path_form("robot/app")


def started(make_world):
    """Two callers who may pull robot/app, which is there."""
    world = make_world()
    world.start(access=RULES)
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    return world


RULES = [rule("ci", "builder", ["pull", "push"]), rule("ci", "reader", ["pull"])]


def test_a_removed_rule_counts_within_a_second_for_its_caller_alone(make_world):
    world = started(make_world)
    stays, goes = PullLoop(world, NAME, world.token("builder")), PullLoop(world, NAME, world.token("reader"))

    removed = time.monotonic()
    world.put_connector(world.connector(access=RULES[:1]))
    wait_until(lambda: goes.results[-1][1] != 200, "the reader is refused")
    wait_until(lambda: len(goes.results) > 20 and goes.results[-20][1] != 200, "it stays so")

    late = [status for begun, status in goes.stop() if begun > removed + 1 and status == 200]
    assert late == []
    assert {status for _, status in stays.stop()} == {200}


def test_a_rotated_password_is_used_within_a_second_without_one_failed_pull(make_world):
    world = started(make_world)
    loop = PullLoop(world, NAME, world.token("builder"))
    before = len(world.upstream.token_requests())

    password = new_password()
    world.upstream.set_password(password)
    rotated = time.monotonic()
    world.put_secret(password)
    wait_until(lambda: len(world.upstream.token_requests()) > before, "a token by the new password")
    took = time.monotonic() - rotated

    seen = len(loop.results)
    wait_until(lambda: len(loop.results) > seen + 50, "fifty more pulls")
    assert {status for _, status in loop.stop()} == {200}
    assert took < 1.0


def test_a_deleted_connector_is_unknown_within_a_second(make_world):
    import os

    world = started(make_world)
    loop = PullLoop(world, NAME, world.token("builder"))

    deleted = time.monotonic()
    os.unlink(world.path("resources", "connector-demo.yaml"))
    wait_until(lambda: loop.results[-1][1] == 404, "the connector is unknown")

    late = [status for begun, status in loop.stop() if begun > deleted + 1 and status == 200]
    assert late == []
