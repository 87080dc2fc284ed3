"""What an operator may take away at Vault, and what comes of it."""

import signal

from images import Image
from netns import wait_until
from pull_loop import PullLoop
from push import get_manifest, push_image
from upstream import USER
from vault_world import PATH, start_vault, vault_auth
from world import path_form

NAME = path_form("robot/app")


def started(make_world, **options):
    world = make_world()
    start_vault(world, **options)
    world.start(auth=vault_auth())
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    return world


def new_grant(world, repository):
    return get_manifest(world.client(), path_form(f"robot/{repository}"), "v1", world.token())


def granted(answer):
    return answer.status == 404  # The registry's own: there is no such repository.


def credential(world):
    (connector,) = world.broker_status()["connectors"]
    return connector


def test_a_token_revoked_under_its_feet_is_replaced_before_anybody_notices(make_world):
    world = started(make_world, poll="1h")
    (old,) = world.vault.token_accessors()

    world.vault.api("PUT", "auth/token/revoke-accessor", {"accessor": old})

    assert granted(new_grant(world, "new"))
    (new,) = world.vault.token_accessors()
    assert new != old


def test_its_token_is_renewed_and_replaced_when_that_is_no_longer_possible(make_world):
    world = started(make_world, poll="1h", token_ttl="3s", token_max_ttl="7s")
    (first,) = world.vault.token_accessors()

    wait_until(lambda: world.vault.token_accessors() not in ([], [first]), "another token", 30)

    metrics = world.broker_metrics()
    assert count(metrics, "connector_broker_vault_token_renewals_total") >= 1
    assert count(metrics, "connector_broker_vault_logins_total") >= 2
    assert granted(new_grant(world, "new"))


def test_a_clean_stop_gives_its_token_back(make_world):
    world = started(make_world)
    assert len(world.vault.token_accessors()) == 1

    assert world.broker.stop() == 0

    assert world.vault.token_accessors() == []


def test_a_broker_that_is_killed_leaves_a_token_that_ends_by_itself(make_world):
    world = started(make_world, token_ttl="3s")

    world.broker.signal(signal.SIGKILL)

    wait_until(lambda: world.vault.token_accessors() == [], "the token ended", 30)


def test_a_policy_that_is_removed_is_named_at_the_step_that_fails(make_world):
    world = started(make_world)
    assert world.check().ok().stdout.count("ok ") >= 5

    world.vault.put_policy('path "secret/data/other" { capabilities = ["read"] }')
    wait_until(lambda: credential(world)["problem"], "the connector has a problem")
    failed = world.check()
    refused = new_grant(world, "new")

    assert failed.code == 1
    assert "ok      vault-login" in failed.stdout
    line = failed.stdout.splitlines()[-1]
    assert line.startswith("FAILED  vault-read"), line
    assert "connector" in line and "read" in line and PATH in line, line
    assert refused.status == 503, refused
    assert "Vault" in refused.error()[1] and PATH in refused.error()[1]

    world.vault.put_policy('path "secret/data/ci/*" { capabilities = ["read"] }')
    wait_until(lambda: not credential(world)["problem"], "it is usable by data alone")
    wait_until(lambda: granted(new_grant(world, "new")), "grants are given again")


def test_a_deleted_version_ends_grants_and_an_undeleted_one_brings_them_back(make_world):
    world = started(make_world)
    token = world.token()
    assert get_manifest(world.client(), NAME, "v1", token).status == 200

    world.vault.api("DELETE", "secret/data/ci/robot")
    wait_until(lambda: get_manifest(world.client(), NAME, "v1", token).status == 503, "no grant")
    assert "deleted" in credential(world)["problem"]
    assert "deleted" in world.check().stdout

    world.vault.api("PUT", "secret/undelete/ci/robot", {"versions": [1]})
    wait_until(lambda: get_manifest(world.client(), NAME, "v1", token).status == 200, "a grant")


def test_a_key_that_is_missing_is_named(make_world):
    world = started(make_world)
    world.vault.put_secret("ci/robot", {"user": USER, "password": world.upstream.password})

    wait_until(lambda: "username" in credential(world)["problem"], "the problem names the key")
    line = world.check().stdout.splitlines()[-1]
    assert line.startswith("FAILED  vault-keys") and "username" in line, line

    world.put_connector(world.connector(auth=vault_auth(usernameKey="user")))
    wait_until(lambda: granted(new_grant(world, "new")), "the other key is used")


def test_a_restart_of_the_broker_ends_no_grant(make_world):
    world = started(make_world, front=True)
    loop = PullLoop(world, NAME, world.token(), pause=0.02)

    world.broker.stop()
    world.vault_front.delay = 1.0  # Longer than a data plane needs to find its broker again.
    world.start_broker()
    wait_until(
        lambda: count(world.broker_metrics(), "connector_broker_watch_streams") == 1,
        "the data plane follows it", 30,
    )  # fmt: skip
    seen = len(loop.results)
    wait_until(lambda: len(loop.results) > seen + 50, "fifty more pulls")

    assert {status for _, status in loop.stop()} == {200}
    # With another epoch, even for a moment, the data plane would have asked anew.
    assert "connector_broker_issue_total{outcome=\"granted\"} 0" in world.broker_metrics()


def test_a_broker_that_starts_while_vault_is_sealed_serves_when_it_is_back(make_world):
    world = started(make_world)
    world.broker.stop()
    world.vault.seal()

    world.start_broker()
    assert "not" in credential(world)["problem"], credential(world)
    assert new_grant(world, "new").status == 503

    world.vault.unseal()
    wait_until(lambda: granted(new_grant(world, "new")), "a grant", 10)


def count(metrics, name):
    for line in metrics.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return 0
