"""The canary scan itself: it finds what it must, wherever and however it is written."""

import base64
import json
import subprocess
import sys
import urllib.parse

import jwt
import pytest

import canary
from images import Image
from push import get_manifest, push_image
from world import LOCAL_ISSUER, new_password, path_form

PASSWORD = new_password()
UPSTREAM = {"test-token-issuer": "an upstream token"}

WRITTEN = {
    "raw": PASSWORD,
    "in Basic": base64.b64encode(f"robot:{PASSWORD}".encode()).decode(),
    "in base64, shifted by one": base64.b64encode(f"x{PASSWORD}".encode()).decode(),
    "in base64, shifted by two": base64.b64encode(f"xy{PASSWORD}".encode()).decode(),
    "in the URL alphabet": base64.urlsafe_b64encode(f"robot:{PASSWORD}".encode()).decode(),
    "escaped for a URL": urllib.parse.quote(PASSWORD, safe=""),
    "escaped for a form": urllib.parse.urlencode({"password": PASSWORD}),
    "escaped for JSON": json.dumps({"password": PASSWORD}),
    "in hexadecimal": PASSWORD.encode().hex(),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_a_password_is_found(form):
    with pytest.raises(canary.Leak):
        canary.check_bytes("x", f"before {WRITTEN[form]} after".encode(), [PASSWORD], {})


def test_another_password_is_not_taken_for_it():
    canary.check_bytes("x", new_password().encode(), [PASSWORD], {})


def test_an_upstream_token_is_found_raw_and_in_base64_and_told_from_a_callers():
    token = jwt.encode({"iss": "test-token-issuer"}, "k", algorithm="HS256")
    caller = jwt.encode({"iss": LOCAL_ISSUER}, "k", algorithm="HS256")

    for leak in (token, base64.b64encode(f"user:{token}".encode()).decode()):
        with pytest.raises(canary.Leak):
            canary.check_bytes("x", leak.encode(), [], UPSTREAM)
    canary.check_bytes("x", caller.encode(), [], UPSTREAM)


SECRET_ID = "8a417ab8-f9dc-94e4-c3ad-859e10e35cd8"
OF_VAULT = {
    "a token": "X-Vault-Token: hvs.jdvlBF7yxG4aGWoH1KIcdd4b",
    "a wrapping token": "hvs.CAESIMx6u9pNB4Z-ykZoouM4z-yZdmvAfzT5ud-9iXSjonh3Gh4KHGh2cy5oOVd1YlhxS1Jr",
    "the id of a lease": '"lease":"database/creds/registry/AkZ9fLh2LrPp2jQkQ1rZ0f3a"',
    "a secret_id": f'{{"secret_id":"{SECRET_ID}"}}',
    "a secret_id in base64": base64.b64encode(f"x:{SECRET_ID}".encode()).decode(),
}


@pytest.mark.parametrize("what", OF_VAULT)
def test_a_credential_of_vault_is_found(what):
    with pytest.raises(canary.Leak):
        canary.check_vault("x", f"before {OF_VAULT[what]} after".encode(), [SECRET_ID])


def test_paths_accessors_and_hashes_of_leases_are_no_credentials():
    text = "secret/data/ci/robot database/creds/registry 1PT3QhAYETOfzToMrHWJ4q8x 0123456789abcdef"
    canary.check_vault("x", text.encode(), [SECRET_ID])


def test_a_password_in_another_programs_memory_is_found():
    code = "import sys; kept = sys.stdin.readline(); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        holder.stdin.write(PASSWORD + "\n")
        holder.stdin.flush()
        holder.stdout.readline()

        with pytest.raises(canary.Leak):
            canary.check_memory("holder", holder.pid, [PASSWORD])
        canary.check_memory("holder", holder.pid, [new_password()])
        holder.stdin.close()


def used(world):
    """Some traffic, so that there is something to find."""
    token = world.token()
    push_image(world.client(), path_form("robot/app"), "v1", Image(world.path("image")), token)
    get_manifest(world.client(), path_form("robot/app"), "v1", token)
    world.scan()


LEAKS = {
    "a password in the broker's log": lambda world: append(
        world.path("broker.log"), world.upstream.password
    ),
    "a caller token in a data plane's log": lambda world: append(
        world.path("dataplane-0.log"), world.tokens[0]
    ),
    "an upstream token in what a client received": lambda world: append(
        world.path("captures", "more"),
        jwt.encode({"iss": "test-token-issuer"}, "k", algorithm="HS256"),
    ),
    "a password in the audit stream": lambda world: append(
        world.path("audit", "audit-0.jsonl"), json.dumps({"detail": world.upstream.password})
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_the_scan_of_a_world_turns_red_for(leak, make_world):
    world = make_world()
    world.start()
    used(world)

    LEAKS[leak](world)

    with pytest.raises(canary.Leak):
        world.scan()
    world.leaks_on_purpose = True


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text + "\n")
