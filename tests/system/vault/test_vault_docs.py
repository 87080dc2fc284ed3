"""docs/vault.md is true: its commands run against a real Vault, and the broker starts with its YAML."""

import os
import re

import pytest
import yaml

from netns import wait_until
from peers import peer
from push import get_manifest
from testca import write
from vault import HOST, PORT, Vault
from vault_world import vault_auth
from world import path_form, program

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3, "docs/vault.md")


def sections():
    """{heading: [(language, text of a block)]}"""
    with open(DOCS, encoding="utf-8") as file:
        parts = re.split(r"^#+ (.*)$", file.read(), flags=re.MULTILINE)
    blocks = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return {heading: blocks.findall(text) for heading, text in zip(parts[1::2], parts[2::2])}


def run_commands(world, heading):
    """The section's commands, in one shell, with the directory of the broker's files as their own."""
    vault, directory = world.vault, world.made("etc")
    script = "\n".join(text for language, text in sections()[heading] if language == "sh")
    return world.up.run(
        ["bash", "-euo", "pipefail", "-c", f"cd {directory}\n{script}"],
        env={
            "PATH": f"{os.path.dirname(peer('vault'))}:{os.environ['PATH']}", "HOME": directory,
            "VAULT_ADDR": f"https://{HOST}:{PORT}", "VAULT_CACERT": vault.ca.path,
            "VAULT_TOKEN": vault.root, "HARBOR_PASSWORD": world.upstream.password,
        },
    ).ok()  # fmt: skip


def login_of(world, heading, which=0):
    """The YAML of a login as it stands there, but for the places of files and the role's id."""
    text = [text for language, text in sections()[heading] if language == "yaml"][which]
    text = text.replace("/etc/oci-connector", world.made("etc"))
    if "ROLE_ID" in text:
        with open(world.path("etc", "role-id"), encoding="ascii") as file:
            text = text.replace("ROLE_ID", file.read().strip())
    return yaml.safe_load(text)["vault"]["login"]


@pytest.fixture
def prepared(make_world):
    """A world whose Vault is set up as the page says, up to the login."""
    world = make_world()
    world.vault = Vault(world.up, world.made("vault")).start(bare=True)
    run_commands(world, "The least policy")
    (common,) = [text for language, text in sections()["Logins"] if language == "yaml"]
    common = common.replace("/etc/oci-connector/vault-ca.crt", world.vault.ca.path)
    common = common.replace("vault.example.com:8200", f"{HOST}:{PORT}")
    world.broker_extra.update(yaml.safe_load(common))
    return world


def serves(world, login):
    world.broker_extra["vault"]["login"] = login
    world.start(auth=vault_auth("secret/data/ci/harbor"))
    answer = get_manifest(world.client(), path_form("robot/app"), "v1", world.token())
    assert answer.status == 404, answer  # The registry's own: it took the token.
    checked = world.check().ok()
    return checked.stdout


def keep_secret(world, *names):
    """What the commands left in files must be nowhere else."""
    for name in names:
        with open(world.path("etc", name), encoding="ascii") as file:
            world.vault.credentials.append(file.read().strip())


@pytest.mark.parametrize("which", [0, 1], ids=["plain", "wrapped"])
def test_approle(prepared, which):
    run_commands(prepared, "AppRole")
    keep_secret(prepared, "secret-id", "wrapped-secret-id")

    assert "by approle, with the policies: oci-connector" in serves(
        prepared, login_of(prepared, "AppRole", which)
    )


def test_client_certificate(prepared):
    run_commands(prepared, "Client certificate")

    assert "by cert, with the policies: oci-connector" in serves(
        prepared, login_of(prepared, "Client certificate")
    )


def test_token_file_and_rotation(prepared):
    run_commands(prepared, "AppRole")
    run_commands(prepared, "Token file")
    keep_secret(prepared, "secret-id", "token")
    prepared.broker_extra["vault"]["pollInterval"] = "500ms"

    assert "by tokenFile" in serves(prepared, login_of(prepared, "Token file"))

    before = prepared.broker_status()["connectors"][0]["credential"]["version"]
    prepared.upstream.set_password(prepared.upstream.password[::-1])
    run_commands(prepared, "Rotation")
    wait_until(
        lambda: prepared.broker_status()["connectors"][0]["credential"]["version"] != before,
        "the new version is seen",
    )


def test_kubernetes_commands_and_configuration(prepared):
    # The login itself needs a cluster: tests/integration/broker/vault has it.
    write(os.path.join(prepared.made("etc"), "cluster-ca.crt"), prepared.vault.ca.pem)
    run_commands(prepared, "Kubernetes")
    prepared.broker_extra["vault"]["login"] = login_of(prepared, "Kubernetes")

    prepared.connectorctl("pki", "init", prepared.path("pki"), "--ip", "10.77.2.1")
    config = prepared.write_yaml("broker.yaml", prepared.broker_config())
    prepared.middle.run([program("connector-broker"), "--config", config, "--check"]).ok()
