"""What the chart renders: for each set of values, without a cluster."""

import base64
import json
import os
import re
import subprocess
import textwrap

import pytest
import yaml

from chart import (
    CHART,
    NAMESPACE,
    PROGRAMS,
    ROOT,
    SETS,
    helm,
    of_kind,
    pod_templates,
    program_config,
    render,
    template,
    the,
    values_of,
    workload,
)
from testca import TestCa, write
from world import program

each_set = pytest.mark.parametrize("values", SETS)
each_program = pytest.mark.parametrize("name", PROGRAMS)


@each_set
def test_lint_has_nothing_to_say(values):
    code, out, err = helm(
        "lint", "--strict", CHART, "--values", values_of(values), "--kube-version", "1.36.3"
    )

    assert code == 0, out + err


REFUSED = {
    "nothing said of the registry": ([], "image.registry is missing"),
    "a registry with a scheme": (["image.registry=https://r.example.com"], "registry"),
    "a key that does not exist": (["dataplane.replica=3"], "replica"),
    "a mode that does not exist": (["certificates.mode=magic"], "mode"),
    "a Role for all Secrets": (["secretAccess[0].namespace=a", "secretAccess[0].secrets="], "secrets"),
    "a digest that is none": (["broker.image.digest=sha256:12"], "digest"),
    "no replica": (["broker.replicas=0"], "replicas"),
    "a drain without time": (["dataplane.drainSeconds=0"], "drainSeconds"),
    "a duration without a unit": (["broker.audit.maxFileAge=24"], "maxFileAge"),
    "existing certificates without names": (["certificates.mode=existing"], "broker.peers.dataplanes is missing"),
    "a Secret's name where the Job makes it": (
        ["certificates.secretNames.broker=mine"],
        "secretNames.broker",
    ),
    "renewal after the end": (["certificates.days=10"], "renewBeforeDays"),
    "more replicas at least than at most": (["dataplane.autoscaling.minReplicas=11"], "minReplicas"),
    "a namespace twice": (
        [f"secretAccess[{i}].{each}" for i in (0, 1) for each in ("namespace=a", "secrets[0]=b")], "twice"),
    "a drain longer than the grace period": (["broker.preStopSeconds=30"], "terminationGracePeriodSeconds"),
}  # fmt: skip


@pytest.mark.parametrize("rule", REFUSED)
def test_refuses(rule):
    settings, says = REFUSED[rule]
    if rule != "nothing said of the registry":
        settings = ["image.registry=registry.example.com/x", *settings]

    code, _, err = template(*[part for each in settings for part in ("--set", each)])

    assert code != 0
    assert says in err


@each_set
def test_no_registry_but_the_one_of_the_values(values):
    for name, pod in pod_templates(render(values)).items():
        for container in pod["spec"]["containers"]:
            assert container["image"].startswith("registry.example.com/oci-connector/"), name


@each_set
def test_each_pod_is_restricted(values):
    for name, pod in pod_templates(render(values)).items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        user = {"openshift": None, "restricted": 20001 if "broker" in name else 65532}
        assert spec["securityContext"].get("runAsUser") == user.get(values, 65532), name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            }, name  # fmt: skip
            assert "memory" in container["resources"]["limits"], name


@each_set
def test_only_what_speaks_to_the_api_has_its_token(values):
    with_token = {
        name.split()[0] + " " + pod["metadata"]["labels"]["app.kubernetes.io/component"]
        for name, pod in pod_templates(render(values)).items()
        if any("serviceAccountToken" in source and "audience" not in source["serviceAccountToken"]
               for volume in pod["spec"]["volumes"]
               for source in volume.get("projected", {}).get("sources", []))
    }  # fmt: skip

    jobs = {"existing": set(), "cert-manager": {"Job certificates"}}
    expected = {"StatefulSet broker", "Deployment controller"}
    assert with_token == expected | jobs.get(values, {"Job certificates", "CronJob certificates"})


@each_set
def test_selectors_find_their_pods_and_no_others(values):
    objects = render(values)
    pods = {name: pod["metadata"]["labels"] for name, pod in pod_templates(objects).items()}
    for each in of_kind(
        objects, "Deployment", "StatefulSet", "PodDisruptionBudget", "NetworkPolicy", "Service"
    ):
        spec = each["spec"]
        selector = spec.get("podSelector", spec.get("selector"))
        selector = selector.get("matchLabels", selector)
        found = {labels["app.kubernetes.io/component"] for labels in pods.values()
                 if selector.items() <= labels.items()}  # fmt: skip
        everything = each["metadata"]["name"].endswith("-deny")
        own = each["metadata"]["labels"]["app.kubernetes.io/component"]
        assert found == (
            {labels["app.kubernetes.io/component"] for labels in pods.values()}
            if everything
            else {own}
        )


