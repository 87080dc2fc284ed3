"""The chart's part for nodes: the CSI driver's DaemonSet, and nothing when it is not asked for."""

import os
import re
import subprocess
import tomllib

import pytest
import yaml

from chart import component, of_kind, render, template, the
from csi import DRIVER, RULES
from testca import write
from world import program

NAMESPACE = "oci-connector-csi"


def objects(*settings):
    sets = ("csi.enabled=true", "kubeletPulls.enabled=true", *settings)
    return render("default", *[part for each in sets for part in ("--set", each)])


def pod(*settings):
    return the(objects(*settings), "DaemonSet", "csi")["spec"]["template"]["spec"]


def test_makes_nothing_for_nodes_unless_it_is_asked():
    assert not [each for each in render("default") if component(each) in ("csi", "kubelet")]


def test_all_of_the_driver_is_in_its_own_namespace():
    made = [each for each in objects() if component(each) == "csi"]

    assert {each["metadata"].get("namespace", NAMESPACE) for each in made} == {NAMESPACE}
    labels = the(made, "Namespace", "csi")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    assert not of_kind(objects("csi.namespace.create=false"), "Namespace")


def test_the_driver_has_exactly_the_rights_that_its_tests_run_with():
    assert the(objects(), "ClusterRole", "csi")["rules"] == RULES
    assert not [each for each in of_kind(objects(), "Role") if component(each) == "csi"]
    (subject,) = the(objects(), "ClusterRoleBinding", "csi")["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "oci-connector-csi", "namespace": NAMESPACE}


def test_the_driver_alone_is_privileged_and_shares_no_namespace_of_the_node():
    containers = {each["name"]: each for each in pod()["containers"]}

    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod())
    assert containers["csi"]["securityContext"]["privileged"] is True
    for name in ("registrar", "liveness"):
        assert containers[name]["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsUser": 0,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
        }  # fmt: skip


def test_of_the_node_it_sees_the_folder_of_pods_and_two_of_sockets():
    kubelet = "/data/kubelet"
    spec = pod(f"csi.kubeletDirectory={kubelet}")
    mounts = {each["name"]: each for each in spec["containers"][0]["volumeMounts"]}

    assert {each["hostPath"]["path"] for each in spec["volumes"] if "hostPath" in each} == {
        f"{kubelet}/pods", f"{kubelet}/plugins/{DRIVER}", f"{kubelet}/plugins_registry",
    }  # fmt: skip
    assert mounts["pods"]["mountPath"] == f"{kubelet}/pods"
    assert mounts["pods"]["mountPropagation"] == "Bidirectional"
    registrar = spec["containers"][1]["args"]
    assert f"--kubelet-registration-path={kubelet}/plugins/{DRIVER}/csi.sock" in registrar


def test_only_the_driver_has_a_token_of_the_api():
    assert pod()["automountServiceAccountToken"] is False
    with_token = [
        each["name"] for each in pod()["containers"]
        if "api-token" in [mount["name"] for mount in each["volumeMounts"]]
    ]  # fmt: skip
    assert with_token == ["csi"]


def test_images_come_from_the_one_registry_by_name_and_version():
    images = [each["image"] for each in pod("csi.registrar.image.tag=v9")["containers"]]

    registry = "registry.example.com/oci-connector/"
    assert all(image.startswith(registry) for image in images)
    assert f"{registry}csi-node-driver-registrar:v9" in images


def audiences(*settings):
    requests = the(objects(*settings), "CSIDriver", "csi")["spec"]["tokenRequests"]
    assert all(each["expirationSeconds"] == 3600 for each in requests)
    return [each["audience"] for each in requests]


STRICT = ("broker.identity.requireConnectorAudience=true", "kubeletPulls.enabled=false")


