"""A full audit disk means no token (P4), and freeing it is enough."""

from netns import wait_until
from push import get_manifest
from world import path_form, program


def test_nothing_is_issued_while_the_audit_disk_is_full(make_world):
    world = make_world()
    audit = world.path("audit")
    # Mounted in the broker's room alone, so that it goes away with it.
    world.middle.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", audit]).ok()
    world.start()
    token = world.token()

    def pull(index):
        return get_manifest(world.client(), path_form(f"robot/app-{index}"), "v1", token)

    assert pull(0).status == 404  # The registry's own.
    world.middle.run(["sh", "-c", f"cat /dev/zero > {audit}/filler"])

    refusals = [pull(index) for index in range(1, 60)]
    assert refusals[-1].status == 503, refusals[-1]
    assert refusals[-1].header("Retry-After")
    # Those that fitted into the last block have their line; nobody else got through.
    lines = world.middle.run(["sh", "-c", f"cat {audit}/audit-*.jsonl"]).stdout.splitlines()
    allowed = sum('"allowed":true' in line.replace(" ", "") for line in lines)
    assert allowed >= 1 + sum(refused.status == 404 for refused in refusals)

    world.middle.run(["rm", f"{audit}/filler"]).ok()
    wait_until(lambda: pull(99).status == 404, "tokens are issued again")
    key = world.path("pki", "root.key")
    world.middle.run([program("connectorctl"), "audit", "verify", audit, "--root-key-file", key]).ok()
