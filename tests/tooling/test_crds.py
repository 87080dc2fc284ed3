"""deploy/crds: what is committed is what the generator writes, and it follows the proto by itself."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 2)
sys.path.insert(0, os.path.join(ROOT, "deploy", "crds"))

import auth_kinds  # noqa: E402

PROTO = "proto/connector/config/v1/route_settings.proto"
RESOURCE = "proto/connector/config/v1/resource.proto"
KINDS = "common/resource/auth_kinds.h"
RULES = "deploy/crds/rules.py"


def generate(root, *flags):
    done = subprocess.run(
        [os.path.join(root, "deploy", "crds", "generate"), *flags], capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def definition(root, plural):
    with open(os.path.join(root, "deploy", "crds", f"{plural}.yaml"), encoding="utf-8") as file:
        return yaml.safe_load(file)


def schema(root, plural):
    return definition(root, plural)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


@pytest.fixture
def tree(tmp_path):
    """A copy of what the generator reads and writes."""
    for folder in ("proto/connector/config", "deploy/crds"):
        shutil.copytree(os.path.join(ROOT, folder), tmp_path / folder)
    (tmp_path / "common/resource").mkdir(parents=True)
    shutil.copy(os.path.join(ROOT, KINDS), tmp_path / KINDS)
    return tmp_path


def replace(tree, name, old, new):
    text = (tree / name).read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    (tree / name).write_text(text.replace(old, new), encoding="utf-8")


def test_the_committed_definitions_are_what_the_generator_writes():
    assert generate(ROOT, "--check") == (0, "")


def test_a_definition_that_was_edited_by_hand_is_found(tree):
    replace(tree, "deploy/crds/connectors.yaml", "  - name: v1alpha1", "  - name: v1")
    status, said = generate(tree, "--check")
    assert (
        status == 1
        and "run deploy/crds/generate: it would change deploy/crds/connectors.yaml" in said
    )


def test_a_new_field_of_the_proto_is_taken_up_with_its_comment(tree):
    replace(
        tree,
        PROTO,
        "message ConnectorRedirects {\n",
        "message ConnectorRedirects {\n  // Of no use.\n"
        "  repeated string some_names = 9 [(required) = true, (max_items) = 2, (max_length) = 3];\n",
    )
    assert generate(tree) == (0, "")
    upstream = schema(tree, "connectors")["properties"]["spec"]["properties"]["upstream"]
    redirects = upstream["properties"]["redirects"]
    assert redirects["required"] == ["someNames"]
    assert redirects["properties"]["someNames"] == {
        "description": "Of no use.",
        "type": "array",
        "maxItems": 2,
        "items": {"type": "string", "maxLength": 3},
        "x-kubernetes-list-type": "atomic",
        "x-kubernetes-validations": [
            {"rule": "!(size(self) == 0)", "message": "is empty; give it a value"}
        ],
    }


def test_a_new_duration_is_checked_as_every_other(tree):
    replace(
        tree,
        PROTO,
        "message ConnectorLimits {\n",
        "message ConnectorLimits {\n  google.protobuf.Duration some_timeout = 9 [(max_length) = 32];\n",
    )
    assert generate(tree) == (0, "")
    upstream = schema(tree, "connectors")["properties"]["spec"]["properties"]["upstream"]
    limits = upstream["properties"]["limits"]["properties"]
    rules = limits["someTimeout"]["x-kubernetes-validations"]
    assert rules == limits["idleTimeout"]["x-kubernetes-validations"]
    assert "is not a duration" in rules[0]["messageExpression"]


def test_a_new_kind_of_authentication_is_taken_up_from_its_row(tree):
    names = [kind.name for kind in auth_kinds.KINDS]
    replace(tree, RESOURCE, "AUTH_NAME_UNSPECIFIED = 0;", "AUTH_NAME_UNSPECIFIED = 0;\n  AUTH_NAME_NEW_AUTH = 9;")
    replace(
        tree,
        KINDS,
        "inline constexpr std::array kAuthKinds = {\n",
        "inline constexpr std::array kAuthKinds = {\n"
        "    // nothing\n"
        "    AuthKindRow{.kind = AuthKind::kNewAuth,\n"
        '                .name = "newAuth",\n'
        "                .secret_class = SecretClass::kStatic,\n"
        "                .reads_secret = false},\n",
    )
    assert generate(tree) == (0, "")
    auth = schema(tree, "connectors")["properties"]["spec"]["properties"]["auth"]
    assert auth["properties"]["name"]["x-kubernetes-validations"][0] == {
        "rule": f"!(!(self in {['newAuth', *names]}))",
        "message": "is not supported by this release "
        f"({auth_kinds.listed(auth_kinds.RESERVED, 'and')} are not yet); write "
        f"{auth_kinds.listed(['newAuth', *names], 'or')}",
    }
    said = {(each["message"], each["fieldPath"]) for each in auth["x-kubernetes-validations"]}
    assert ("is never read with newAuth; remove it, or write name: tokenAuth", ".vaultRef") in said
    assert any(text.startswith("newAuth is of the class static") for text, _ in said)


def test_a_rule_for_a_field_that_is_gone_is_found(tree):
    replace(tree, RULES, '"OidcSubject.issuer": [', '"OidcSubject.issued_by": [')
    status, said = generate(tree)
    assert (status, said) == (
        1,
        "rules.py speaks of what is not in the proto: OidcSubject.issued_by\n",
    )


@pytest.mark.parametrize("plural", ["connectors", "connectorclasses"])
def test_everything_has_a_type_and_a_bound(plural):
    """Structural, and cheap enough for the API server to check."""
    without = []

    def look(node, path):
        kind = node.get("type")
        bound = {"string": "maxLength", "array": "maxItems"}.get(kind)
        if "additionalProperties" in node:
            bound = "maxProperties"
        if kind is None or (bound and bound not in node and "enum" not in node):
            without.append(path)
        assert not any(key.startswith("x-kubernetes-preserve") for key in node)
        for name, below in node.get("properties", {}).items():
            look(below, f"{path}.{name}")
        for key in ("items", "additionalProperties"):
            if key in node:
                look(node[key], f"{path}.{key}")

    for part in ("spec", "status"):
        if part in schema(ROOT, plural)["properties"]:
            look(schema(ROOT, plural)["properties"][part], part)
    assert not without
