"""What a caller is told who may not do a thing, and what one is told whom we do not know."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from netns import wait_until
from push import get_manifest
from world import path_form, rule

NAME = path_form("robot/app")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from world import World

    world = World(tmp_path_factory.mktemp("refusals") / "world")
    failed = True
    try:
        world.start(access=[
            rule("ci", "builder", ["pull", "push"]), rule("ci", "reader", ["pull"]),
        ])  # fmt: skip
        yield world
        failed = False
    finally:
        world.close(failed)


def test_a_denied_repository_is_403_and_names_connector_repository_and_action(shared):
    answer = get_manifest(shared.client(), path_form("secret/plans"), "v1", shared.token())

    code, message = answer.error()
    assert (answer.status, code) == (403, "DENIED")
    for word in ("default/demo", "secret/plans", "pull"):
        assert word in message, message


def test_a_denied_action_is_403_and_names_connector_repository_and_action(shared):
    answer = shared.client().request(
        "POST", f"/v2/{NAME}/blobs/uploads/", token=shared.token("reader")
    )

    code, message = answer.error()
    assert (answer.status, code) == (403, "DENIED")
    for word in ("default/demo", "robot/app", "push"):
        assert word in message, message


def test_a_refusal_says_its_reason_in_the_body_and_in_the_access_log(shared):
    answer = get_manifest(shared.client(), path_form("secret/reasons"), "v1", shared.token())

    (error,) = answer.json()["errors"]
    assert error["detail"] == "CONNECTOR_ACCESS_DENIED"
    line = wait_until(
        lambda: next((x for x in shared.logs().splitlines() if "secret/reasons" in x
                      and '"message":"request"' in x), None), "it is logged",
    )  # fmt: skip
    assert json.loads(line)["error"] == "CONNECTOR_ACCESS_DENIED"


def test_the_refusal_of_a_head_has_its_sentence_in_a_warning(shared):
    name, token = path_form("secret/plans"), shared.token()
    head = shared.client().request("HEAD", f"/v2/{name}/manifests/v1", token=token)
    get = shared.client().request("GET", f"/v2/{name}/manifests/v1", token=token)

    assert head.header("Warning") == f'299 - "{get.error()[1]} (CONNECTOR_ACCESS_DENIED)"'
    assert get.header("Warning") is None


def test_a_connector_that_one_may_not_use_looks_like_one_that_is_not_there(shared):
    token = shared.token("stranger")

    hidden = get_manifest(shared.client(), NAME, "v1", token)
    absent = get_manifest(shared.client(), path_form("robot/app", "nothing"), "v1", token)

    assert (hidden.status, hidden.error()[0]) == (404, "NAME_UNKNOWN")
    assert absent.status == hidden.status
    assert absent.error()[1].replace("nothing", "demo") == hidden.error()[1]


def with_header_key(world):
    """Signed by a key that travels in the token's own header."""
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()

    def coordinate(value):
        return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()

    jwk = {"kty": "EC", "crv": "P-256", "x": coordinate(numbers.x), "y": coordinate(numbers.y)}
    return world.forged_token(key=pem(key), header={"jwk": jwk})


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def unsigned(world):
    claims = jwt.decode(world.token(), options={"verify_signature": False})
    return jwt.encode(claims, None, algorithm="none")


BAD_TOKENS = {
    "an expired one": lambda world: world.forged_token(exp=1, nbf=0, iat=0),
    "one that is not valid yet": lambda world: world.forged_token(nbf=4_000_000_000),
    "one for another audience": lambda world: world.forged_token(aud="vault"),
    "one without an audience": lambda world: world.forged_token(aud=[]),
    "one of another issuer": lambda world: world.forged_token(iss="https://elsewhere.example"),
    "one signed by an unknown key": lambda world: world.forged_token(
        key=pem(ec.generate_private_key(ec.SECP256R1()))
    ),
    "one with alg none": unsigned,
    "one with a key in its header": with_header_key,
    "one with a changed claim": lambda world: changed(world.token()),
    "one of 100 KB": lambda world: world.forged_token(padding="x" * 100_000),
    "no token at all": lambda world: "nonsense",
    "an empty one": lambda world: "",
}


def changed(token):
    head, body, signature = token.split(".")
    flipped = "B" if body[40] == "A" else "A"
    return f"{head}.{body[:40]}{flipped}{body[41:]}.{signature}"


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_token_that_does_not_hold_is_401_and_the_answer_does_not_say_why(kind, shared):
    answer = get_manifest(shared.client(), NAME, "v1", BAD_TOKENS[kind](shared))
    without = get_manifest(shared.client(), NAME, "v1", None)

    assert answer.status == 401
    assert answer.header("WWW-Authenticate") == 'Basic realm="oci-connector"'
    assert answer.error() == without.error()


def test_the_forgery_that_the_others_start_from_is_itself_accepted(shared):
    assert get_manifest(shared.client(), NAME, "v1", shared.forged_token()).status == 404


def test_the_reason_for_a_401_stands_in_the_log(shared):
    get_manifest(shared.client(), NAME, "v1", shared.forged_token(exp=1, nbf=0, iat=0))

    assert "expired" in shared.logs()
