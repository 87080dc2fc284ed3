"""Work that goes on while a test changes the world around it."""

import os
import threading

from netns import wait_until
from push import get_manifest, push_blob
from world import HTTP_PORT


class Workers:
    """Callers that pull and push all the time, each request as somebody whom no data plane knows."""

    def __init__(self, world, name, dataplanes):
        self.failures = []
        self.done = [0] * dataplanes
        self._stop = threading.Event()
        self._world = world
        self._name = name
        self._serial = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(index,), daemon=True)
            for index in range(dataplanes)
        ]
        for thread in self._threads:
            thread.start()

    def _token(self):
        """One that was never shown: only a broker can say what it is good for."""
        with self._lock:
            self._serial += 1
            return self._world.forged_token(jti=f"t-{self._serial}")

    def _run(self, index):
        client = self._world.client(port=HTTP_PORT + index)
        while not self._stop.is_set():
            try:
                answer = get_manifest(client, self._name, "v1", self._token())
                assert answer.status == 200, answer
                push_blob(client, self._name, os.urandom(20_000), self._token())
            except (AssertionError, OSError) as error:
                self.failures.append(f"data plane {index}: {error}")
            self.done[index] += 1

    def go_on(self, rounds):
        """Until every data plane has served `rounds` more."""
        goal = [done + rounds for done in self.done]
        wait_until(
            lambda: all(done >= least for done, least in zip(self.done, goal)),
            "every data plane goes on", timeout=60,
        )  # fmt: skip

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
