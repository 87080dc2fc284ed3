"""A registry that knows only Basic: the class is static, and is said so (docs/rules.md "Secret classes")."""

from images import Image
from push import get_manifest, push_image
from world import path_form

NAME = path_form("robot/app")


def test_a_basic_registry_serves_through_the_proxy_when_the_connector_allows_static(make_world):
    world = make_world(auth="htpasswd").start()
    image, token = Image(world.path("image")), world.token()

    push_image(world.client(), NAME, "v1", image, token)

    assert get_manifest(world.client(), NAME, "v1", token).body == image.manifest
    assert world.upstream.manifest_digest("robot/app", "v1") == image.digest
    assert "static" in world.status_page()


def test_a_basic_registry_is_refused_without_allow_static(make_world):
    world = make_world(auth="htpasswd")
    connector = world.connector(auth={"name": "basicAuth", "secretRef": {"name": "robot"}})
    world.put_connector(connector)
    world.put_secret(world.upstream.password)
    world.put_ca(world.upstream.ca.pem)

    world.connectorctl("validate", world.path("resources"), expect=1)


def test_a_rotated_basic_password_counts_without_a_restart(make_world):
    from netns import wait_until
    from world import new_password

    world = make_world(auth="htpasswd").start()
    token = world.token()
    push_image(world.client(), NAME, "v1", Image(world.path("image")), token)

    world.upstream.set_password(new_password())
    world.put_secret(world.upstream.password)

    wait_until(
        lambda: get_manifest(world.client(), NAME, "v1", token).status == 200,
        "the new password is used", timeout=5,
    )  # fmt: skip