@each_set
def test_a_pod_drains_before_it_is_killed(values):
    for name in PROGRAMS:
        spec = workload(render(values), name)["spec"]["template"]["spec"]
        pre_stop = (
            spec["containers"][0]
            .get("lifecycle", {})
            .get("preStop", {})
            .get("sleep", {})
            .get("seconds", 0)
        )
        drain = {"broker": "10s", "controller": "10s"}.get(name)
        drain = drain or yaml.safe_load(program_config(render(values), name))["drainTimeout"]
        assert pre_stop + int(drain.removesuffix("s")) < spec["terminationGracePeriodSeconds"], name
        # While it sleeps, its address leaves the Services: readiness plays no part in that.
        assert name == "controller" or pre_stop >= 5, name


def test_an_upgrade_keeps_as_many_data_planes_as_there_are():
    spec = workload(render("default"), "dataplane")["spec"]

    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "replicas" not in spec  # The autoscaler's.


@each_set
def test_probes_and_ports_agree_with_the_configuration(values):
    for name in PROGRAMS:
        objects = render(values)
        config = yaml.safe_load(program_config(objects, name))
        container = workload(objects, name)["spec"]["template"]["spec"]["containers"][0]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        listens = {"admin": config["adminAddress"]}
        if name == "broker":
            listens["grpc"] = config["listenAddress"]
        if name == "dataplane":
            for listener in config["listeners"]:
                listens["https" if "tls" in listener else "http"] = listener["address"]
        assert ports == {key: int(address.rsplit(":", 1)[1]) for key, address in listens.items()}
        assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "admin"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}


def test_clients_speak_tls_alone_and_nobody_lists_names():
    objects = render("default")
    dataplane, broker, controller = (
        yaml.safe_load(program_config(objects, name)) for name in ("dataplane", "broker", "controller")
    )
    own = [f"oci-connector-dataplane.{NAMESPACE}.{suffix}" for suffix in ("svc", "svc.cluster.local")]

    assert dataplane["listeners"] == [
        {"address": "[::]:8443", "tls": {"fromBroker": {"dataplaneHosts": own}}}
    ]
    assert broker["listenerAuthority"] == {
        "hostSuffixes": dataplane["hostSuffixes"],
        "dataplaneHosts": own,
    }
    assert controller["service"]["urlScheme"] == "https"
    assert ports_of(objects) == {"https": 443}


def ports_of(objects):
    """Of the data planes' Service; those that the controller gives each c-NAME are the same."""
    ports = the(objects, "Service", "dataplane")["spec"]["ports"]
    written = yaml.safe_load(program_config(objects, "controller"))["service"]
    keys = {"http": "httpPort", "https": "httpsPort"}
    out = {port["name"]: port["port"] for port in ports}
    assert out == {name: written[key] for name, key in keys.items() if key in written}
    assert "http" in out or written["urlScheme"] == "https", "else it lists 80 by default"
    return out


def test_the_clusters_domain_and_the_suffixes_reach_data_plane_and_broker():
    objects = render("default", "--set", "clusterDomain=corp.internal", "--set",
                     "dataplane.hostSuffixes={reg.example.com}")  # fmt: skip
    dataplane, broker = (yaml.safe_load(program_config(objects, name)) for name in ("dataplane", "broker"))

    assert dataplane["hostSuffixes"] == ["svc.corp.internal", "reg.example.com"]
    assert broker["listenerAuthority"]["hostSuffixes"] == dataplane["hostSuffixes"]
    assert broker["listenerAuthority"]["dataplaneHosts"] == [
        f"oci-connector-dataplane.{NAMESPACE}.{suffix}" for suffix in ("svc", "svc.corp.internal")
    ]


def test_plain_http_is_a_switch_and_so_is_tls():
    def listeners(*settings):
        objects = render("default", *(each for setting in settings for each in ("--set", setting)))
        return [
            (listener["address"], sorted(listener.get("tls", {})))
            for listener in yaml.safe_load(program_config(objects, "dataplane"))["listeners"]
        ]

    plain, tls = ("[::]:8080", []), ("[::]:8443", ["fromBroker"])
    both = ("[::]:8443", ["certificateFile", "fromBroker", "keyFile"])
    plain_http = ("--set", "dataplane.plainHttp.enabled=true")
    assert ports_of(render("default", *plain_http)) == {"http": 80, "https": 443}
    alone = render("default", *plain_http, "--set", "dataplane.tls.enabled=false")
    assert ports_of(alone) == {"http": 80}
    own = ("[::]:8443", ["certificateFile", "keyFile"])
    assert listeners("dataplane.plainHttp.enabled=true") == [plain, tls]
    assert listeners("dataplane.plainHttp.enabled=true", "dataplane.tls.enabled=false") == [plain]
    assert listeners("dataplane.tls.secretName=mine") == [both]
    assert listeners("dataplane.tls.dnsNames={registry.example.com}") == [both]
    assert listeners("dataplane.tls.fromBroker=false") == [own]
    code, _, said = template("--values", values_of("default"), "--set", "dataplane.tls.enabled=false")
    assert code != 0
    assert "dataplane.plainHttp.enabled" in said


