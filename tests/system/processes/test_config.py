"""Bad configuration and bad resources are refused with the file, the field and the reason."""

import pytest

from netns import wait_until
from push import get_manifest
from world import path_form, program, rule

NAME = path_form("robot/app")


@pytest.fixture
def prepared(make_world):
    """All files are there; no program of ours runs."""
    world = make_world()
    world.connectorctl("pki", "init", world.path("pki"))
    world.put_secret(world.upstream.password)
    world.put_ca(world.upstream.ca.pem)
    world.put_connector(world.connector())
    return world


def without(config, *path):
    for key in path[:-1]:
        config = config[key]
    del config[path[-1]]


def put(config, value, *path):
    for key in path[:-1]:
        config = config[key]
    config[path[-1]] = value


BROKER_ERRORS = {
    "an unknown key": (lambda c: put(c, 1, "audit", "colour"), "audit.colour"),
    "a wrong type": (lambda c: put(c, [1], "listenAddress"), "listenAddress"),
    "a missing field": (lambda c: without(c, "tls", "keyFile"), "tls.keyFile"),
    "a missing section": (lambda c: without(c, "audit"), "audit"),
    "no data planes": (lambda c: put(c, [], "peers", "dataplanes"), "peers.dataplanes"),
}


@pytest.mark.parametrize("error", BROKER_ERRORS)
def test_the_broker_does_not_start_with(error, prepared):
    change, path = BROKER_ERRORS[error]
    config = prepared.broker_config()
    change(config)

    ended = prepared.middle.run(
        [program("connector-broker"), "--config", prepared.write_yaml("broker.yaml", config)],
        timeout=20,
    )

    assert ended.code not in (0, -6, -11)
    assert path in ended.output and "broker.yaml" in ended.output, ended.output


DATAPLANE_ERRORS = {
    "an unknown key": (lambda c: put(c, {"colour": 1}, "limits"), "limits.colour"),
    "a wrong type": (lambda c: put(c, "many", "threads"), "threads"),
    "a missing field": (lambda c: without(c, "broker", "caFile"), "broker.caFile"),
    "no listeners": (lambda c: put(c, [], "listeners"), "listeners"),
}


@pytest.mark.parametrize("error", DATAPLANE_ERRORS)
def test_the_data_plane_does_not_start_with(error, prepared):
    change, path = DATAPLANE_ERRORS[error]
    config = prepared.dataplane_config(0)
    change(config)

    ended = prepared.middle.run(
        [program("connector-dataplane"), "--config", prepared.write_yaml("plane.yaml", config)],
        timeout=20,
    )

    assert ended.code not in (0, -6, -11)
    assert path in ended.output and "plane.yaml" in ended.output, ended.output


@pytest.mark.parametrize("name", ["broker", "dataplane"])
def test_check_says_that_a_good_configuration_is_good_and_ends(name, prepared):
    config = prepared.broker_config() if name == "broker" else prepared.dataplane_config(0)
    path = prepared.write_yaml(f"{name}.yaml", config)

    prepared.middle.run([program(f"connector-{name}"), "--config", path, "--check"], timeout=20).ok()


def connector_with(**spec):
    return lambda world: world.put_connector(world.connector(**spec))


def misnamed_secret(world):
    auth = {"name": "tokenAuth", "secretRef": {"name": "nobody"}}
    world.put_connector(world.connector(auth=auth))


def plain_http(world):
    address = world.upstream.address.replace("https", "http")
    world.put_connector(world.connector(address=address))


def unknown_field(world):
    connector = world.connector()
    connector["spec"]["colour"] = "red"
    world.put_connector(connector)


def twice(world):
    world.write_yaml("resources/second.yaml", world.connector())


def malformed(world):
    with open(world.path("resources", "connector-demo.yaml"), "w", encoding="ascii") as file:
        file.write("kind: [Connector\n")


# name: (change, file, what the complaint must hold)
BAD_RESOURCES = {
    "malformed YAML": (malformed, "connector-demo.yaml", []),
    "an unknown field": (unknown_field, "connector-demo.yaml", ["spec.colour"]),
    "a Secret that is missing": (
        misnamed_secret, "connector-demo.yaml", ["spec.auth.secretRef", "nobody"],
    ),
    "a Secret without a password": (
        lambda world: world._put_secret("robot", {"username": "robot"}), "robot", ["password"],
    ),
    "an address without a scheme": (
        connector_with(address="registry.test:5000"), "connector-demo.yaml", ["spec.address"],
    ),
    "plain HTTP that is not allowed": (
        plain_http, "connector-demo.yaml", ["spec.address", "allowInsecureUpstream"],
    ),
    "two connectors with one name": (twice, "second.yaml", ["demo"]),
    "a rule that can never match": (
        connector_with(access=[rule("ci", "builder", ["pull"], [])]), "connector-demo.yaml",
        ["spec.access[0]"],
    ),
    "a CA that does not parse": (
        lambda world: world.put_ca("not a certificate"), "upstream-ca", ["ca.crt"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_RESOURCES)
def test_validate_refuses(kind, prepared):
    change, file, words = BAD_RESOURCES[kind]
    change(prepared)

    ended = prepared.middle.run(
        [program("connectorctl"), "validate", prepared.path("resources")], timeout=20
    )

    assert ended.code == 1, ended.output
    for word in [file, *words]:
        assert word in ended.output, ended.output


def test_validate_accepts_the_connector_that_the_others_start_from(prepared):
    prepared.connectorctl("validate", prepared.path("resources"))


# What stands in a Secret is not a version of the connector: it counts at once, and so does its loss.
BAD_SECRETS = ["a Secret that is missing", "a Secret without a password", "a CA that does not parse"]


@pytest.mark.parametrize("kind", [kind for kind in BAD_RESOURCES if kind not in BAD_SECRETS])
def test_a_running_broker_complains_and_keeps_the_last_good_connector_for(kind, world):
    complained_of(kind, world)

    assert get_manifest(world.client(), NAME, "v1", world.token()).status == 404


@pytest.mark.parametrize("kind", BAD_SECRETS)
def test_a_running_broker_complains_and_issues_nothing_for(kind, world):
    complained_of(kind, world)

    assert get_manifest(world.client(), NAME, "v1", world.token()).status in (502, 503)


def complained_of(kind, world):
    """Makes the change while all runs, and waits for the log line that says what is wrong."""
    change, _, words = BAD_RESOURCES[kind]
    assert get_manifest(world.client(), NAME, "v1", world.token()).status == 404
    before = errors_in(world)
    change(world)
    wait_until(lambda: errors_in(world) > before, f"a log line about {kind}")
    for word in words:
        assert word in world.broker.log()


def errors_in(world):
    text = world.broker.log()
    return text.count('"level":"error"') + text.count('"level":"warning"')
