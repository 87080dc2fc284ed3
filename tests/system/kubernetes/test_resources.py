"""The definitions in deploy/crds on a real API server: it refuses what `connectorctl validate`
refuses, in the same words, and everything that ships applies."""

import copy
import glob
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import yaml
from kube import ADMIN_TOKEN, ControlPlane
from netns import wait_until

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "deploy", "crds"))

import auth_kinds  # noqa: E402

CORPUS = os.path.join(ROOT, "tests", "data", "resources")
OCI_CLASS = os.path.join(ROOT, "deploy", "crds", "oci-class.yaml")
EXAMPLES = [*sorted(glob.glob(os.path.join(ROOT, "deploy", "examples", "*.yaml"))), OCI_CLASS]
CONNECTORS = "/apis/oci-connector.dev/v1alpha1/namespaces/default/connectors"
LEAST = {
    "apiVersion": "oci-connector.dev/v1alpha1",
    "kind": "Connector",
    "metadata": {"name": "least"},
    "spec": {"address": "https://r.example", "auth": {"name": "anonymous"}},
}


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory):
    plane = ControlPlane(str(tmp_path_factory.mktemp("kubernetes")))
    yield plane.start()
    plane.close()


@pytest.fixture
def connector(kubernetes):
    """The least Connector there is, as the API server keeps it; gone with the test."""
    yield kubernetes.must("POST", CONNECTORS, LEAST)
    kubernetes.must("DELETE", f"{CONNECTORS}/least")


def corpus(folder):
    return sorted(glob.glob(os.path.join(CORPUS, folder, "*.yaml")))


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def collection(text):
    """Where an object of this text is created."""
    plain = yaml.load(text, Loader=yaml.BaseLoader)
    version, kind = plain["apiVersion"], plain["kind"]
    names = {"Connector": "connectors", "ConnectorClass": "connectorclasses", "Secret": "secrets"}
    base = "/api/v1" if version == "v1" else f"/apis/{version}"
    namespace = plain["metadata"].get("namespace", "default")
    inside = "" if kind == "ConnectorClass" else f"/namespaces/{namespace}"
    return f"{base}{inside}/{names.get(kind, kind.lower() + 's')}"


def create(kubernetes, text, strict=True):
    """Creates what a file says, as it stands there and without keeping it: (code, the answer)."""
    validation = "Strict" if strict else "Ignore"
    request = urllib.request.Request(
        f"{kubernetes.url}{collection(text)}?dryRun=All&fieldValidation={validation}",
        data=text.encode(),
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/yaml"},
    )
    context = ssl.create_default_context(cafile=kubernetes.ca.path)
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        data = error.read().decode()
        return error.code, json.loads(data) if data.startswith("{") else {"message": data}


def sentences(status):
    """What a refusal says: "path: sentence" for each cause, without the value that it quotes."""
    causes = [c for c in status.get("details", {}).get("causes", []) if c["field"] != "<nil>"]
    if not causes:
        return [" ".join(status["message"].split())]
    quoted = r'^Invalid value: (?:(?:"(?:[^"\\]|\\.)*"|-?\d+): )?|^(Required value|Forbidden): '
    return [f"{cause['field']}: {re.sub(quoted, '', cause['message'])}" for cause in causes]


def with_kinds(sentence):
    """What stands in braces changes with each kind of authentication."""
    kinds, reserved = [kind.name for kind in auth_kinds.KINDS], auth_kinds.RESERVED
    names = auth_kinds.NAMES
    values = {
        "{kinds}": auth_kinds.listed(kinds, "or"),
        "{reserved kinds}": auth_kinds.listed(reserved, "and") + (" are" if reserved[1:] else " is"),
        "{all names}": ", ".join(names),
        "{all names, quoted}": ", ".join(f'"{name}"' for name in names),
    }
    for name, value in values.items():
        sentence = sentence.replace(name, value)
    return sentence


def expected(text):
    """What the first lines of a file of the corpus say about the API server."""
    lines = [line for line in text.splitlines() if line.startswith("# ")]
    ours = [re.sub(r"^# validate \d+: ", "", line) for line in lines if " validate " in line[:12]]
    theirs = [line.removeprefix("# api ") for line in lines if line.startswith("# api ")]
    reasons = [line for line in lines if line.startswith("# since ")]
    assert ours and len(theirs) >= len(reasons) == bool(theirs), "another sentence needs a reason"
    return [with_kinds(sentence) for sentence in theirs or ours]


# The corpus


@pytest.mark.parametrize("path", corpus("refused"), ids=name_of)
def test_what_validate_refuses_the_api_server_refuses_with_the_same_sentence(kubernetes, path):
    text = read(path)
    code, answer = create(kubernetes, text)
    assert sorted(sentences(answer) if code >= 400 else ["accepted"]) == sorted(expected(text))


