"""A right ends when what it rests on is gone. Beside test_faults.py, because it waits for a minute."""

from netns import wait_until
from push import get_manifest, push_image

NAME = "robot/app"


def test_a_right_ends_with_what_it_rests_on(cluster):
    """A RoleBinding, a pod, a ServiceAccount that are deleted."""
    client = cluster.client()
    push_image(client, NAME, "v1", cluster.image(), cluster.token())
    tokens = {}
    for name in ("unbound", "podless", "gone"):
        cluster.kube.new_account("default", name)
        cluster.allow(name, "demo")
        cluster.kube.new_pod("default", name, name)
        tokens[name] = cluster.token(name, pod=name)
        assert get_manifest(client, NAME, "v1", tokens[name]).status == 200

    cluster.disallow("unbound", "demo")
    cluster.kube.delete_pod("default", "podless")
    cluster.kube.kubectl("delete", "serviceaccount", "gone").ok()

    # 10 s of the API server's own memory, 10 s of the broker's, 60 s of a grant.
    for name, status in (("unbound", 404), ("podless", 401), ("gone", 401)):
        wait_until(
            lambda name=name, status=status: get_manifest(client, NAME, "v1", tokens[name]).status
            == status, f"{name} is refused", 100,
        )  # fmt: skip
