"""A credential that changes in Vault is taken up by polling, without one failed pull."""

import re
import time

from images import Image
from netns import wait_until
from pull_loop import PullLoop
from push import push_image
from vault_world import is_full, put_password, start_vault, vault_auth
from world import new_password, path_form

NAME = path_form("robot/app")
ROTATIONS = 10


def minted(world):
    found = re.search(r'connector_broker_mint_total\{result="ok"\} (\d+)', world.broker_metrics())
    return int(found.group(1)) if found else 0


def test_ten_rotations_under_a_pull_loop_fail_no_request(make_world):
    world = make_world()
    # By hand with the default interval of 10 s; the bound is that interval, its jitter and a second.
    start_vault(world, poll="10s" if is_full() else "1s")
    bound = 15.0 if is_full() else 3.0
    world.start(auth=vault_auth())
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    loop = PullLoop(world, NAME, world.token())

    took = []
    for _ in range(ROTATIONS):
        before = minted(world)
        world.upstream.set_password(new_password())
        put_password(world)
        rotated = time.monotonic()
        wait_until(lambda: minted(world) > before, "a token by the new password", timeout=30)
        took.append(time.monotonic() - rotated)

    results = loop.stop()
    print(f"{len(results)} pulls; new password in use after", [round(each, 1) for each in took])
    assert {status for _, status in results} == {200}
    assert max(took) < bound


def test_a_new_grant_uses_the_new_password_before_the_poll_sees_it(make_world):
    world = make_world()
    start_vault(world, poll="1h")
    world.start(auth=vault_auth())
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    epoch = world.broker_status()["connectors"][0]["credential"]["version"]

    world.upstream.set_password(new_password())
    put_password(world)
    answer = world.client().request(
        "GET", f"/v2/{path_form('robot/new')}/manifests/v1", token=world.token()
    )

    assert answer.status == 404, answer  # The registry's own: it took the token.
    wait_until(
        lambda: world.broker_status()["connectors"][0]["credential"]["version"] != epoch,
        "what a mint has read counts for everybody",
    )
