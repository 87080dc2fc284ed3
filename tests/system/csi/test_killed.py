"""200 volumes at once, while the driver is killed five times."""

import concurrent.futures
import os
import time

import grpc

from netns import wait_until

VOLUMES = 200
KILLS = 5


def test_no_kill_leaves_a_mount_or_a_half_written_volume(node):
    token = node.control.token("builder", "ci")
    volumes = [node.volume("ci", "builder", {"connectors": "harbor"}) for _ in range(VOLUMES)]
    state = {"done": 0}

    def until_served(call, **options):
        """As a kubelet: again and again."""
        deadline = time.monotonic() + 100
        while True:
            try:
                return call(timeout=5, **options)
            except grpc.RpcError as error:
                assert error.code() in (
                    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
                    grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED,
                ), error.details()  # fmt: skip
                assert time.monotonic() < deadline, error.details()
                time.sleep(0.05)

    def life(volume):
        until_served(volume.publish, token=token)
        assert volume.read("token") == token
        until_served(volume.republish, token=token)
        until_served(volume.unpublish)
        state["done"] += 1

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        lives = [pool.submit(life, volume) for volume in volumes]
        for kill in range(KILLS):
            wanted = (kill + 1) * VOLUMES // (KILLS + 1)
            wait_until(lambda wanted=wanted: state["done"] >= wanted or any(
                each.done() and each.exception() for each in lives), "the next kill", 60)
            node.driver.kill()
            node.start_driver()
        for each in lives:
            each.result()

    assert state["done"] == VOLUMES
    assert node.mounts() == {}
    left = [name for volume in volumes for name in os.listdir(node.see(volume.parent))]
    assert left == []
