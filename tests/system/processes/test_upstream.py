"""The world that the other tests stand on: what the registry lets pass without the proxy."""

import pytest

from images import Image
from netns import Room, connect_rooms
from upstream import ADDRESS, AUTH_HOST, AUTH_PORT, HOSTS, REGISTRY_HOST, REGISTRY_PORT, USER, Upstream
from rawhttp import Client, trusting


@pytest.fixture(params=["token", "htpasswd"])
def upstream(request, tmp_path):
    room = Room(str(tmp_path), "up", HOSTS)
    room.run(["ip", "address", "add", f"{ADDRESS}/24", "dev", "lo"]).ok()
    try:
        found = Upstream(room, str(tmp_path), 'a"b&+/%41c', auth=request.param)
        found.start()
        yield found
    finally:
        room.close()


def skopeo(upstream, *arguments, credentials=None):
    """skopeo beside the registry, trusting its CA."""
    options = ["--dest-cert-dir", certificates(upstream)]
    if credentials:
        options += ["--dest-creds", credentials]
    return upstream.room.run(["skopeo", "copy", *options, *arguments])


def certificates(upstream):
    import os

    directory = os.path.join(upstream.directory, "certs")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "ca.crt"), "w", encoding="ascii") as file:
        file.write(upstream.ca.pem)
    return directory


TARGET = f"docker://{REGISTRY_HOST}:{REGISTRY_PORT}/{USER}/app:v1"


def test_the_registry_takes_a_push_with_the_stored_credential(upstream, tmp_path):
    image = Image(str(tmp_path / "image"))

    skopeo(upstream, image.layout, TARGET, credentials=f"{USER}:{upstream.password}").ok()

    assert upstream.manifest_digest(f"{USER}/app", "v1") == image.digest


def test_the_registry_refuses_a_push_without_it(upstream, tmp_path):
    image = Image(str(tmp_path / "image"))

    assert skopeo(upstream, image.layout, TARGET).code != 0


def test_the_registry_refuses_the_old_password_after_a_rotation(upstream, tmp_path):
    image = Image(str(tmp_path / "image"))
    old = upstream.password
    upstream.set_password("another")

    assert skopeo(upstream, image.layout, TARGET, credentials=f"{USER}:{old}").code != 0
    skopeo(upstream, image.layout, TARGET, credentials=f"{USER}:another").ok()


@pytest.mark.parametrize("upstream", ["token"], indirect=True)
def test_the_token_services_log_tells_each_request_with_its_scope(upstream):
    service = Client(upstream.room, AUTH_HOST, AUTH_PORT, tls=trusting(upstream.ca.pem))
    for name in ("a", "b"):
        service.request(
            "GET", f"/token/?service=x&scope=repository:{USER}/{name}:pull",
            basic=f"{USER}:{upstream.password}",
        )  # fmt: skip

    assert upstream.token_requests() == [
        (f"repository:{USER}/a:pull",),
        (f"repository:{USER}/b:pull",),
    ]


def test_rooms_see_each_other_only_over_their_cable(tmp_path):
    rooms = [Room(str(tmp_path), name, {}) for name in ("one", "two", "three")]
    try:
        connect_rooms(rooms[0], "10.77.9.1/24", rooms[1], "10.77.9.2/24")
        rooms[0].start("server", ["/usr/bin/python3", "-m", "http.server", "--bind", "10.77.9.1", "80"])
        get = ["curl", "-s", "--retry-connrefused", "--retry", "20", "--retry-delay", "0",
               "--connect-timeout", "3", "http://10.77.9.1/"]  # fmt: skip

        assert rooms[1].run(get).code == 0
        assert rooms[2].run(get).code != 0
    finally:
        for room in rooms:
            room.close()
