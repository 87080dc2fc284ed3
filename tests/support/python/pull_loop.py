"""Somebody who pulls all the time."""

import threading
import time

from netns import wait_until
from push import get_manifest


class PullLoop:
    """One caller that pulls a manifest again and again, and notes what it got and when."""

    def __init__(self, world, name, token, pause=0.0, **client):
        self.results = []  # (time of the request's begin, status)
        self._client, self._token, self._name = world.client(**client), token, name
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_until(lambda: self.results, "the first pull")

    def _run(self):
        while not self._stop.wait(self._pause):
            begun = time.monotonic()
            try:
                status = get_manifest(self._client, self._name, "v1", self._token).status
            except OSError as error:
                status = str(error)
            self.results.append((begun, status))

    def stop(self):
        self._stop.set()
        self._thread.join(30)
        return self.results