def test_the_defaults_of_an_older_chart_are_refused_and_not_taken_for_an_answer():
    """As `helm upgrade --reuse-values` brings them, which knows no key that is new."""
    older = ("dataplane.plainHttp=null", "dataplane.tls.fromBroker=null", "dataplane.tls.enabled=false",
             "broker.denyList=null", "broker.upstreamPolicy=null", "dataplane.certificateVolume=null")  # fmt: skip
    code, _, said = template("--values", values_of("default"), "--set", ",".join(older))
    assert code != 0
    assert "--reset-then-reuse-values" in said
    assert "dataplane.plainHttp.enabled=true" in said


def test_a_changed_configuration_makes_new_pods():
    sums = [
        workload(render("default", "--set", f"{name}.logLevel={level}"), name)["spec"]["template"][
            "metadata"]["annotations"]["checksum/config"]
        for name in PROGRAMS for level in ("info", "warning")
    ]  # fmt: skip

    assert len(set(sums)) == len(sums)


def kubeconfig_of(ca):
    authority = base64.b64encode(ca.pem.encode()).decode()
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c", "namespace": NAMESPACE}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.example.com:6443",
                                               "certificate-authority-data": authority}}],
        "users": [{"name": "c", "user": {"token": "t"}}],
    }  # fmt: skip


@each_set
@each_program
def test_the_program_takes_its_configuration(values, name, tmp_path):
    """With files where the pod has them: /etc and /var stand below tmp_path."""
    config = program_config(render(values), name)
    for path in re.findall(r"(?:/etc/oci-connector|/var/run/secrets)/\S+", config):
        os.makedirs(os.path.dirname(f"{tmp_path}{path}"), exist_ok=True)
        write(f"{tmp_path}{path}", "x" * 32)
    os.makedirs(tmp_path / "var" / "lib" / "oci-connector")
    ca = TestCa(str(tmp_path))
    certificate, key = ca.issue("program", "a.example.com")
    for folder in ("tls", "listener", "siem"):
        folder = tmp_path / "etc" / "oci-connector" / folder
        folder.mkdir(parents=True, exist_ok=True)
        for source, target in ((certificate, "tls.crt"), (key, "tls.key"), (ca.path, "ca.crt")):
            (folder / target).write_bytes(open(source, "rb").read())
    config = re.sub(r"(?<![\w.])/(etc|var)/", rf"{tmp_path}/\1/", config)
    # Here is no pod; test_images.py has one, and the text as it is.
    kubeconfig = write(str(tmp_path / "kubeconfig"), json.dumps(kubeconfig_of(ca)))
    config = re.sub(
        r"^kubernetes: \{\}$", f"kubernetes: {{kubeconfigFile: {kubeconfig}}}", config, flags=re.M
    )
    path = write(str(tmp_path / f"{name}.yaml"), config)

    done = subprocess.run(
        [program(f"connector-{name}"), "--config", path, "--check"], capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, "the configuration is valid\n"), (
        done.stderr + config
    )


def rules_of(objects, name):
    """{(where, group, resource, verb, names)} of what a component's ServiceAccount may do.
    A URL that is no resource stands in the group URL."""
    found = set()
    for role in of_kind(objects, "Role", "ClusterRole"):
        if role["metadata"]["labels"]["app.kubernetes.io/component"] != name:
            continue
        where = role["metadata"].get("namespace", "*")
        for rule in role["rules"]:
            assert set(rule) <= {"apiGroups", "resources", "verbs", "resourceNames", "nonResourceURLs"}
            for group in rule.get("apiGroups", ["URL"]):
                for resource in rule.get("resources") or rule["nonResourceURLs"]:
                    for verb in rule["verbs"]:
                        names = ",".join(rule.get("resourceNames", []))
                        found.add((where, group, resource, verb, names))
    return found


def rights(where, group, resources, verbs, names=""):
    return {
        (where, group, resource, verb, names)
        for resource in resources.split()
        for verb in verbs.split()
    }