def test_the_kubelet_makes_a_token_for_all_and_one_for_each_listed_connector():
    listed = "csi.connectorAudiences={team-a/harbor,team-b/hub}"

    assert audiences() == ["oci-connector"]
    assert audiences(listed) == [
        "oci-connector", "oci-connector/team-a/harbor", "oci-connector/team-b/hub",
    ]  # fmt: skip
    assert audiences(listed, "broker.identity.audience=ours")[1] == "ours/team-a/harbor"
    assert audiences(listed, *STRICT) == audiences(listed)[1:], "the broker would refuse the first"


@pytest.mark.parametrize("strict", [False, True])
def test_broker_and_driver_know_the_same_audience(strict):
    settings = ("broker.identity.audience=ours", "csi.connectorAudiences={team-a/harbor}")
    made = objects(*settings, *(STRICT if strict else ()))
    broker = yaml.safe_load(the(made, "ConfigMap", "broker")["data"]["broker.yaml"])["identity"]
    csi = yaml.safe_load(the(made, "ConfigMap", "csi")["data"]["csi.yaml"])

    assert (broker["audience"], csi["audience"]) == ("ours", "ours")
    for each in (broker, csi):
        assert each.get("requireConnectorAudience", False) is strict


def test_tokens_are_in_secrets_where_the_server_knows_that():
    field = "serviceAccountTokenInSecrets"
    assert the(objects(), "CSIDriver", "csi")["spec"][field] is True
    assert field not in the(objects("csi.tokensInSecrets=false"), "CSIDriver", "csi")["spec"]
    arguments = ["--set", "image.registry=registry.example.com/x", "--set", "csi.enabled=true"]
    code, out, err = template(*arguments, "--kube-version", "1.34.0")
    assert (code, field in out) == (0, False), err


def test_it_is_reached_for_its_metrics_and_reaches_the_api_alone():
    spec = the(objects(), "NetworkPolicy", "csi")["spec"]

    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert not spec["ingress"]
    assert [port["port"] for rule in spec["egress"] for port in rule["ports"]] == [443, 6443]


