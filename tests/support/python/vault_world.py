"""A world whose connector keeps its credential in Vault."""

import os

from testca import write
from upstream import USER
from vault import Front, Vault

PATH = "secret/data/ci/robot"
# Rules as an operator would write them: a tenant's own secrets, and what all may use.
PATHS = [
    {"namespaces": ["*"], "paths": ["secret/data/{namespace}/**"]},
    {"namespaces": ["default"], "paths": ["secret/data/ci/*", "database/creds/*"]},
]


def start_vault(world, nodes=0, front=False, poll="500ms", **role):
    """Vault with the robot's password, and a broker configured for it by AppRole."""
    world.vault = Vault(world.up, world.made("vault"), nodes).start()
    put_password(world)
    role_id, secret_id = world.vault.make_approle(**role)
    secret_id_file = write(world.path("vault", "secret_id"), secret_id + "\n")
    addresses = world.vault.addresses
    if front:
        world.vault_front = Front(world.vault)
        world.at_close.append(world.vault_front.close)
        addresses = [world.vault_front.address]
    world.broker_extra["vault"] = {
        "addresses": addresses,
        "caFile": world.vault.ca.path,
        "login": {"appRole": {"roleId": role_id, "secretIdFile": secret_id_file}},
        "paths": PATHS,
        "pollInterval": poll,
        "timeout": "2s",
    }
    return world.vault


def put_password(world):
    """The registry's password of now, into Vault."""
    world.vault.put_secret("ci/robot", {"username": USER, "password": world.upstream.password})


def vault_auth(path=PATH, **more):
    return {"name": "tokenAuth", "vaultRef": {"path": path, **more}}


def is_full():
    """By hand: the waits of the issue, and the default interval of polling. In CI: shorter ones."""
    return os.environ.get("CONNECTOR_VAULT_FULL") == "1"
