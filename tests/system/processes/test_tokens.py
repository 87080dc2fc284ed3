"""How often the token service is asked."""

import collections
import concurrent.futures

from images import Image
from push import get_manifest, push_image
from world import HTTP_PORT, PROXY_NAME, path_form


def test_fifty_cold_pulls_at_once_ask_for_one_token_per_connector_and_scope(make_world, tmp_path):
    world = make_world()
    world.start()
    builder = world.token()
    for repository in ("robot/a", "robot/b"):
        push_image(world.client(), path_form(repository), "v1", Image(world.path(repository[-1])),
                   builder)  # fmt: skip
    already = len(world.upstream.token_requests())
    auth = world.auth_file(builder, f"{PROXY_NAME}:{HTTP_PORT}")

    def pull(index):
        reference = f"{PROXY_NAME}:{HTTP_PORT}/{path_form('robot/' + 'ab'[index % 2])}:v1"
        return world.run_client(
            ["skopeo", "copy", "--authfile", f"{auth}/auth.json", "--src-tls-verify=false",
             f"docker://{reference}", f"dir:{world.path(f'pulled-{index}')}"]
        )  # fmt: skip

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        ended = list(pool.map(pull, range(50)))

    assert [done.output for done in ended if done.code != 0] == []
    assert collections.Counter(world.upstream.token_requests()[already:]) == {
        ("repository:robot/a:pull",): 1,
        ("repository:robot/b:pull",): 1,
    }


def test_callers_share_an_upstream_token_but_each_has_its_audit_line(make_world):
    everybody = {"from": [{"namespace": "ci"}], "repositories": ["robot/**"], "actions": ["pull"]}
    world = make_world().start(access=[everybody])
    callers = [world.token(f"caller-{index}") for index in range(20)]

    def get(token):
        return get_manifest(world.client(), path_form("robot/app"), "v1", token).status

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = set(pool.map(get, callers))

    assert statuses == {404}  # The registry's own: nothing was pushed there.
    assert world.upstream.token_requests() == [("repository:robot/app:pull",)]
    subjects = {record["subject"] for record in world.audit_records() if record["allowed"]}
    assert len(subjects) == 20
