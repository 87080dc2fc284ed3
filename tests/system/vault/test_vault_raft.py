"""Three nodes of Vault: any of them may be asked, and any may go."""

from images import Image
from netns import wait_until
from pull_loop import PullLoop
from push import get_manifest, push_image
from vault_world import start_vault, vault_auth
from world import path_form

NAME = path_form("robot/app")


def test_a_change_of_the_leader_and_the_end_of_a_node_fail_no_pull(make_world):
    world = make_world()
    vault = start_vault(world, nodes=3)
    world.start(auth=vault_auth())
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    loop = PullLoop(world, NAME, world.token(), pause=0.02)
    number = 0

    def grant():
        nonlocal number
        number += 1
        answer = get_manifest(world.client(), path_form(f"robot/new-{number}"), "v1", world.token())
        return answer.status == 404

    assert grant()
    first = vault.leader()
    vault.api("PUT", "sys/step-down", port=first)
    wait_until(grant, "a new grant after the leader stepped down", timeout=10)
    wait_until(vault.leader, "another leader", timeout=30)

    gone = vault.leader()
    vault.processes[gone].kill()
    wait_until(lambda: vault.leader() not in (None, gone), "a leader of the two left", timeout=60)
    wait_until(grant, "a new grant after the leader was killed", timeout=10)

    assert {status for _, status in loop.stop()} == {200}
