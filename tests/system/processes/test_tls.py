"""TLS towards clients with certificates that the broker issues by name: real programs, a real handshake.
No name is listed in any configuration."""

import os
import ssl

import pytest

from images import Image
from netns import wait_until
from push import get_manifest, push_image
from rawhttp import trusting
from world import TLS_PORT

HOST, LONG_HOST, OTHER = (
    "c-demo.default.svc",
    "c-demo.default.svc.cluster.local",
    "c-other.default.svc",
)
NAME = "robot/app"


@pytest.fixture
def world(make_world):
    made = make_world()
    made.broker_extra["listenerAuthority"] = {}
    configured = made.dataplane_config

    def dataplane_config(index):
        config = configured(index)
        config["listeners"][1]["tls"] = {"fromBroker": {}}
        return config

    made.dataplane_config = dataplane_config
    return made.start(dataplanes=2)


def client(world, host=HOST, index=0, ca=None):
    return world.client(host, TLS_PORT + index, tls=trusting(ca or world.listener_ca()))


def certified(world):
    """Hosts of the certificates that are on record, in order."""
    return [
        record["scopes"].removeprefix("listener:")
        for record in world.audit_records()
        if record["allowed"] and record["scopes"].startswith("listener:")
    ]


def test_a_client_pushes_and_pulls_by_every_name_and_replica_with_one_ca(world):
    image, token = Image(world.path("image")), world.token()
    push_image(client(world), NAME, "v1", image, token)

    for host in (HOST, LONG_HOST):
        for index in (0, 1):
            answer = get_manifest(client(world, host, index), NAME, "v1", token)
            assert answer.status == 200, answer

    # Each data plane has a key of its own, and asks once for each host.
    assert sorted(certified(world)) == sorted([HOST, LONG_HOST] * 2)
    assert 'connector_broker_listener_certificates_total{outcome="issued"} 4' in world.broker_metrics()
    assert world.verify_audit()


def test_a_name_of_no_connector_costs_the_broker_nothing(world):
    records = len(world.audit_records())

    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        client(world, OTHER).connect()

    assert len(world.audit_records()) == records
    assert "connector_dataplane_tls_names_unknown_total 1" in world.metrics()


def test_a_new_connector_is_served_by_tls_at_once_and_a_deleted_one_no_more(world):
    world.put_connector(world.connector("other"))
    wait_until(lambda: _connects(world, OTHER), "its host is served")

    os.remove(world.path("resources", "connector-other.yaml"))

    wait_until(lambda: not _connects(world, OTHER), "its host is served no more")
    assert _connects(world, HOST)


def _connects(world, host):
    try:
        client(world, host).connect().close()
        return True
    except ssl.SSLError:
        return False


def test_known_hosts_are_served_without_a_broker_and_new_ones_are_not(world):
    ca = world.listener_ca()
    client(world, ca=ca).connect().close()
    world.broker.kill()

    client(world, ca=ca).connect().close()
    with pytest.raises(ssl.SSLError, match="(?i)internal.error"):
        client(world, LONG_HOST, ca=ca).connect()
    assert "no certificate for a listener's host" in world.logs()


def test_the_authority_is_the_same_after_a_restart_and_another_with_another_root_key(world):
    before = world.listener_ca()
    world.restart_broker()
    assert world.listener_ca() == before

    with open(world.path("pki", "root.key"), "wb") as file:
        file.write(b"another root key, of 32 bytes ..")
    world.restart_broker()
    assert world.listener_ca() != before


def test_a_client_that_does_not_trust_the_authority_sends_nothing(world):
    with pytest.raises(ssl.SSLCertVerificationError):
        client(world, ca=world.upstream.ca.pem).connect()
