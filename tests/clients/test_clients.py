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
    image = Image(str(tmp_path / "image"))
    stock = client(world, world.auth_file(world.token(), host))

    stock.push(image, reference)

    assert world.upstream.manifest_digest("robot/app", "v1") == image.digest
    assert stock.pull(reference, str(tmp_path / "pulled")) == image.digest


def test_docker_pulls_the_digest_that_it_pushed(address, world, tmp_path):
    host, reference = address
    docker = Docker(world, world.auth_file(world.token(), host), host)

    pushed = docker.push(Image(str(tmp_path / "image")), reference)

    assert world.upstream.manifest_digest("robot/app", "v1") == pushed
    assert docker.pull(reference, str(tmp_path / "pulled")) == pushed


def test_the_registry_cannot_be_reached_from_where_the_clients_are(world):
    with pytest.raises(OSError):
        Client(world.clients, ADDRESS, REGISTRY_PORT, timeout=2).connect()


def test_skopeo_shows_why_a_push_without_a_rule_is_refused(world, tmp_path):
    host, reference = FORMS["host form"]
    stock = Skopeo(world, world.auth_file(world.token("builder"), host))
    secret = reference.replace("robot/app", "other/app")

    ended = stock._run(
        "--dest-tls-verify=false", Image(str(tmp_path / "image")).layout, f"docker://{secret}"
    )

    assert ended.code != 0
    assert "other/app" in ended.stderr and "denied" in ended.stderr.lower(), ended.stderr
