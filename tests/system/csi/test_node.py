"""A real kubelet and a real containerd, with the chart's CSIDriver and its files for nodes: the volume
of a pod, and an image that is pulled with the pod's own token."""

import json
import os
import shutil

import pytest

from chart import component, render, the
from cluster import API_ADDRESS, HOST
from csi import AUDIENCE, claims_of
from images import Image
from netns import wait_until
from node import NODE_FLAGS, PROGRAM, Node, add_node_user
from push import push_image
from testca import write
from world import PROXY

ADDRESS = "10.77.2.2"  # The clients' room, as the data plane sees it.
REPOSITORY = f"{HOST}/robot/app"


def whole_chart():
    return render(
        "default", "--set", "csi.enabled=true", "--set", "kubeletPulls.enabled=true",
        "--set", f"kubeletPulls.hosts={{{HOST}}}",
        "--set", "csi.connectorAudiences={default/demo}",
    )  # fmt: skip


def of_chart():
    """What the chart makes for nodes: {kind: object} of the component `kubelet`, and the CSIDriver."""
    objects = whole_chart()
    found = {each["kind"]: each for each in objects if component(each) == "kubelet"}
    return found | {"CSIDriver": the(objects, "CSIDriver", "csi")}


@pytest.fixture(scope="module")
def node(request, tmp_path_factory):
    from cluster import Cluster

    cluster = Cluster(tmp_path_factory.mktemp("nodes") / "cluster", kube_flags=NODE_FLAGS)
    made = Node(cluster.path("node"), cluster.clients, cluster.kube, ADDRESS)
    cluster.at_close.append(made.close)
    request.node.worlds = [cluster]
    failed_before, passed = request.session.testsfailed, False
    try:
        add_node_user(cluster.kube)
        cluster.start(dataplanes=1, brokers=1, controllers=1)
        cluster.clients.run(["ip", "route", "add", API_ADDRESS, "via", PROXY]).ok()
        cluster.kube.new_account("default", "stranger")
        image = Image(cluster.path("app"), program=PROGRAM)
        client, token = cluster.client(), cluster.token()
        tags = "/v2/robot/app/tags/list"
        wait_until(lambda: b"CONNECTOR_UNKNOWN" not in client.request("GET", tags, token=token).body,
                   "the grant counts")  # fmt: skip
        push_image(client, "robot/app", "v1", image, token)
        chart = of_chart()
        files = chart["ConfigMap"]["data"]
        os.makedirs(os.path.join(made.hosts, HOST))
        hosts = files[f"{HOST}.hosts.toml"].replace("/etc/containerd/certs.d", made.hosts)
        write(os.path.join(made.hosts, HOST, "hosts.toml"), hosts)
        write(os.path.join(made.hosts, HOST, "ca.crt"), cluster.wait_ca())
        cluster.kube.apply(chart["CSIDriver"])
        made.start(write(cluster.path("providers.yaml"), files["credential-providers.yaml"]))
        made.digest = image.digest
        yield made
        passed = request.session.testsfailed == failed_before
    finally:
        cluster.close(failed=not passed)
        if passed:
            shutil.rmtree(cluster.directory, ignore_errors=True)


def test_the_kubelet_mounts_the_volume_and_the_container_reads_it(node):
    node.pod("reader", "builder", ["cat", "/etc/registries/config.json"], volume={"connectors": "demo"})
    node.wait_phase("reader", "Succeeded")

    assert next(iter(json.loads(node.output("reader"))["auths"])) == HOST


def test_the_volume_holds_a_token_for_its_connector_alone(node):
    node.pod("narrow", "builder", ["cat", "/etc/registries/token"], volume={"connectors": "demo"})
    node.wait_phase("narrow", "Succeeded")

    assert claims_of(node.output("narrow"))["aud"] == [f"{AUDIENCE}/default/demo"]


def test_the_container_cannot_write_it(node):
    node.pod("writer", "builder", ["touch", "/etc/registries/token"], volume={"connectors": "demo"})
    node.wait_phase("writer", "Failed")

    assert "Read-only file system" in node.output("writer")


def test_the_kubelet_unmounts_what_the_pod_leaves(node):
    uid = node.pod("brief", "builder", ["true"], volume={"connectors": "demo"})["metadata"]["uid"]
    node.wait_phase("brief", "Succeeded")
    node.control.kubectl("delete", "pod", "brief", "--wait=false").ok()

    folder = node.csi.see(os.path.join(node.csi.pods, uid))
    wait_until(lambda: not os.path.exists(folder), "nothing of the pod is left", 60, node.kubelet)
    assert not [path for path in node.csi.mounts() if uid in path]


def test_a_mount_that_fails_says_why_where_kubectl_describe_looks(node):
    node.pod("stray", "stranger", ["true"], volume={"connectors": "demo"})
    says = 'connector "default/demo" is not granted to the ServiceAccount default/stranger'
    wait_until(lambda: any(says in message for message in node.events("stray")), says, 60)

    # And it comes right by itself.
    node.csi.grant("default", "stranger", "default", "demo")
    node.wait_phase("stray", "Succeeded")


def test_the_node_may_not_ask_for_such_tokens_without_the_right(node):
    node.pod("early", "builder", ["true"], image=f"{REPOSITORY}:v1")
    says = 'audience \\"oci-connector\\" not found'
    wait_until(lambda: says in node.kubelet.log(), says, 60, node.kubelet)


def test_an_image_is_pulled_with_the_pods_own_token(node):
    chart = of_chart()
    node.control.apply(chart["ClusterRole"], chart["ClusterRoleBinding"])
    node.pod("puller", "builder", ["echo", "pulled"], image=f"{REPOSITORY}:v1")
    node.wait_phase("puller", "Succeeded")

    assert node.output("puller") == "pulled\n"
    (container,) = node.status("puller")["containerStatuses"]
    assert container["imageID"] == f"{REPOSITORY}@{node.digest}"


def test_a_pod_without_the_right_gets_no_image(node):
    node.control.new_account("default", "nobody")
    node.pod("refused", "nobody", ["true"], image=f"{REPOSITORY}:v1")

    wait_until(lambda: "Pull" in node.waits_because("refused")[0], "the pull fails", 60)
    assert node.status("refused")["phase"] == "Pending"


def test_the_api_server_takes_all_that_the_chart_makes_for_nodes(node):
    made = [each for each in whole_chart() if component(each) in ("csi", "kubelet")]
    node.control.apply(the(made, "Namespace", "csi"))  # The others stand in it.

    text = "\n---\n".join(json.dumps(each) for each in made)
    done = node.control.kubectl("apply", "--dry-run=server", "-f", "-", stdin=text).ok()
    assert "Warning" not in done.output
    assert len(done.stdout.splitlines()) == len(made)