def test_a_file_says_why_its_sentence_differs_and_few_are_accepted():
    accepted = {name_of(path) for path in corpus("refused") if "accepted" in expected(read(path))}
    assert accepted == {
        "class-a-namespace",
        "class-a-policy-host-with-a-port",
        "class-configuration-with-a-format-that-nothing-says",
        "class-configuration-with-a-path-that-names-no-field",
        "class-configuration-with-a-template-without-escaping",
    }
    assert len(corpus("refused")) > 180


@pytest.mark.parametrize("path", corpus("accepted"), ids=name_of)
def test_what_validate_accepts_the_api_server_accepts(kubernetes, path):
    for document in read(path).split("\n---\n"):
        code, answer = create(kubernetes, document)
        assert code == 201, answer["message"]


def test_the_largest_connector_that_the_bounds_allow_is_checked_within_the_budget(kubernetes):
    subject = {
        "oidc": {
            "issuer": "https://i.example:65535/" + "a" * 156,
            "claims": {"claim": "v"},
        }
    }
    rule = {
        "from": [subject] * 32,
        "repositories": ["/".join(["*a*b--c"] * 31) + "/aaaaaaa"] * 32,
        "actions": ["pull", "push", "delete"],
    }
    largest = copy.deepcopy(LEAST)
    largest["metadata"]["name"] = "a" * 61
    largest["spec"] = {
        "address": "https://" + "a" * 253 + ":65535/",
        "auth": {
            "name": "tokenAuth",
            "vaultRef": {"path": "a/" * 255 + "b", "namespace": "a/" * 255 + "b"},
        },
        "upstream": {
            "tokenRealm": "https://r.example/" + "a" * 1006,
            "redirects": {"hosts": ["*." + "a" * 253] * 64},
        },
        "access": [rule] * 64,
    }
    code, answer = create(kubernetes, json.dumps(largest))
    assert code == 201, answer["message"][:1000]


# What ships


