"""The data plane's sockets, as clients meet them."""

import os
import signal
import ssl

import pytest

from images import Image, digest_of
from netns import wait_until
from push import finish_upload, get_manifest, push_blob, push_image, send_chunk
from rawhttp import trusting
from upstream import REGISTRY_HOST, REGISTRY_PORT
from world import HTTP_PORT, PROXY_NAME, TLS_PORT, path_form

NAME = path_form("robot/app")


def test_the_api_root_asks_for_basic_credentials_and_never_asks_the_registry(world):
    answer = world.client().request("GET", "/v2/")

    assert answer.status == 401
    assert answer.header("WWW-Authenticate") == 'Basic realm="oci-connector"'
    assert answer.header("Docker-Distribution-Api-Version") == "registry/2.0"


def test_the_api_root_is_200_for_a_known_caller_whoever_has_a_rule(world):
    answer = world.client().request("GET", "/v2/", token=world.token("stranger"))

    assert (answer.status, answer.json()) == (200, {})


def test_a_bearer_token_does_as_well_as_a_basic_password(world):
    answer = world.client().request(
        "GET", f"/v2/{NAME}/tags/list", {"Authorization": f"Bearer {world.token()}"}
    )

    assert answer.status == 404  # The registry's own: there is no such repository.


def test_a_tls_client_hello_on_the_plain_port_is_answered_400_in_http(world):
    connection = world.client().connect()
    hello = ssl.MemoryBIO()
    handshake = trusting().wrap_bio(ssl.MemoryBIO(), hello, server_hostname=PROXY_NAME)
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()

    connection.sendall(hello.read())

    assert world.client().read(connection).status == 400


def test_the_tls_listener_serves_with_the_pkis_certificate(world):
    with open(world.path("pki", "ca.crt"), encoding="ascii") as file:
        context = trusting(file.read())

    answer = world.client(port=TLS_PORT, tls=context).request("GET", "/v2/", token=world.token())

    assert answer.status == 200


def test_the_mirror_form_finds_the_connector_by_the_registrys_name(world):
    token = world.token()
    image = Image(world.path("image"))
    push_image(world.client(), NAME, "v1", image, token)

    ns = f"?ns={REGISTRY_HOST}:{REGISTRY_PORT}"
    answer = get_manifest(world.client(), "robot/app", f"v1{ns}", token)
    unknown = get_manifest(world.client(), "robot/app", "v1?ns=10.77.1.2", token)

    assert answer.body == image.manifest
    assert unknown.status == 404


def test_the_host_form_and_the_path_form_are_the_same_repository(world):
    token = world.token()
    image = Image(world.path("image"))
    push_image(world.client("c-demo.default.svc"), "robot/app", "v1", image, token)

    assert get_manifest(world.client(), NAME, "v1", token).body == image.manifest
    assert get_manifest(
        world.client("c-demo.default.svc.cluster.local"), "robot/app", "v1", token
    ).body == image.manifest  # fmt: skip


def test_tag_lists_tell_the_name_that_the_client_asked_for(world):
    token = world.token()
    push_image(world.client(), NAME, "v1", Image(world.path("image")), token)

    answer = world.client().request("GET", f"/v2/{NAME}/tags/list", token=token)

    assert answer.json() == {"name": NAME, "tags": ["v1"]}


def test_a_part_of_a_blob_is_206_with_its_range(world):
    token, blob = world.token(), os.urandom(10_000)
    push_blob(world.client(), NAME, blob, token)

    answer = world.client().request(
        "GET", f"/v2/{NAME}/blobs/{digest_of(blob)}", {"Range": "bytes=100-199"}, token=token
    )

    assert (answer.status, answer.body) == (206, blob[100:200])
    assert answer.header("Content-Range") == "bytes 100-199/10000"


def test_a_blob_can_be_mounted_from_a_repository_that_the_caller_may_pull(world):
    token, blob = world.token(), os.urandom(1000)
    push_blob(world.client(), path_form("robot/source"), blob, token)

    source = path_form("robot/source")
    answer = world.client().request(
        "POST", f"/v2/{NAME}/blobs/uploads/?mount={digest_of(blob)}&from={source}", token=token
    )

    assert answer.status == 201
    assert answer.header("Location") == f"/v2/{NAME}/blobs/{digest_of(blob)}"


def test_a_mount_through_a_mirror_whose_url_holds_the_prefix_names_the_source_as_the_registry_does(
    world,
):
    token, blob = world.token(), os.urandom(1000)
    push_blob(world.client(), path_form("robot/source"), blob, token)

    query = f"?ns={REGISTRY_HOST}:{REGISTRY_PORT}&mount={digest_of(blob)}&from=robot/source"
    answer = world.client().request("POST", f"/v2/{NAME}/blobs/uploads/{query}", token=token)

    assert answer.status == 201
    assert answer.header("Location") == f"/v2/{NAME}/blobs/{digest_of(blob)}"


@pytest.mark.parametrize(
    "source", ["not/allowed", "robot/unknown"], ids=["by the policy", "by the registry"]
)
def test_a_mount_that_is_refused_is_an_upload_that_goes_on(source, world):
    token, blob = world.token(), os.urandom(1000)
    client, digest = world.client(), digest_of(blob)

    query = f"?mount={digest}&from={path_form(source)}"
    answer = client.request("POST", f"/v2/{NAME}/blobs/uploads/{query}", token=token)
    finish_upload(client, send_chunk(client, answer.header("Location"), blob, 0, token), digest, token)

    assert answer.status == 202
    assert client.request("GET", f"/v2/{NAME}/blobs/{digest}", token=token).body == blob


def test_sigterm_ends_listening_at_once_and_lets_a_running_pull_finish(world):
    token, blob = world.token(), os.urandom(64 << 20)
    push_blob(world.client(timeout=60), NAME, blob, token)
    client = world.client(timeout=60)
    dataplane = world.dataplanes[0]
    connection = client.connect()
    target = f"/v2/{NAME}/blobs/{digest_of(blob)}"
    credential = "Authorization: Bearer " + token
    connection.sendall(
        f"GET {target} HTTP/1.1\r\nHost: {PROXY_NAME}:{HTTP_PORT}\r\n{credential}\r\n\r\n".encode()
    )
    wait_until(lambda: _has_data(connection), "the first bytes")

    dataplane.signal(signal.SIGTERM)
    wait_until(lambda: _refuses(client), "no new connections")

    assert digest_of(client.read(connection).body) == digest_of(blob)
    assert dataplane.wait(30) == 0


def _has_data(connection):
    import select

    return bool(select.select([connection], [], [], 0)[0])


def _refuses(client):
    try:
        client.connect().close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # It stood in the queue of the listener when that ended.
    return False
