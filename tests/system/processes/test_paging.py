"""Lists in pages, through a registry that pages them."""

import pytest

from images import Image
from push import push_image
from upstream import DISTRIBUTION_3
from world import path_form

NAME = path_form("robot/app")
TAGS = ["v1", "v2", "v3", "v4", "v5"]


@pytest.mark.parametrize(
    "host, name",
    [(None, NAME), ("c-demo.default.svc", "robot/app")],
    ids=["path form", "host form"],
)
def test_tags_come_whole_to_a_client_that_follows_the_links(host, name, make_world):
    world = make_world(registry=DISTRIBUTION_3).start()
    token, client = world.token(), world.client(host) if host else world.client()
    image = Image(world.path("image"))
    for tag in TAGS:
        push_image(client, name, tag, image, token)

    target, found, pages = f"/v2/{name}/tags/list?n=2", [], 0
    while target:
        answer = client.request("GET", target, token=token)
        assert answer.status == 200, answer
        assert answer.json()["name"] == name
        found += answer.json()["tags"]
        pages += 1
        target = next_target(answer)

    assert (found, pages) == (TAGS, 3)


def next_target(answer):
    link = answer.header("Link")
    if link is None:
        return None
    assert link.startswith("</v2/") and link.endswith('>; rel="next"'), link
    return link[1 : link.index(">")]
