"""The platform's policy decides where Connectors lead (docs/upstream-policy.md), through both programs."""

import os
import re

import pytest
import yaml

from netns import wait_until
from push import get_manifest
from upstream import ADDRESS, REGISTRY_HOST, REGISTRY_PORT
from world import path_form

PAGE = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "docs", "upstream-policy.md"
)
NAME = path_form("robot/app")
MIRROR = f"v1?ns={REGISTRY_HOST}:{REGISTRY_PORT}"
NOT_CONNECTED = "the platform does not allow its address"


def started(make_world, *rules, auth="token", **spec):
    """A world in which Connectors may reach what a cluster's may, and what `rules` add."""
    world = make_world(auth=auth)
    world.broker_extra = {
        "upstreamPolicy": {
            "unlisted": "public",
            "rules": [{"namespaces": ["*"], **rule} for rule in rules],
        }
    }
    return world.start(**spec)


@pytest.mark.parametrize("rule", [{"addresses": [ADDRESS]}, {"hosts": ["*.test"]}])
def test_a_private_registry_is_served_where_a_rule_names_it(make_world, rule):
    world = started(make_world, rule)

    assert get_manifest(world.client(), NAME, "v1", world.token()).status == 404


# With htpasswd the broker mints without a connection, so that the data plane alone can refuse.
@pytest.mark.parametrize("auth, refuses", [("token", "broker"), ("htpasswd", "dataplane-0")])
def test_a_private_registry_is_refused_without_a_rule_and_nobody_is_told_why(
    make_world, auth, refuses
):
    world = started(make_world, {"addresses": ["10.99.0.0/16"]}, auth=auth)

    answer = get_manifest(world.client(), NAME, "v1", world.token())
    checked = world.check()

    assert answer.status == 502
    assert checked.code != 0
    for told in (answer.error()[1], checked.output):
        assert NOT_CONNECTED in told and ADDRESS not in told
    with open(world.path(f"{refuses}.log"), encoding="utf-8") as log:
        assert f"upstreamPolicy does not allow {ADDRESS}, a private address" in log.read()


def of_class(*rules):
    return {
        "apiVersion": "oci-connector.dev/v1alpha1",
        "kind": "ConnectorClass",
        "metadata": {"name": "oci"},
        "spec": {"upstreamPolicy": {"rules": [{"namespaces": ["*"], **rule} for rule in rules]}},
    }


@pytest.mark.parametrize(
    "auth, refuses, says",
    [("token", "broker", "No token could be had for"), ("htpasswd", "dataplane-0", NOT_CONNECTED)],
)
def test_a_class_narrows_it_while_everything_runs(make_world, auth, refuses, says):
    world = started(make_world, {"addresses": [ADDRESS]}, auth=auth)
    client, token = world.client(), world.token()
    assert get_manifest(client, NAME, "v1", token).status == 404

    world.put_class(of_class({"addresses": ["10.99.0.0/16"]}))

    refused = wait_until(
        lambda: (a := get_manifest(client, NAME, "v1", token)).status == 502 and a, "it is in force"
    )
    assert says in refused.error()[1] and ADDRESS not in refused.error()[1]
    why = f"upstreamPolicy of the ConnectorClass does not allow {ADDRESS}, a private address"
    with open(world.path(f"{refuses}.log"), encoding="utf-8") as log:
        assert why in log.read()

    world.put_class(of_class({"addresses": [ADDRESS]}))
    wait_until(lambda: get_manifest(client, NAME, "v1", token).status == 404, "it is let through")


def test_the_author_is_told_what_the_platform_must_allow(make_world):
    world = started(make_world, auth="htpasswd", address=f"https://{ADDRESS}:{REGISTRY_PORT}")

    answer = get_manifest(world.client(), NAME, "v1", world.token())
    checked = world.check()

    assert answer.status == 502 and NOT_CONNECTED in answer.error()[1]
    assert "UpstreamNotAllowed" in checked.output and f"addresses: [{ADDRESS}]" in checked.output


def test_a_namespace_serves_no_other_in_the_mirror_form_without_a_rule(make_world):
    # With files everything serves everybody, until a rule lists something.
    others = {"namespaces": ["elsewhere"], "mirrorHosts": ["*"]}
    world = started(make_world, {"addresses": [ADDRESS]}, others)

    answer = get_manifest(world.client(), "robot/app", MIRROR, world.token())

    assert answer.error()[0] == "NAME_UNKNOWN"
    assert "mirrorHosts" not in answer.error()[1] and "mirrorHosts" in world.logs()


def test_a_namespace_serves_others_in_the_mirror_form_where_a_rule_says_so(make_world):
    registry = f"{REGISTRY_HOST}:{REGISTRY_PORT}"
    world = started(make_world, {"addresses": [ADDRESS], "mirrorHosts": [registry]})

    answer = get_manifest(world.client(), "robot/app", MIRROR, world.token())

    assert answer.error()[0] == "MANIFEST_UNKNOWN"


def test_the_broker_takes_the_policy_of_the_page(make_world):
    with open(PAGE, encoding="utf-8") as page:
        shown, narrow, _ = re.findall(r"```yaml\n(.*?)```", page.read(), re.DOTALL)
    world = make_world()
    world.broker_extra = yaml.safe_load(shown)
    world.start()
    world.put_class(yaml.safe_load(narrow))
    world.connectorctl("validate", world.path("resources"))

    assert len(world.broker_extra["upstreamPolicy"]["rules"]) == 3
    # With files, the registry needs no rule.
    assert get_manifest(world.client(), NAME, "v1", world.token()).status == 404