def test_every_example_applies_and_validate_accepts_it(kubernetes):
    assert len(EXAMPLES) >= 5
    for path in EXAMPLES:
        kubernetes.kubectl("apply", "--server-side", "--dry-run=server", "-f", path).ok()
        # As a team does it, which keeps all of the object in an annotation.
        kubernetes.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", path).ok()
    connectorctl = os.path.join(os.environ["CONNECTOR_BIN"], "connectorctl")
    done = subprocess.run(
        [connectorctl, "validate", *EXAMPLES], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_admission_policy_of_the_page_says_which_class_a_namespace_has(kubernetes):
    page = read(os.path.join(ROOT, "docs", "upstream-policy.md"))
    (policy,) = [p for p in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "Admission" in p]
    internal = json.dumps({**LEAST, "spec": {**LEAST["spec"], "connectorClassName": "internal"}})
    kubernetes.new_namespace("platform")
    in_platform = json.dumps({**LEAST, "metadata": {"name": "least", "namespace": "platform"}})

    def refused():
        code, answer = create(kubernetes, json.dumps(LEAST))
        return code >= 400 and "have the class internal" in answer["message"]

    kubernetes.apply(policy)
    try:
        wait_until(refused, "the policy is in force")
        assert create(kubernetes, internal)[0] == create(kubernetes, in_platform)[0] == 201
    finally:
        kubernetes.kubectl("delete", "-f", "-", stdin=policy).ok()
        wait_until(lambda: not refused(), "the policy is gone")


# Fields


def test_the_class_is_the_only_default_and_the_only_field_that_cannot_change(kubernetes, connector):
    assert connector["spec"] == {**LEAST["spec"], "connectorClassName": "oci"}
    other = {"spec": {"connectorClassName": "other"}}
    merge = "application/merge-patch+json"
    code, answer = kubernetes.ask("PATCH", f"{CONNECTORS}/least", other, type_=merge)
    sentence = (
        "spec.connectorClassName: cannot be changed, since clients hold configurations of the class; "
        "delete the Connector and create it again"
    )
    assert (code, sentences(answer)) == (422, [sentence])
    moved = {
        "spec": {
            "address": "https://new.example",
            "auth": {"name": "tokenAuth", "secretRef": {"name": "rotated"}},
        }
    }
    changed = kubernetes.must("PATCH", f"{CONNECTORS}/least", moved, type_=merge)
    assert changed["spec"]["auth"]["secretRef"] == {"name": "rotated"}
    assert changed["metadata"]["generation"] == 2


def test_an_unknown_field_is_dropped_unless_the_client_asks_for_strictness(kubernetes):
    unknown = copy.deepcopy(LEAST)
    unknown["spec"]["authh"] = "x"
    text = json.dumps(unknown)
    code, answer = create(kubernetes, text, strict=False)
    assert code == 201 and "authh" not in answer["spec"]
    code, answer = create(kubernetes, text)
    assert code == 400 and 'unknown field "spec.authh"' in answer["message"]
    # What kubectl does when nobody says anything.
    done = kubernetes.kubectl("apply", "--dry-run=server", "-f", "-", stdin=text)
    assert done.code != 0 and 'unknown field "spec.authh"' in done.stderr


# Status


def status_of(*conditions):
    return {
        "apiVersion": LEAST["apiVersion"],
        "kind": "Connector",
        "metadata": {"name": "least"},
        "status": {
            "address": {
                "host": "c-least.default.svc.cluster.local",
                "url": "http://c-least.default.svc.cluster.local",
            },
            "secretClass": "none",
            "observedGeneration": 1,
            "conditions": [
                {
                    "type": kind,
                    "status": status,
                    "reason": reason,
                    "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                    "observedGeneration": 1,
                }
                for kind, status, reason in conditions
            ],
        },
    }


def apply_status(kubernetes, body, manager="connector-controller"):
    path = f"{CONNECTORS}/least/status?fieldManager={manager}&fieldValidation=Strict"
    return kubernetes.ask("PATCH", path, body)


def test_a_status_is_written_beside_the_spec_and_shown(kubernetes, connector):
    written = status_of(("AuthReady", "True", "Authenticated"), ("Ready", "True", "Ready"))
    code, answer = apply_status(kubernetes, written)
    assert code == 200, answer
    assert answer["status"] == written["status"]
    assert answer["metadata"]["generation"] == connector["metadata"]["generation"]

    # Through the object itself nobody writes it.
    forged = {"status": {"secretClass": "static"}, "spec": {"address": "https://b.example"}}
    merge = "application/merge-patch+json"
    answer = kubernetes.must("PATCH", f"{CONNECTORS}/least", forged, type_=merge)
    assert (answer["status"]["secretClass"], answer["spec"]["address"]) == (
        "none",
        "https://b.example",
    )


def test_conditions_are_merged_by_their_type(kubernetes, connector):
    apply_status(kubernetes, status_of(("Ready", "False", "AuthenticationFailed")))
    code, answer = apply_status(kubernetes, {
        **status_of(("Backup", "True", "Done")),
        "status": {"conditions": status_of(("Backup", "True", "Done"))["status"]["conditions"]},
    }, manager="another")  # fmt: skip
    assert code == 200, answer
    assert {c["type"]: c["reason"] for c in answer["status"]["conditions"]} == {
        "Ready": "AuthenticationFailed",
        "Backup": "Done",
    }


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"secretClass": "harmless"}, "status.secretClass"),
        ({"conditions": [{"type": "Ready"}]}, "status.conditions[0].lastTransitionTime"),
        ({"observedGeneration": "1"}, "status.observedGeneration"),
    ],
    ids=["an unknown class", "half a condition", "text for a number"],
)
def test_a_status_that_means_nothing_is_refused(kubernetes, connector, change, path):
    wrong = {**status_of(), "status": change}
    code, answer = apply_status(kubernetes, wrong)
    assert code in (400, 422, 500) and path in answer["message"], answer


# kubectl


def columns(text):
    """The table that kubectl prints, by the places of its headings: a list of mappings."""
    head, *rows = text.splitlines()
    starts = [found.start() for found in re.finditer(r"\S+", head)]
    ends = [*starts[1:], None]
    names = head.split()
    return [
        {name: row[a:b].strip() for name, a, b in zip(names, starts, ends, strict=True)}
        for row in rows
    ]


def test_kubectl_shows_the_columns_by_every_name(kubernetes, connector):
    apply_status(kubernetes, status_of(("Ready", "False", "SecretNotFound")))
    for name in ("connectors", "connector", "conn", "oci"):
        [row] = columns(kubernetes.kubectl("get", name).ok().stdout)
        assert {key: row[key] for key in row if key not in ("NAME", "AGE")} == {
            "CLASS": "oci",
            "ADDRESS": "https://r.example",
            "SECRET-CLASS": "none",
            "READY": "False",
            "REASON": "SecretNotFound",
        }
    [row] = columns(kubernetes.kubectl("get", "connectors", "-o", "wide").ok().stdout)
    assert (row["AUTH"], row["URL"], row["MESSAGE"]) == (
        "anonymous",
        "http://c-least.default.svc.cluster.local",
        "",
    )
    assert kubernetes.kubectl("get", "connclass").code == 0


def test_kubectl_explains_every_field(kubernetes):
    said = kubernetes.kubectl("explain", "connector.spec.auth").ok().stdout
    for text in ("-required-", "enum: tokenAuth, basicAuth, anonymous", "allowStatic\t<boolean>"):
        assert text in said
    everything = kubernetes.kubectl("explain", "connector.spec", "--recursive").ok().stdout
    for field in ("maxConcurrentRequests", "dockerConfigKey", "claims", "caCertSecretRef"):
        assert field in everything