OURS = "oci-connector.dev"
BROKER = (
    rights("*", OURS, "connectors connectorclasses", "list watch")
    | rights("*", "authentication.k8s.io", "tokenreviews", "create")
    | rights("*", "authorization.k8s.io", "subjectaccessreviews", "create")
    | rights("*", "URL", "/.well-known/openid-configuration /openid/v1/jwks", "get")
)
CONTROLLER = (
    rights("*", OURS, "connectors connectorclasses", "list watch")
    | rights("*", OURS, "connectors/status", "patch")
    | rights("*", "", "services", "create get list watch patch")
    | rights("*", "discovery.k8s.io", "endpointslices", "create list watch patch delete")
    | rights("*", "events.k8s.io", "events", "create patch")
    | rights(NAMESPACE, "coordination.k8s.io", "leases", "create")
    | rights(
        NAMESPACE,
        "coordination.k8s.io",
        "leases",
        "get list watch patch",
        "oci-connector-controller",
    )
)


def test_each_program_has_exactly_these_rights():
    objects = render("production")

    assert rules_of(objects, "broker") == (
        BROKER
        | rights(NAMESPACE, "", "configmaps", "list watch", "oci-connector-deny-list")
        | rights("team-a", "", "secrets", "get watch", "harbor-robot,harbor-ca")
        | rights("team-b", "", "secrets", "get watch", "quay-robot")
    )
    assert rules_of(objects, "controller") == CONTROLLER
    assert rules_of(objects, "dataplane") == set()
    made = "ca broker-tls dataplane-tls controller-tls operator-tls listener-tls root-key".split()
    assert rules_of(objects, "certificates") == rights(
        NAMESPACE, "", "secrets", "get update", ",".join(f"oci-connector-{each}" for each in made)
    )


def config_of(objects, name):
    return yaml.safe_load(program_config(objects, name))


def test_the_broker_watches_the_deny_list_of_the_values():
    config = config_of(render("production"), "broker")
    assert config["denyList"] == {
        "kubernetes": {"namespace": NAMESPACE, "name": "oci-connector-deny-list"}
    }
    assert "denyList" not in config_of(render("default"), "broker")


def test_data_planes_with_certificates_of_their_own_are_known_by_no_shared_name():
    objects = render("cert-manager")
    pod = workload(objects, "dataplane")["spec"]["template"]["spec"]
    volumes = {each["name"]: each for each in pod["volumes"]}

    assert volumes["tls"]["csi"]["driver"] == "csi.cert-manager.io"
    peers = config_of(objects, "broker")["peers"]["dataplanes"]
    assert peers == ["spiffe://oci-connector.local/dataplane/*"]
    asked = volumes["tls"]["csi"]["volumeAttributes"]["csi.cert-manager.io/uri-sans"]
    assert asked == peers[0].replace("*", "${POD_NAME}")
    made = {each["metadata"]["name"] for each in of_kind(objects, "Certificate")}
    assert "oci-connector-broker" in made
    assert "oci-connector-dataplane" not in made
    shared = config_of(render("default"), "broker")["peers"]["dataplanes"]
    assert shared == ["spiffe://oci-connector.local/dataplane"]


def test_the_page_shows_certificates_of_their_own_as_they_are_rendered_here():
    with open(os.path.join(ROOT, "docs/deny-list.md"), encoding="utf-8") as page:
        (shown,) = re.findall(r"```yaml\n( *certificates:.*?)```", page.read(), re.DOTALL)
    with open(values_of("cert-manager"), encoding="utf-8") as file:
        tested = yaml.safe_load(file)

    shown = yaml.safe_load(textwrap.dedent(shown))
    assert shown["certificates"]["mode"] == tested["certificates"]["mode"]
    assert shown["dataplane"] == {"certificateVolume": tested["dataplane"]["certificateVolume"]}


def test_replicas_change_to_certificates_of_their_own_while_they_run():
    """As the page says it: pods of before are let through until the last of them is gone."""
    name = "spiffe://oci-connector.local/dataplane"
    peers = config_of(
        render("cert-manager", "--set", f"broker.peers.dataplanes={{{name}}}"), "broker"
    )["peers"]["dataplanes"]
    assert peers == [f"{name}/*", name]


@each_set
def test_no_role_names_secrets_without_names(values):
    for role in of_kind(render(values), "Role", "ClusterRole"):
        for rule in role["rules"]:
            named = "secrets" not in rule.get("resources", []) or rule["resourceNames"]
            assert named, role["metadata"]["name"]


