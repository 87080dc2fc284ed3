"""Data planes are stateless: any of them goes on with what another began (promise P7)."""

import os

from front import Front
from images import digest_of
from push import begin_upload, finish_upload, send_chunk
from world import FRONT_PORT, HTTP_PORT, PROXY, path_form

NAME = path_form("robot/app")


def test_an_upload_begun_on_one_data_plane_ends_on_the_other(make_world):
    world = make_world().start(dataplanes=2)
    backends = [(PROXY, HTTP_PORT), (PROXY, HTTP_PORT + 1)]
    front = Front(world.middle, PROXY, FRONT_PORT, backends)
    world.at_close.append(front.close)
    client, token = world.client(port=FRONT_PORT), world.token()
    first, second = os.urandom(300_000), os.urandom(200_000)

    location = begin_upload(client, NAME, token)
    location = send_chunk(client, location, first, 0, token)
    world.dataplanes[0].kill()
    location = send_chunk(client, location, second, len(first), token)
    finish_upload(client, location, digest_of(first + second), token)

    blob = client.request("GET", f"/v2/{NAME}/blobs/{digest_of(first + second)}", token=token)
    assert blob.body == first + second


def test_an_upload_session_is_of_no_use_to_another_subject(make_world):
    everybody = {"from": [{"namespace": "ci"}], "repositories": ["robot/**"],
                 "actions": ["pull", "push"]}  # fmt: skip
    world = make_world().start(access=[everybody])
    location = begin_upload(world.client(), NAME, world.token("builder"))

    answer = world.client().request("PATCH", location, token=world.token("thief"), body=b"x")

    assert (answer.status, answer.error()[0]) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_location_is_a_path_and_tells_nothing_of_the_registry(world):
    location = begin_upload(world.client(), NAME, world.token())

    assert location.startswith(f"/v2/{NAME}/blobs/uploads/")
    segment = location[len(f"/v2/{NAME}/blobs/uploads/") :]
    assert set(segment) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    )
