"""Without a broker, what was granted goes on and nothing new begins (P9); no audit, no token (P4)."""

import concurrent.futures
import signal

from images import Image
from netns import wait_until
from push import get_manifest, push_image
from world import path_form

NAME = path_form("robot/app")


def test_pulls_with_a_valid_grant_go_on_and_new_ones_are_told_to_come_back(world):
    builder, late = world.token(), world.token()
    push_image(world.client(), NAME, "v1", Image(world.path("image")), builder)
    assert get_manifest(world.client(), NAME, "v1", builder).status == 200

    world.broker.kill()

    assert {get_manifest(world.client(), NAME, "v1", builder).status for _ in range(20)} == {200}
    refused = get_manifest(world.client(), path_form("robot/new"), "v1", late)
    assert refused.status == 503
    assert int(refused.header("Retry-After")) > 0
    assert world.verify_audit()


def test_a_broker_that_comes_back_serves_new_pulls_without_a_restart_of_the_data_plane(world):
    world.restart_broker()

    answer = wait_until(
        lambda: _unless_503(get_manifest(world.client(), NAME, "v1", world.token())),
        "the data plane has found the broker again", timeout=60,
    )  # fmt: skip
    assert answer.status == 404  # The registry's own.


def test_no_token_is_issued_without_an_audit_line_however_the_broker_dies(world):
    token = world.token()

    def pull(index):
        return index, get_manifest(world.client(), path_form(f"robot/app-{index}"), "v1", token)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        pulls = [pool.submit(pull, index) for index in range(64)]
        wait_until(lambda: any(each.done() for each in pulls), "a pull has been served")
        world.broker.signal(signal.SIGKILL)
        answers = [done.result() for done in pulls]

    served = {f"repository:robot/app-{index}:pull" for index, got in answers if got.status == 404}
    recorded = {record["scopes"] for record in world.audit_records() if record["allowed"]}
    assert served and served <= recorded
    world.verify_audit()


def test_an_audit_line_that_was_changed_is_found(world):
    get_manifest(world.client(), NAME, "v1", world.token())
    world.broker.stop()
    (name,) = [n for n in __import__("os").listdir(world.path("audit")) if n.endswith(".jsonl")]
    path = world.path("audit", name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("robot/app", "robot/bpp", 1))

    world.verify_audit(expect=1)


def _unless_503(answer):
    return None if answer.status == 503 else answer
