"""docs/kubernetes.md is true: its commands run against a real API server, and its tables are the chart's."""

import os
import re
import subprocess

import pytest

from chart import CHART, NAMESPACE, ROOT, of_kind, render
from kube import ControlPlane
from netns import wait_until
from peers import peer

CONDITIONS = (
    "ClassReady",
    "SecretReady",
    "LivenessReady",
    "AuthReady",
    "ProxyServiceReady",
    "Ready",
)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sections():
    """{heading: text}, in their order."""
    parts = re.split(r"^## (.*)$", read("docs/kubernetes.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def blocks(text):
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def rows(heading):
    lines = re.findall(r"^\| (.*) \|$", sections()[heading], re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"\s\|(?:\s|$)", line)] for line in lines]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    control = ControlPlane(str(tmp_path_factory.mktemp("cluster")))
    try:
        yield control.start(controllers=True, crds=False)
    finally:
        control.close()


def shell(cluster, commands, **variables):
    programs = ":".join(os.path.dirname(peer(name)) for name in ("kubectl", "helm"))
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}", "HOME": cluster.directory,
        "KUBECONFIG": cluster.kubeconfig, "HARBOR_PASSWORD": "not-a-password", **variables,
    }  # fmt: skip
    # The folder has the repository's deploy/, and takes what the commands write.
    folder = os.path.join(cluster.directory, "folder")
    if not os.path.exists(folder):
        os.makedirs(folder)
        os.symlink(os.path.join(ROOT, "deploy"), os.path.join(folder, "deploy"))
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=folder, env=environment,
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_all_commands_run_in_their_order(cluster):
    said = {}
    for heading, text in sections().items():
        said[heading] = [shell(cluster, block) for block in blocks(text)]
        if heading == "Granting a team":
            # What it says is so: the Connector can be used, and its Secret be read, by these alone.
            assert said[heading][1] == "yes\n"
            broker = f"system:serviceaccount:{NAMESPACE}:oci-connector-broker"
            for verb, answer in (("get", "yes\n"), ("watch", "yes\n"), ("list", "no\n")):
                name = "secrets" if verb == "list" else "secrets/harbor-robot"
                asked = cluster.kubectl(
                    "auth", "can-i", verb, name, f"--as={broker}", "-n", "team-a"
                )
                assert asked.stdout == answer
            other = "--as=system:serviceaccount:other:builder"
            proxy = "connectors.oci-connector.dev/harbor"
            asked = cluster.kubectl(
                "auth", "can-i", "get", proxy, "--subresource=proxy", other, "-n", "team-a"
            )
            assert asked.stdout == "no\n"
        if heading == "Install":
            wait_until(
                lambda: "oci-connector-broker-1" in cluster.kubectl("get", "pods", "-n", NAMESPACE).stdout,
                "the broker's pods are made", 30,
            )  # fmt: skip
    assert {heading for heading, outputs in said.items() if outputs} >= {
        "Install", "The first Connector", "Granting a team", "Upgrading and rolling back", "Uninstalling",
    }  # fmt: skip
    assert "harbor" in said["Uninstalling"][0]


def test_the_table_of_rights_is_the_charts():
    told = set()
    for program, where, group, resources, verbs, *_ in rows("What each program may do")[1:]:
        for resource in resources.split(", "):
            for verb in verbs.split(", "):
                told.add((program, where, "" if group == "core" else group, resource, verb))
    made = set()
    for role in of_kind(render("production"), "Role", "ClusterRole"):
        program = role["metadata"]["labels"]["app.kubernetes.io/component"]
        where = {None: "cluster", NAMESPACE: "its own namespace"}.get(
            role["metadata"].get("namespace"), "a team's namespace"
        )
        for rule in role["rules"]:
            for group in rule.get("apiGroups", ["URL"]):
                made |= {
                    (program, where, group, resource, verb)
                    for resource in rule.get("resources") or rule["nonResourceURLs"]
                    for verb in rule["verbs"]
                }

    assert told == made


def test_the_table_of_the_network_has_the_charts_ports():
    told = {port for row in rows("The network")[1:] for port in re.findall(r"\d+", row[2])}
    made = {
        str(port["port"])
        for policy in of_kind(render("default"), "NetworkPolicy")
        for direction in ("ingress", "egress")
        for rule in policy["spec"].get(direction) or []
        for port in rule["ports"]
    }

    assert told == made | {"8080", "7480", "8480", "9480"}  # With plain HTTP, with monitoring.


def reasons(*paths):
    """CamelCase words in quotes, but for conditions and the API's own values."""
    text = "".join(read(path) for path in paths)
    return (
        set(re.findall(r'"([A-Z][a-z]+(?:[A-Z][A-Za-z]+)+)"', text))
        - set(CONDITIONS)
        - {"ExternalName", "ClusterIP"}
    )


def test_every_reason_stands_in_the_table_of_troubles():
    folder = os.path.join(ROOT, "controller", "status")
    sources = [
        f"controller/status/{name}" for name in os.listdir(folder) if name.endswith((".cc", ".h"))
    ]
    given = reasons(*sources, "broker/health_check/prober.cc")
    told = {
        word
        for row in rows("Troubleshooting")
        for word in re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", row[1])
    }

    assert given
    assert given - told == set()


def test_values_that_the_page_names_exist():
    values = read(os.path.relpath(os.path.join(CHART, "values.yaml"), ROOT))
    for path in re.findall(
        r"`((?:networkPolicy|certificates|dataplane|broker|controller)\.[\w.]+)`",
        read("docs/kubernetes.md"),
    ):
        for key in path.split("."):
            assert f"{key}:" in values, path
