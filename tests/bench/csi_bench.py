"""Mounts of the CSI driver, one after another as one kubelet makes them: how long, how much memory,
how many requests to a real API server. Needs root; prints, and writes nothing."""

import os
import re
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "python"))

from csi import CsiNode  # noqa: E402

MOUNTS = 1000
ACCOUNTS = 200  # Of the second round: each asks for its rights for the first time.


def measure(what, node, volumes, token):
    before = node.metric("connector_csi_kubernetes_requests_total", resource="subjectaccessreviews")
    times = []
    for volume in volumes:
        os.makedirs(node.see(volume.parent))
        request = volume.request(token=token)
        started = time.monotonic()
        node.client.call("Node.NodePublishVolume", request)
        times.append(time.monotonic() - started)
    after = node.metric("connector_csi_kubernetes_requests_total", resource="subjectaccessreviews")
    times.sort()
    print(f"{what}: {len(times)} mounts, p50 {times[len(times) // 2] * 1e3:.2f} ms, "
          f"p99 {times[len(times) * 99 // 100] * 1e3:.2f} ms, max {times[-1] * 1e3:.2f} ms, "
          f"{(after - before) / len(times):.3f} API requests each, "
          f"RSS {resident(node.driver.pid):.1f} MiB")  # fmt: skip


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) / 1024


def main():
    with tempfile.TemporaryDirectory() as directory:
        node = CsiNode(os.path.join(directory, "node"), logLevel="info")
        try:
            node.start(driver=False)
            node.new_connector("ci", "harbor")
            node.grant("ci", "builder", "ci", "harbor")
            for index in range(ACCOUNTS):
                node.grant("ci", f"builder-{index}", "ci", "harbor")
            node.start_driver()
            token = node.control.token("builder", "ci", duration=7200)
            asked = {"connectors": "harbor"}
            # The driver has done its work before, as on any node: one mount that is not counted.
            node.publish("ci", "builder", asked, token=token).unpublish()
            print(f"at rest: RSS {resident(node.driver.pid):.1f} MiB")
            volumes = [node.volume("ci", "builder", asked) for _ in range(MOUNTS)]
            measure("one ServiceAccount", node, volumes, token)
            measure("a ServiceAccount each", node,
                    [node.volume("ci", f"builder-{index}", asked) for index in range(ACCOUNTS)],
                    token)  # fmt: skip
            started = time.monotonic()
            for volume in volumes:
                volume.republish(token=token)
            took = (time.monotonic() - started) / MOUNTS * 1e3
            print(f"republish of {len(node.mounts())} mounted volumes: {took:.2f} ms each")
        finally:
            node.close()


if __name__ == "__main__":
    main()
