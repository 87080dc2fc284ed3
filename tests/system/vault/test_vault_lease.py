"""Credentials that Vault makes and takes back: real users of a real registry, by Vault's database
engine on PostgreSQL."""

import os
import time

from images import Image
from netns import wait_until
from pull_loop import PullLoop
from push import get_manifest, push_image
from user_directory import UserDirectory
from vault_world import start_vault
from world import new_password, path_form

NAME = path_form("robot/app")
AUTH = {
    "name": "basicAuth",
    "allowStatic": True,
    "vaultRef": {"path": "database/creds/registry"},
    "params": [{"name": "repository", "value": "robot/app"}],
}
POLICY = """
path "database/creds/registry" { capabilities = ["read"] }
path "sys/leases/renew" { capabilities = ["update"] }
path "sys/leases/revoke" { capabilities = ["update"] }
"""


def started(make_world, default_ttl, max_ttl):
    """(world, directory): robot/app was pushed with a leased user."""
    world = make_world(auth="htpasswd")
    directory = UserDirectory(world.up, new_password())
    world.at_close.append(directory.close)
    world.upstream.use_htpasswd(directory.htpasswd)
    vault = start_vault(world)
    vault.put_policy(POLICY)
    directory.enable_in(vault, default_ttl, max_ttl)
    world.start(auth=AUTH)
    push_image(world.client(), NAME, "v1", Image(world.path("image")), world.token())
    return world, directory


def credential(world):
    return world.broker_status()["connectors"][0]["credential"]


def test_a_lease_is_renewed_then_replaced_without_one_failed_pull(make_world):
    world, directory = started(make_world, "3s", "8s")
    loop = PullLoop(world, NAME, world.token(), pause=0.02)
    ((first, ends),) = directory.users().items()
    lease = credential(world)["leaseHash"]

    wait_until(lambda: directory.users().get(first, ends) != ends, "the lease is renewed")
    wait_until(lambda: first not in directory.users(), "the first user is gone", 30)

    assert directory.users(), "another one is there"
    assert credential(world)["leaseHash"] != lease
    assert {status for _, status in loop.stop()} == {200}


def test_a_lease_is_given_back_when_its_connector_goes(make_world):
    world, directory = started(make_world, "30m", "30m")
    assert len(directory.users()) == 1

    os.unlink(world.path("resources", "connector-demo.yaml"))

    wait_until(lambda: directory.users() == {}, "the user is gone")


def test_leases_are_given_back_at_a_clean_stop(make_world):
    world, directory = started(make_world, "30m", "30m")

    world.broker.stop()

    assert directory.users() == {}


def test_a_lease_that_an_operator_revoked_is_replaced_within_the_request(make_world):
    world, directory = started(make_world, "30m", "30m")
    (first,) = directory.users()

    world.vault.api("PUT", "sys/leases/revoke-prefix/database/creds/registry", {"sync": True})
    assert directory.users() == {}

    assert get_manifest(world.client(), NAME, "v1", world.token()).status == 200
    (second,) = directory.users()
    assert second != first


def test_a_leased_credential_is_used_to_its_end_and_never_after(make_world):
    world, _ = started(make_world, "6s", "6s")
    loop = PullLoop(world, NAME, world.token(), pause=0.02)

    # Sealed, Vault cannot take the user away: the registry would go on accepting it.
    world.vault.seal()
    sealed = time.monotonic()
    wait_until(lambda: loop.results[-1][1] == 503, "the lease has ended", 30)
    ended = time.monotonic()
    seen = len(loop.results)
    wait_until(lambda: len(loop.results) > seen + 100, "a hundred more pulls")

    statuses = [status for begun, status in loop.stop() if begun > ended]
    assert set(statuses) == {503}
    assert ended - sealed < 7.0
