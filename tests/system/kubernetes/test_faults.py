"""What fails alone fails alone: the API server, the watch, a Secret's rights, one of each program."""

import base64
import json
import os
import threading
import time

import pytest

from images import digest_of
from netns import wait_until
from pull_loop import PullLoop
from push import begin_upload, finish_upload, get_manifest, push_image, send_chunk
from upstream import USER
from world import rule

NAME = "robot/app"


def pushed(cluster, tag="v1"):
    image, client, token = cluster.image(), cluster.client(), cluster.token()
    push_image(client, NAME, tag, image, token)
    return image, client, token


def test_grants_in_force_go_on_while_the_api_server_is_away(cluster):
    _, client, token = pushed(cluster)
    loop = PullLoop(cluster, NAME, token, pause=0.05)
    cluster.kube.new_account("default", "late")
    cluster.allow("late", "demo")
    newcomer = cluster.token("late")

    cluster.kube.kill_apiserver()
    refused = wait_until(
        lambda: (a := get_manifest(client, NAME, "v1", newcomer)).status == 503 and a, "a 503"
    )
    assert refused.header("Retry-After")
    time.sleep(3)
    cluster.kube.start_apiserver()
    wait_until(lambda: get_manifest(client, NAME, "v1", newcomer).status == 200, "recovered", 60)

    results = loop.stop()
    assert {status for _, status in results} == {200}, results[-20:]


def test_a_change_behind_a_compacted_watch_is_not_missed(cluster):
    _, client, token = pushed(cluster)
    noise = "/api/v1/namespaces/default/configmaps"
    cluster.kube.must("POST", noise, {"metadata": {"name": "noise"}})
    for index in range(50):  # So that the revision they watched from is long gone.
        change = {"data": {"n": str(index)}}
        cluster.kube.must("PATCH", f"{noise}/noise", change, "application/merge-patch+json")
    cluster.kube.compact()
    cluster.kube.kill_apiserver()
    cluster.kube.start_apiserver()

    cluster.kube.kubectl("delete", "connector", "demo").ok()

    wait_until(lambda: get_manifest(client, NAME, "v1", token).status == 404, "it is gone", 60)


def test_rights_on_the_secret_that_go_and_come_back(cluster):
    """What was minted lives to its end; nothing new is minted, and the condition says why."""
    _, client, token = pushed(cluster)

    cluster.kube.kubectl("delete", "rolebinding", "oci-connector-secrets").ok()
    refused = wait_until(
        lambda: (a := get_manifest(client, "robot/new", "v1", token)).status == 503 and a,
        "nothing new is minted",
    )
    assert "CONNECTOR_SECRET_UNAVAILABLE" in refused.body.decode()
    wait_until(
        lambda: cluster.conditions()["SecretReady"] == ("False", "SecretStoreRefused"),
        "the condition says so", 60,
    )  # fmt: skip

    cluster.grant_secrets("default", "robot", "upstream-ca")
    cluster.wait_ready()
    wait_until(lambda: get_manifest(client, NAME, "v1", token).status == 200, "it works again", 60)


def test_a_rotated_secret_is_in_use_within_seconds(cluster):
    _, client, token = pushed(cluster)
    loop = PullLoop(cluster, NAME, token, pause=0.05)
    password = "q" + cluster.upstream.password[1:][::-1]
    cluster.upstream.set_password(password)
    cluster.put_secret(password)

    wait_until(lambda: len(loop.results) > 60, "pulls went on", 30)
    assert {status for _, status in loop.stop()[-20:]} == {200}


