"""While Vault is sealed or away: what was granted goes on, new work is told to come back, and
Vault's return is neither missed nor met by a storm (P9)."""

import threading
import time

import pytest

from images import Image
from netns import wait_until
from pull_loop import PullLoop
from push import get_manifest, push_image
from vault_world import PATH, is_full, start_vault, vault_auth
from world import path_form

NAME = path_form("robot/app")
SEALED_SECONDS = 120 if is_full() else 8
USUAL_SECONDS = 10 if is_full() else 4
GRANT_EVERY = 0.1  # Each costs Vault one read: the usual rate.


class NewGrants:
    """Somebody who always wants what was not granted yet: every pull is of another repository."""

    def __init__(self, world):
        self.results = []  # (time of the request's begin, status, Retry-After, message)
        self._world, self._token = world, world.token()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        number = 0
        client = self._world.client()
        while not self._stop.wait(GRANT_EVERY):
            number += 1
            begun = time.monotonic()
            answer = get_manifest(client, path_form(f"robot/new-{number}"), "v1", self._token)
            message = answer.error()[1] if answer.status >= 500 else ""
            retry_after = answer.header("Retry-After")
            self.results.append((begun, answer.status, retry_after, message))

    def since(self, when):
        return [result for result in list(self.results) if result[0] >= when]

    def stop(self):
        self._stop.set()
        self._thread.join(30)


def pass_time(seconds):
    """The time is the subject here: a rate needs a while to be counted over."""
    threading.Event().wait(seconds)


@pytest.mark.parametrize("fault", ["sealed", "cut"])
def test_valid_grants_go_on_and_new_ones_come_back_soon_without_a_storm(make_world, fault):
    world = make_world()
    vault = start_vault(world, front=True, poll="1s")
    front = world.vault_front
    world.start(auth=vault_auth())
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    loop, grants = PullLoop(world, NAME, world.token(), pause=0.02), NewGrants(world)
    wait_until(lambda: grants.results, "the first new grant")

    usual_from = time.monotonic()
    pass_time(USUAL_SECONDS)
    away_from = time.monotonic()
    if fault == "sealed":
        vault.seal()
    else:
        front.cut = True
    wait_until(lambda: grants.results[-1][1] == 503, "new grants are refused")
    refused_from = time.monotonic()
    pass_time(SEALED_SECONDS)

    code, text = world.broker_readiness()
    assert code == 200 and "degraded: Vault" in text, text
    if fault == "sealed":
        assert "sealed" in text

    back = time.monotonic()
    if fault == "sealed":
        vault.unseal()
    else:
        front.cut = False
    granted = wait_until(
        lambda: [result for result in grants.since(back) if result[1] == 404], "a new grant", 30
    )[0][0]
    pass_time(USUAL_SECONDS)
    end = time.monotonic()
    grants.stop()
    pulls = loop.stop()

    table = {
        "before": front.per_second(usual_from, away_from),
        "during": front.per_second(away_from, back),
        "after": front.per_second(back, end),
    }
    print(f"{fault}: first new grant after {granted - back:.1f} s; requests per second at Vault:")
    for name, counts in table.items():
        print(f"  {name:7} mean {sum(counts) / len(counts):.1f}, most {max(counts)}: {counts}")

    assert {status for _, status in pulls} == {200}
    refused = [r for r in grants.since(refused_from) if r[0] < back]
    assert {status for _, status, *_ in refused} == {503}
    assert all(int(retry_after) > 0 for _, _, retry_after, _ in refused)
    assert all("Vault" in message and PATH in message for *_, message in refused)
    assert granted - back < 10.0
    usual = max(table["before"])
    assert max(table["during"] + table["after"]) <= 2 * usual
    wait_until(lambda: world.broker_readiness() == (200, "ready\n"), "all is well again")
