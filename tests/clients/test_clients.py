"""Stock clients push and pull through both address forms, holding only a caller token."""

import pytest

from clients import Buildah, Crane, Docker, Skopeo
from images import Image
from rawhttp import Client
from upstream import ADDRESS, REGISTRY_PORT
from world import HTTP_PORT, PROXY_NAME, path_form

HOST_FORM = f"c-demo.default.svc:{HTTP_PORT}"
PROXY_HOST = f"{PROXY_NAME}:{HTTP_PORT}"
FORMS = {
    "host form": (HOST_FORM, f"{HOST_FORM}/robot/app:v1"),
    "path form": (PROXY_HOST, f"{PROXY_HOST}/{path_form('robot/app')}:v1"),
}


@pytest.fixture(params=list(FORMS))
def address(request):
    """(host:port, whole reference)."""
    return FORMS[request.param]


@pytest.mark.parametrize("client", [Skopeo, Buildah, Crane])
def test_a_client_pulls_the_digest_that_it_pushed(client, address, world, tmp_path):
    host, reference = address
    stock = client(world, world.auth_file(world.token(), host))

    pushed = stock.push(Image(str(tmp_path / "image")), reference)

    assert world.upstream.manifest_digest("robot/app", "v1") == pushed
    assert stock.pull(reference, str(tmp_path / "pulled")) == pushed


def test_docker_pulls_the_digest_that_it_pushed(address, world, tmp_path):
    host, reference = address
    docker = Docker(world, world.auth_file(world.token(), host), host)

    pushed = docker.push(Image(str(tmp_path / "image")), reference)

    assert world.upstream.manifest_digest("robot/app", "v1") == pushed
    assert docker.pull(reference, str(tmp_path / "pulled")) == pushed


def test_the_registry_cannot_be_reached_from_where_the_clients_are(world):
    with pytest.raises(OSError):
        Client(world.clients, ADDRESS, REGISTRY_PORT, timeout=2).connect()


def test_skopeo_shows_why_a_pull_without_a_rule_is_refused(world, tmp_path):
    host, reference = FORMS["host form"]
    stock = Skopeo(world, world.auth_file(world.token(), host))

    ended = stock.try_pull(reference.replace("robot/app", "other/app"), str(tmp_path / "pulled"))

    assert ended.code != 0
    for word in ("denied", "default/demo", "other/app", "pull"):
        assert word in ended.stderr.splitlines()[-1], ended.stderr