def test_one_of_each_may_die_while_clients_push_and_pull(cluster):
    image, _, token = pushed(cluster)
    failures, rounds, stop = [], [0], threading.Event()

    def work():
        while not stop.is_set():
            client = cluster.client()
            try:
                push_image(client, NAME, f"t{rounds[0]}", image, token)
                answer = get_manifest(client, NAME, f"t{rounds[0]}", token)
                assert answer.status == 200, answer
            except (OSError, AssertionError) as error:
                failures.append((time.monotonic(), repr(error)))
            rounds[0] += 1

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    wait_until(lambda: rounds[0] > 3, "pushes go", 30)
    cluster.brokers[0].kill()
    cluster.controllers[0].kill()
    before = rounds[0]
    wait_until(lambda: rounds[0] > before + 10, "pushes go on without a broker", 60)
    assert failures == []
    cluster.dataplanes[0].kill()
    gone = time.monotonic()
    wait_until(lambda: rounds[0] > before + 25, "pushes go on without a data plane", 60)
    stop.set()
    worker.join(30)

    # A connection that the data plane held is cut, and so are those that come while the kernel
    # closes its sockets. Once it is gone, one may notice late; nothing else fails.
    late = [at for at, _ in failures if at > gone]
    assert len(late) <= 1 and all(at < gone + 1 for at in late), failures


def test_an_upload_goes_on_over_another_broker_and_data_plane(cluster):
    token, client = cluster.token(), cluster.client()
    first, second = os.urandom(300_000), os.urandom(200_000)
    location = begin_upload(client, NAME, token)
    location = send_chunk(client, location, first, 0, token)

    cluster.brokers[0].kill()
    cluster.dataplanes[0].kill()

    client = cluster.client()
    location = send_chunk(client, location, second, len(first), token)
    finish_upload(client, location, digest_of(first + second), token)


def secret(name, namespace, data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "data": encoded,
            "metadata": {"name": name, "namespace": namespace}}  # fmt: skip


@pytest.mark.parametrize("name", ["victim/robot2", "../victim/robot2", "victim%2frobot2", "robot2"])
def test_a_connector_reaches_no_secret_of_another_namespace(cluster, name):
    cluster.kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "victim"}})
    cluster.kube.apply(
        secret("robot2", "victim", {"username": USER, "password": cluster.upstream.password})
    )
    cluster.grant_secrets("victim", "robot2")
    connector = cluster.connector("thief", auth={"name": "tokenAuth", "secretRef": {"name": name}})
    connector["spec"].pop("access")
    applied = cluster.kube.kubectl("apply", "-f", "-", stdin=json.dumps(connector))
    if name != "robot2":
        assert applied.code != 0 and "secretRef" in applied.output, applied.output
        return
    wait_until(
        lambda: cluster.conditions("thief").get("SecretReady", ("",))[0] == "False", "refused", 40
    )


# The last one: its brokers have another configuration, and a moment later are new.
def test_a_broker_that_is_cut_from_the_api_grants_nothing_new(cluster):
    """Also where nothing else asks the API server: keys are at hand, and rules decide alone."""
    _, client, token = pushed(cluster)
    cluster.put_connector(cluster.connector(access=[rule("default", "builder", ["pull"])]))
    before = cluster.broker_extra
    cluster.broker_extra = {
        "resources": {"kubernetes": {}, "maxSilence": "5s"},
        "identity": {"audience": "oci-connector", "kubernetes": {"verify": "jwks"}},
        "access": {"mode": "rules"},
    }
    try:
        restart_brokers(cluster)
        assert get_manifest(client, NAME, "v1", token).status == 200
        newcomers = iter([cluster.token() for _ in range(100)])
        for _ in range(10):  # Both brokers have the keys.
            assert get_manifest(client, NAME, "v1", next(newcomers)).status == 200

        cluster.kube.kill_apiserver()
        assert get_manifest(client, NAME, "v1", next(newcomers)).status == 200  # For a while.
        refused = wait_until(
            lambda: (a := get_manifest(client, NAME, "v1", next(newcomers))).status == 503
            and a
            or time.sleep(0.2),
            "a 503",
        )
        assert refused.header("Retry-After")
        assert get_manifest(client, NAME, "v1", token).status == 200  # What was granted goes on.
        cluster.kube.start_apiserver()
        wait_until(
            lambda: get_manifest(client, NAME, "v1", cluster.token()).status == 200, "recovered", 60
        )
    finally:
        cluster.broker_extra = before
        if not cluster.kube.processes["kube-apiserver"].is_running():
            cluster.kube.start_apiserver()
        restart_brokers(cluster)


def restart_brokers(cluster):
    for index, broker in enumerate(list(cluster.brokers)):
        broker.stop()
        cluster.start_broker(index)