@each_set
def test_roles_are_bound_to_their_own_account(values):
    objects = render(values)
    for binding in of_kind(objects, "RoleBinding", "ClusterRoleBinding"):
        own = binding["metadata"]["labels"]["app.kubernetes.io/component"]
        account = the(objects, "ServiceAccount", own)["metadata"]["name"]
        assert binding["subjects"] == [
            {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
        ]
        assert binding["roleRef"]["name"] in [
            role["metadata"]["name"] for role in of_kind(objects, "Role", "ClusterRole")
            if role["metadata"]["labels"]["app.kubernetes.io/component"] == own
        ]  # fmt: skip


def edges(objects):
    """{(from, to, port)} that the policies let through; `*` is anybody, `api` and `up` are ours."""
    found = set()
    for policy in of_kind(objects, "NetworkPolicy"):
        own = policy["metadata"]["labels"]["app.kubernetes.io/component"]
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        for direction, key in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction) or []:
                for peer in rule.get(key, [{}]):
                    labels = peer.get("podSelector", {}).get("matchLabels", {})
                    other = labels.get("app.kubernetes.io/component", "labelled" if labels else "*")
                    other = peer.get("ipBlock", {}).get("cidr", other)
                    other = "namespace" if "namespaceSelector" in peer else other
                    for port in rule["ports"]:
                        ends = (other, own) if direction == "ingress" else (own, other)
                        found.add((*ends, port["port"]))
    return found


def test_the_network_has_exactly_these_edges():
    assert edges(render("production")) == {
        ("dataplane", "broker", 7443), ("controller", "broker", 7443), ("test", "broker", 7443),
        ("labelled", "broker", 7443),
        ("namespace", "broker", 7480), ("namespace", "dataplane", 8480), ("namespace", "controller", 9480),
        ("namespace", "dataplane", 8080), ("namespace", "dataplane", 8443),
        ("test", "dataplane", 8443),
        ("broker", "10.0.0.1/32", 6443), ("controller", "10.0.0.1/32", 6443),
        ("certificates", "10.0.0.1/32", 6443),
        ("broker", "192.0.2.0/24", 443), ("broker", "192.0.2.0/24", 8443),
        ("dataplane", "192.0.2.0/24", 443), ("dataplane", "192.0.2.0/24", 8443),
        ("broker", "*", 8200),
        *((each, "*", 53) for each in ("broker", "dataplane", "controller", "certificates", "test")),
    }  # fmt: skip


def test_the_data_planes_service_has_the_ports_that_the_controller_goes_by():
    ports = the(
        [e for e in render("production") if "metrics" not in e["metadata"]["name"]],
        "Service",
        "dataplane",
    )["spec"]["ports"]

    assert {port["name"]: (port["port"], port["targetPort"]) for port in ports} == {
        "http": (80, "http"), "https": (443, "https"),
    }  # fmt: skip


@each_set
def test_certificates_have_the_names_that_are_looked_for(values):
    """The data plane's name for the broker is in the broker's certificate, whoever makes it."""
    objects = render(values)
    wanted = yaml.safe_load(program_config(objects, "dataplane"))["broker"]["serverName"]
    if values == "existing":
        return  # Made by somebody else.
    if values == "cert-manager":
        (made,) = [
            each
            for each in of_kind(objects, "Certificate")
            if each["metadata"]["name"].endswith("-broker")
        ]
        names = made["spec"]["dnsNames"]
    else:
        arguments = the(objects, "Job", "certificates")["spec"]["template"]["spec"]["containers"][
            0
        ]["args"]
        names = [each.removeprefix("--broker-dns=") for each in arguments]
    assert wanted in names


@each_set
def test_the_job_may_touch_what_it_is_told_to_make(values):
    objects = render(values)
    jobs = of_kind(objects, "Job")
    made = {each["metadata"]["name"] for each in of_kind(objects, "Secret")}
    (role,) = [
        each
        for each in of_kind(objects, "Role")
        if each["metadata"]["name"].endswith("-certificates")
    ] or [None]
    assert bool(jobs) == bool(role) == (values != "existing")
    if role:
        assert set(role["rules"][0]["resourceNames"]) == made
        assert all(
            "data" not in each and "stringData" not in each for each in of_kind(objects, "Secret")
        )


def test_long_names_stay_within_63_characters():
    long = "a" * 53
    objects = [each for each in yaml.safe_load_all(helm(
        "template", long, CHART, "--kube-version", "1.36.3", "--values", values_of("production"))[1]) if each]  # fmt: skip

    assert objects
    assert (
        max(
            len(each["metadata"]["name"])
            for each in objects
            if each["kind"] not in ("ClusterRole", "ClusterRoleBinding")
        )
        <= 63
    )
