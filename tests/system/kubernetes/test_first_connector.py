"""What a team sees: a Secret and a Connector applied, a ServiceAccount that pushes and pulls."""

import json

from cluster import HOST
from netns import wait_until
from peers import peer
from push import get_manifest, push_image
from testca import write

NAME = "robot/app"


def test_a_stock_client_pushes_and_pulls_through_the_address_that_the_controller_wrote(cluster):
    """As docs/kubernetes.md has it: over TLS, without a flag, and nobody listed a name."""
    cluster.wait_ca()
    address = cluster.connector_now()["status"]["address"]
    assert address == {
        "host": HOST, "url": f"https://{HOST}", "caCerts": cluster.listener_ca(),
    }  # fmt: skip
    token = cluster.token()
    auth = cluster.auth_file(token, address["host"])
    ca = write(f"{auth}/ca.crt", address["caCerts"])
    image = cluster.image()

    pushed = cluster.run_client([
        "skopeo", "copy", "--authfile", f"{auth}/auth.json", f"--dest-cert-dir={auth}",
        image.layout, f"docker://{address['host']}/{NAME}:v1",
    ])  # fmt: skip
    assert pushed.code == 0, pushed.output
    pulled = cluster.run_client(
        [peer("crane"), "digest", f"{address['host']}/{NAME}:v1"],
        env={"DOCKER_CONFIG": auth, "SSL_CERT_FILE": ca},
    ).ok()

    assert pulled.stdout.strip() == image.digest


def test_kubectl_get_shows_what_matters_in_its_columns(cluster):
    table = cluster.kube.kubectl("get", "connectors", "-o", "wide").ok().stdout.split("\n")

    assert table[0].split()[:6] == ["NAME", "CLASS", "ADDRESS", "SECRET-CLASS", "READY", "REASON"]
    row = table[1].split()
    assert row[:6] == ["demo", "oci", cluster.upstream.address, "derived", "True", "Ready"]


def test_all_six_conditions_hold_in_their_order(cluster):
    status = cluster.connector_now()["status"]

    assert [(c["type"], c["status"]) for c in status["conditions"]] == [
        (name, "True")
        for name in ("ClassReady", "SecretReady", "LivenessReady", "AuthReady",
                     "ProxyServiceReady", "Ready")
    ]  # fmt: skip
    assert status["secretClass"] == "derived"
    assert status["observedGeneration"] == cluster.connector_now()["metadata"]["generation"]


def test_a_caller_without_rbac_sees_no_connector(cluster):
    cluster.kube.new_account("default", "stranger")

    answer = get_manifest(cluster.client(), NAME, "v1", cluster.token("stranger"))

    assert (answer.status, answer.error()[0]) == (404, "NAME_UNKNOWN")


def test_access_rules_narrow_what_rbac_allows(cluster):
    rule = {"from": [{"serviceAccount": {"namespace": "default", "name": "builder"}}],
            "repositories": ["robot/app"], "actions": ["pull", "push"]}  # fmt: skip
    cluster.put_connector(cluster.connector(access=[rule]))
    image, client, token = cluster.image(), cluster.client(), cluster.token()
    push_image(client, NAME, "v1", image, token)

    outside = wait_until(
        lambda: (a := client.request("POST", "/v2/robot/other/blobs/uploads/", token=token)).status
        != 202 and a, "the rule counts",
    )  # fmt: skip
    assert (outside.status, outside.error()[0]) == (403, "DENIED")


def test_a_token_for_the_api_server_is_refused(cluster):
    answer = get_manifest(cluster.client(), NAME, "v1", cluster.token(audience=None))

    assert (answer.status, answer.error()[0]) == (401, "UNAUTHORIZED")
    cluster.tokens.clear()


def test_events_tell_that_a_connector_became_ready(cluster):
    def reasons():
        listed = cluster.kube.kubectl("get", "events.events.k8s.io", "-o", "json").ok().stdout
        return {
            event["reason"]
            for event in json.loads(listed)["items"]
            if event["regarding"].get("name") == "demo"
        }

    wait_until(lambda: "Ready" in reasons(), "an event of reason Ready")
