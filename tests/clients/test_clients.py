"""What the matrix stands on, and what a client shows when it is refused."""

import pytest

from catalog import CLIENTS
from containers_image import Skopeo
from rawhttp import Client
from setting import SETTINGS, STRANGE_CA
from upstream import ADDRESS, REGISTRY_PORT


def test_the_registry_cannot_be_reached_from_where_the_clients_are(stand):
    with pytest.raises(OSError):
        Client(stand.world.clients, ADDRESS, REGISTRY_PORT, timeout=2).connect()


@pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)
def test_a_client_without_the_ca_does_not_talk_to_the_data_plane(kind, stand):
    client = kind(stand, STRANGE_CA)
    try:
        with pytest.raises(AssertionError, match="certificate signed by unknown authority"):
            client.push(stand.image("strange"), client.files.reference("robot/strange", client.tag))
    finally:
        client.close()


def test_skopeo_shows_why_a_pull_without_a_rule_is_refused(stand):
    skopeo = Skopeo(stand, SETTINGS[0])

    ended = skopeo.try_pull(skopeo.files.reference("other/app"))

    assert ended.code != 0
    for word in ("denied", "default/demo", "other/app", "pull"):
        assert word in ended.stderr.splitlines()[-1], ended.stderr
