"""The broker reads Vault with its own rights for many tenants: its rules say who may name what."""

import yaml

from netns import wait_until
from push import get_manifest
from vault_world import start_vault, vault_auth
from world import path_form, program


def problem_of(world, name):
    found = [c for c in world.broker_status()["connectors"] if c["name"] == f"default/{name}"]
    return found[0]["problem"] if found else None


def test_a_connector_may_only_name_paths_of_its_namespaces_rules(make_world):
    world = make_world()
    vault = start_vault(world)
    vault.put_policy('path "*" { capabilities = ["read", "list"] }')  # Far too much, on purpose.
    credential = {"username": "robot", "password": world.upstream.password}
    for path in ("default/own", "team-a/own", "other"):
        vault.put_secret(path, credential)
    world.start(auth=vault_auth("secret/data/default/own"))
    assert get_manifest(
        world.client(), path_form("robot/app"), "v1", world.token()
    ).status == 404  # fmt: skip

    for name, path in (("other", "secret/data/team-a/own"), ("open", "secret/data/other")):
        world.put_connector(world.connector(name, auth=vault_auth(path)))
        wait_until(lambda name=name: problem_of(world, name), f"{name} has a problem")
        assert "vault.paths" in problem_of(world, name)
        refused = get_manifest(
            world.client(), path_form("robot/app", name), "v1", world.token()
        )  # fmt: skip
        assert refused.status == 503, refused
        assert world.check(f"default/{name}").code == 1

    # Vault was not even asked.
    assert "secret/data/team-a/own" not in vault.paths_read()
    assert "secret/data/default/own" in vault.paths_read()


def test_a_broker_without_vault_says_so(make_world):
    world = make_world()
    world.start()
    world.put_connector(world.connector("other", auth=vault_auth()))

    wait_until(lambda: problem_of(world, "other"), "the connector has a problem")
    assert "no vault" in problem_of(world, "other")
    assert "FAILED  vault-login" in world.check("default/other").stdout


def test_a_vault_that_nobody_needs_degrades_nothing(make_world):
    world = make_world()
    vault = start_vault(world)
    world.put_secret(world.upstream.password)
    for process in vault.processes.values():
        process.kill()
    world.start()

    assert get_manifest(
        world.client(), path_form("robot/app"), "v1", world.token()
    ).status == 404  # fmt: skip
    assert world.broker_readiness() == (200, "ready\n")


def test_a_configuration_that_cannot_work_is_refused_with_the_field(make_world):
    world = make_world()
    start_vault(world)
    world.connectorctl("pki", "init", world.path("pki"), "--ip", "10.77.2.1")
    good = world.broker_config()
    cases = {
        "vault.addresses[0]": {"addresses": ["http://vault.test:8200"]},
        "vault.login": {"login": {}},
        "vault.paths[0].paths[0]": {"paths": [{"namespaces": ["*"], "paths": ["../x"]}]},
        "vault.caFile": {"caFile": world.path("absent.crt")},
        "vault.pollInterval": {"pollInterval": "1ms"},
    }
    for field, change in cases.items():
        config = {**good, "vault": {**good["vault"], **change}}
        with open(world.path("changed.yaml"), "w", encoding="utf-8") as file:
            yaml.safe_dump(config, file)
        done = world.middle.run(
            [program("connector-broker"), "--config", world.path("changed.yaml"), "--check"]
        )
        assert done.code == 2 and f" {field}: " in done.stderr, (field, done.output)
