"""Every stock client does all that it can through the data plane, in every setting.

What a client says is compared with what the registry says: digests, and the requests in its log.
"""

import pytest

from catalog import CLIENTS
from matrix import cells_of, in_page, without_point_releases, write_page
from setting import SETTINGS, slug
from stand import PAGE, TAGS, is_mount, is_upload


def pytest_generate_tests(metafunc):
    if "cell" in metafunc.fixturenames:
        pairs = [(kind, setting) for kind in CLIENTS for setting in SETTINGS]
        rows = [
            pytest.param(pair, cell, id=f"{pair[0].name}-{pair[1].name}-{cell}")
            for pair in pairs
            for cell in cells_of(*pair)
        ]
        metafunc.parametrize(("client", "cell"), rows, indirect=["client"], scope="module")


def test_a_cell_of_the_matrix_is_green(client, cell, stand, matrix):
    matrix.record(client, cell, client.setting, False)
    repository = f"robot/{slug(client.name)}/{client.setting.slug}/{slug(cell)}"
    CHECKS.get(cell, own_cell)(client, cell, stand, repository)
    matrix.record(client, cell, client.setting, True)


def test_the_page_shows_the_matrix_of_this_run(matrix, request):
    assert matrix.missing() == []
    if request.config.getoption("--write-page"):
        write_page(matrix.page())
    assert without_point_releases(in_page()) == without_point_releases(matrix.page())


def push(client, _, stand, repository):
    pushed = client.push(stand.image("pushed"), client.files.reference(repository, client.tag))
    assert stand.digest(repository, client.tag) == pushed


def pull(client, _, stand, repository):
    seeded = client.seed(repository)
    assert client.pull(client.files.reference(repository, client.tag)) == seeded
    assert stand.digest(repository, client.tag) == seeded


def push_again(client, _, stand, repository):
    image = stand.image("pushed-again")
    reference = client.files.reference(repository, client.tag)
    client.push(image, reference)
    before = stand.mark()
    pushed = client.push(image, reference)
    seen = stand.requests_since(before)
    assert [request for request in seen if is_upload(request)] == []
    assert [request for request in seen if repository in request[1]], "the registry was asked"
    assert stand.digest(repository, client.tag) == pushed


def mount(client, _, stand, repository):
    stand.seed(f"{repository}-source")
    before = stand.mark()
    client.mount(client.files.reference(f"{repository}-source"), client.files.reference(repository))
    mounts = [seen for seen in stand.requests_since(before) if is_mount(seen, repository)]
    assert {query["from"] for _, _, query, _ in mounts} == {f"{repository}-source"}
    assert stand.digest(repository, "v1") is not None


def index(client, _, stand, repository):
    pushed, tag = client.push_index(stand.index("index"), client.files.repository(repository))
    platforms = stand.platforms(repository, tag)
    assert set(platforms) == {"amd64", "arm64"}
    assert stand.digest(repository, tag) == pushed
    if "pull" not in client.cannot:
        pulled = client.pull(client.files.reference(repository, tag))
        assert pulled in (pushed, platforms["amd64"])


def tag_pages(client, _, stand, repository):
    direct = client.files
    client.push(stand.image("tagged"), client.files.reference(repository, TAGS[0]))
    stand.spread_tags(repository, TAGS[0])
    client.use(stand.rendered(client.setting, connector="paged"))
    before = stand.mark()
    try:
        assert sorted(client.tags(client.files.repository(repository))) == TAGS
    finally:
        client.use(direct)
    lists = [path for _, path, _, _ in stand.requests_since(before) if path.endswith("/tags/list")]
    assert len(lists) - 1 >= len(TAGS) / PAGE, "the mark and all pages"


def delete(client, _, stand, repository):
    stand.seed(repository)
    client.delete(client.files.repository(repository), "v1")
    assert stand.digest(repository, "v1") is None


def own_cell(client, cell, *_):
    getattr(client, slug(cell).replace("-", "_"))()


CHECKS = {
    "push": push,
    "pull": pull,
    "re-push": push_again,
    "mount": mount,
    "index": index,
    "tag pages": tag_pages,
    "delete": delete,
}
