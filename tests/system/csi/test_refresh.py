"""A push that lasts longer than the pod's token, through a real data plane to a real registry.

Time is not faked: tokens are short, and the kubelet's part, a renewed token at 80 % of the old one's
life, is played here. The pod reads its token from the volume, as clients read their files.
"""

import os
import threading
import time

from csi import CsiNode
from images import Image
from peers import peer
from push import begin_upload, digest_of, finish_upload, put_manifest, send_chunk
from push import MANIFEST, push_blob

LIFE = 8  # Seconds of a token.
PUSH = 4 * LIFE - 4  # Seconds, at least.
HOST = "c-demo.default.svc"


class Kubelet(threading.Thread):
    """Calls NodePublishVolume again and again, with a token that is never older than 80 %."""

    def __init__(self, world, volume):
        super().__init__(daemon=True)
        self.world, self.volume = world, volume
        self.tokens = []
        self.failure = None
        self._over = threading.Event()
        self.renew()

    def renew(self):
        now = int(time.time())
        self.tokens.append(self.world.forged_token(iat=now, exp=now + LIFE))
        self.renew_at = time.monotonic() + 0.8 * LIFE

    def run(self):
        try:
            while not self._over.wait(0.5):
                if time.monotonic() > self.renew_at:
                    self.renew()
                self.volume.republish(token=self.tokens[-1])
        except Exception as failure:  # Shown by the test.
            self.failure = failure

    def stop(self):
        self._over.set()
        self.join()
        assert self.failure is None, self.failure


def test_a_push_outlives_the_tokens_that_it_began_with(world, tmp_path):
    node = CsiNode(world.made("node"), room=world.clients)
    world.at_close.append(node.close)
    node.start(driver=False)
    node.new_connector("default", "demo", host=f"{HOST}:8080")
    node.grant("ci", "builder", "default", "demo")
    node.start_driver()
    volume = node.volume("ci", "builder", {"connectors": "default/demo"})
    kubelet = Kubelet(world, volume)
    volume.publish(token=kubelet.tokens[0])
    kubelet.start()

    client = world.client(host=HOST)
    image = Image(str(tmp_path / "image"), content=os.urandom(PUSH * 1024))
    name = "robot/long"
    location = begin_upload(client, name, volume.read("token"))
    started = time.monotonic()
    step = len(image.layer) // PUSH
    for at in range(0, len(image.layer), step):
        chunk = image.layer[at : at + step]
        location = send_chunk(client, location, chunk, at, volume.read("token"))
        time.sleep(1)
    took = time.monotonic() - started
    finish_upload(client, location, digest_of(image.layer), volume.read("token"))
    push_blob(client, name, image.config, volume.read("token"))
    put_manifest(client, name, "v1", image.manifest, MANIFEST, volume.read("token"))

    assert took > 3 * LIFE and len(kubelet.tokens) >= 4
    # The first token is of no use any more: without the new ones the push would have failed.
    old = client.request("GET", f"/v2/{name}/manifests/v1", token=kubelet.tokens[0])
    assert old.status == 401
    # A stock client, configured by nothing but the volume.
    done = world.run_client(
        [peer("crane"), "digest", "--insecure", f"{HOST}:8080/{name}:v1"],
        env={"DOCKER_CONFIG": volume.target},
    )
    assert done.ok().stdout.strip() == image.digest
    kubelet.stop()
    volume.unpublish()
    with open(node.driver.log_path, encoding="utf-8") as file:
        log = file.read()
    assert not any(token in log for token in kubelet.tokens)