@pytest.mark.parametrize(
    "settings",
    [(), ("csi.dataplane.tls=true",), ("csi.connectorAudiences={team-a/harbor}", *STRICT)],
)
def test_the_program_takes_its_configuration(settings, tmp_path):
    config = the(objects(*settings), "ConfigMap", "csi")["data"]["csi.yaml"]
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
    kubeconfig = write(
        str(tmp_path / "kubeconfig"),
        yaml.safe_dump(
            {"apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [cluster],
             "contexts": [context], "users": [{"name": "c", "user": {}}]}
        ),
    )  # fmt: skip
    config = config.replace("kubernetes: {}", f"kubernetes: {{kubeconfigFile: {kubeconfig}}}")
    config = re.sub(r"(unix://|podsDirectory: )(/\S+)", rf"\g<1>{tmp_path}\g<2>", config)
    for each in re.findall(r"unix://(\S+)/", config) + re.findall(r"podsDirectory: (\S+)", config):
        os.makedirs(each)
    path = write(str(tmp_path / "csi.yaml"), config)

    done = subprocess.run(
        [program("connector-csi"), "--config", path, "--check"], capture_output=True, text=True,
        env={"NODE_NAME": "node-1"},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr + config


def test_the_kubelet_asks_under_the_domains_that_connectors_have():
    made = objects("clusterDomain=corp.internal", "dataplane.hostSuffixes={reg.example.com}")
    config = yaml.safe_load(the(made, "ConfigMap", "kubelet")["data"]["credential-providers.yaml"])
    provider = config["providers"][0]

    assert provider["args"] == ["credential-provider", "--host-suffix=reg.example.com"]
    assert provider["matchImages"] == [
        f"c-*.*.{end}" for end in ("svc", "svc.local", "svc.corp.internal", "reg.example.com")
    ]


MIRROR = "kubeletPulls.mirrors[0]"


@pytest.mark.parametrize(
    ("dataplane", "settings", "names_the_ca"),
    [
        ("https://oci-connector-dataplane.oci-connector.svc", (), True),
        ("https://oci-connector-dataplane.oci-connector.svc:8443", (), True),
        # Certificates of somebody else.
        ("https://registries.example.com", (), False),
        ("https://oci-connector-dataplane.oci-connector.svc",
         ("dataplane.tls.fromBroker=false", "csi.dataplane.tls=true"), False),
        ("http://10.96.0.50", ("dataplane.plainHttp.enabled=true",), False),
    ],
)  # fmt: skip
def test_containerds_files_name_the_ca_where_the_broker_certifies(dataplane, settings, names_the_ca):
    host = "c-harbor.team-a.svc"
    made = objects(
        f"kubeletPulls.hosts={{{host}}}", f"{MIRROR}.host=harbor.example.com",
        f"{MIRROR}.dataplane={dataplane}", f"{MIRROR}.namespace=team-a", f"{MIRROR}.connector=harbor",
        *settings,
    )  # fmt: skip
    files = the(made, "ConfigMap", "kubelet")["data"]

    mirror = tomllib.loads(files["harbor.example.com.hosts.toml"])
    url = f"{dataplane}/v2/namespaces/team-a/connectors/harbor"
    ca = "/etc/containerd/certs.d/harbor.example.com/ca.crt" if names_the_ca else None
    assert (mirror["server"], list(mirror["host"])) == (url, [url])
    assert (mirror.get("ca"), mirror["host"][url].get("ca")) == (ca, ca)

    direct = tomllib.loads(files[f"{host}.hosts.toml"])
    assert (direct["server"], list(direct["host"])) == (f"https://{host}", [f"https://{host}"])
    if not settings:
        assert direct["ca"] == f"/etc/containerd/certs.d/{host}/ca.crt"


def test_containerds_files_are_plain_http_where_nothing_serves_tls():
    host = "c-harbor.team-a.svc"
    made = objects(f"kubeletPulls.hosts={{{host}}}", "dataplane.tls.enabled=false",
                   "dataplane.plainHttp.enabled=true")  # fmt: skip
    file = tomllib.loads(the(made, "ConfigMap", "kubelet")["data"][f"{host}.hosts.toml"])
    assert (file["server"], "ca" in file) == (f"http://{host}", False)


def test_volumes_are_told_of_a_certificate_that_is_not_the_brokers():
    arguments = ["--set", "image.registry=registry.example.com/x,csi.enabled=true,dataplane.tls.fromBroker=false"]
    code, _, said = template(*arguments)
    assert code != 0
    assert "set csi.dataplane.ca" in said
    assert template(*arguments, "--set", "csi.dataplane.tls=true")[0] == 0


REFUSED = {
    "a token shorter than the API allows": ("csi.tokenExpirationSeconds=60", "tokenExpirationSeconds"),
    "a folder that is no whole path": ("csi.kubeletDirectory=kubelet", "kubeletDirectory"),
    "a mirror without a Connector": ("kubeletPulls.mirrors[0].host=a.example.com", "connector"),
    "a key that does not exist": ("csi.replicas=1", "replicas"),
    "a Connector without its namespace": ("csi.connectorAudiences={harbor}", "connectorAudiences"),
}  # fmt: skip
REFUSED_TOGETHER = {
    "volumes that no broker would serve": ("csi.enabled=true", "csi.connectorAudiences is empty"),
    "pulls that no broker would serve": ("kubeletPulls.enabled=true", "kubeletPulls.enabled does not"),
}  # fmt: skip


@pytest.mark.parametrize("rule", REFUSED)
def test_refuses(rule):
    setting, says = REFUSED[rule]
    code, _, err = template("--set", "image.registry=registry.example.com/x", "--set", setting)

    assert code != 0
    assert says in err


@pytest.mark.parametrize("rule", REFUSED_TOGETHER)
def test_refuses_beside_the_audience_of_each_connector(rule):
    setting, says = REFUSED_TOGETHER[rule]
    code, _, err = template(
        "--set", "image.registry=registry.example.com/x", "--set", setting,
        "--set", "broker.identity.requireConnectorAudience=true",
    )  # fmt: skip

    assert code != 0
    assert says in err
