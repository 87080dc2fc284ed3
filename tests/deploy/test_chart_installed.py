"""The chart in a real API server with its controllers: admitted by Pod Security `restricted`, no right
too many, certificates made by the Job's own command, upgraded, removed. No kubelet: pods are made and
stay pending."""

import base64
import json
import os
import re
import shutil
import subprocess

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from chart import (
    CHART,
    NAMESPACE,
    RELEASED,
    ROOT,
    SETS,
    component,
    helm,
    of_kind,
    pod_templates,
    render,
    upgraded,
    values_of,
)
from kube import ControlPlane
from netns import wait_until
from peers import peer
from test_chart import BROKER, CONTROLLER, rights
from world import program

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}
# Kinds of operators that are not here, with any content.
FOREIGN = {
    "cert-manager.io/v1": ["Certificate", "Issuer"],
    "monitoring.coreos.com/v1": ["PrometheusRule", "ServiceMonitor"],
}
BOTH_FAMILIES = ["--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108"]
TEAMS = ("team-a", "team-b")


def foreign_crd(group, version, kind):
    plural = kind.lower() + "s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
                 "versions": [{"name": version, "served": True, "storage": True,
                               "schema": {"openAPIV3Schema": schema}}]},
    }  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    control = ControlPlane(str(tmp_path_factory.mktemp("cluster")), more=BOTH_FAMILIES)
    try:
        control.start(controllers=True)
        for api, kinds in FOREIGN.items():
            group, version = api.split("/")
            control.apply(*(foreign_crd(group, version, kind) for kind in kinds))
            for kind in kinds:
                path = f"/apis/{api}/{kind.lower()}s"
                wait_until(lambda path=path: control.ask("GET", path)[0] == 200, f"{path} serves")
        for team in TEAMS:
            control.new_namespace(team)
        control.new_namespace(NAMESPACE, RESTRICTED)
        control.new_namespace(f"{NAMESPACE}-csi", PRIVILEGED)
        yield control
    finally:
        control.close()


def run_helm(cluster, *arguments):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": cluster.directory,
        "KUBECONFIG": cluster.kubeconfig,
    }
    code, out, err = helm(*arguments, "--namespace", NAMESPACE, environment=environment)
    assert code == 0, err
    return out


def upgrade(cluster, values, *more):
    return run_helm(
        cluster,
        "upgrade",
        "--install",
        "oci-connector",
        CHART,
        "--values",
        values_of(values),
        *more,
    )


def get(cluster, *arguments):
    return json.loads(cluster.kubectl("get", *arguments, "-n", NAMESPACE, "-o", "json").ok().stdout)


def secret(cluster, name):
    found = get(cluster, "secret", name).get("data", {})
    return {key: base64.b64decode(value) for key, value in found.items()}


@pytest.fixture(scope="module")
def installed(cluster):
    """(the cluster, what helm said)"""
    said = upgrade(
        cluster,
        "default",
        "--set",
        "secretAccess[0].namespace=team-a,secretAccess[0].secrets={harbor-robot}",
    )
    yield cluster, said
    run_helm(cluster, "uninstall", "oci-connector")


def assert_taken(cluster, objects):
    """As `kubectl apply --dry-run=server`, with unknown fields refused and warnings told."""
    done = cluster.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f", "-",
        stdin="\n---\n".join(json.dumps(each) for each in objects),
    )  # fmt: skip

    assert done.code == 0, done.output
    assert done.stdout.count("(server dry run)") == len(objects)


@pytest.mark.parametrize("values", SETS)
def test_the_api_server_takes_all_of_it(cluster, values):
    objects = [each for each in render(values) if each["kind"] != "Pod"]
    assert_taken(cluster, objects)


@pytest.mark.parametrize("values", SETS)
def test_each_pod_is_admitted(cluster, values):
    """Also those that a CronJob would make some day, and that of `helm test`."""
    for name, pod in pod_templates(render(values)).items():
        spec = {
            k: v
            for k, v in pod["spec"].items()
            if k not in ("serviceAccountName", "priorityClassName")
        }
        if name.startswith("StatefulSet"):  # Which adds the volume by itself.
            spec["volumes"] = [
                *spec["volumes"],
                {"name": "audit", "persistentVolumeClaim": {"claimName": "x"}},
            ]
        metadata = {"generateName": "p-", "labels": pod["metadata"]["labels"]}
        each = {"apiVersion": "v1", "kind": "Pod", "spec": spec, "metadata": metadata}
        status, answer = cluster.ask(
            "POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All&fieldValidation=Strict", each
        )
        assert status == 201, f"{name}: {answer}"


def test_the_api_server_takes_the_driver_with_all_its_values(cluster):
    settings = ("csi.enabled=true", "csi.namespace.create=false", "kubeletPulls.enabled=true",
                "serviceMonitor.enabled=true", "csi.extraEnv[0].name=A", "csi.extraEnv[0].value=b",
                "csi.extraVolumes[0].name=x", "csi.extraVolumes[0].configMap.name=x",
                "csi.extraVolumeMounts[0].name=x", "csi.extraVolumeMounts[0].mountPath=/x",
                "csi.extraContainers[0].name=more", "csi.extraContainers[0].image=registry.example.com/more:1")  # fmt: skip
    objects = render("openshift", *[part for each in settings for part in ("--set", each)])
    objects = [each for each in objects if component(each) in ("csi", "kubelet")]
    assert_taken(cluster, objects)


@pytest.mark.parametrize("values", RELEASED)
def test_the_api_server_takes_an_upgrade_with_the_values_of_a_release(cluster, values):
    objects = [each for each in upgraded(values) if each["kind"] != "Pod"]
    assert_taken(cluster, objects)


def test_a_larger_audit_volume_is_no_reason_to_refuse_an_upgrade(installed):
    """The API refuses every change of a StatefulSet's template of claims."""
    cluster, _ = installed
    grown = ("--set", "secretAccess[0].namespace=team-a,secretAccess[0].secrets={harbor-robot}",
             "--set", "broker.audit.size=20Gi")  # fmt: skip
    said = upgrade(cluster, "default", *grown)

    made = get(cluster, "statefulset", "oci-connector-broker")["spec"]["volumeClaimTemplates"]
    assert [each["spec"]["resources"]["requests"]["storage"] for each in made] == ["10Gi"]
    for i in (0, 1):
        assert (f"kubectl -n {NAMESPACE} patch pvc audit-oci-connector-broker-{i}" in said), said
    assert '"storage": "20Gi"' in said


def test_pod_security_would_refuse_a_pod_that_runs_as_root(cluster):
    """That the two above say something."""
    pod = json.loads(
        json.dumps(pod_templates(render("default"))["Deployment oci-connector-dataplane"])
    )
    for context in (
        pod["spec"]["securityContext"],
        pod["spec"]["containers"][0]["securityContext"],
    ):
        context.pop("runAsNonRoot")
    del pod["spec"]["serviceAccountName"]
    each = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "p-"},
        "spec": pod["spec"],
    }
    status, answer = cluster.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", each)

    assert status == 403
    assert "runAsNonRoot" in answer["message"]


def test_the_controllers_make_all_pods(installed):
    cluster, _ = installed
    wanted = {"broker": 2, "dataplane": 2, "controller": 2, "certificates": 1}

    def made():
        pods = get(cluster, "pods")["items"]
        found = [pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods]
        return {name: found.count(name) for name in set(found)} == wanted

    # The second data plane is the autoscaler's, which looks every 15 s.
    wait_until(made, "all pods are made", 45)
    claims = [claim["metadata"]["name"] for claim in get(cluster, "pvc")["items"]]
    assert sorted(claims) == ["audit-oci-connector-broker-0", "audit-oci-connector-broker-1"]


def rules_review(cluster, account, namespace):
    """{(group, resource, verb, names)} of what an account may do there, but for what everybody may."""
    body = {"spec": {"namespace": namespace}}
    token = cluster.token(account, NAMESPACE, audience=None)
    status, answer = cluster.ask(
        "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body, token
    )
    assert status == 201 and not answer["status"]["incomplete"], answer
    found = {
        (group, resource, verb, ",".join(rule.get("resourceNames", [])))
        for rule in answer["status"]["resourceRules"]
        for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
    }  # fmt: skip
    return {each for each in found if not each[1].startswith("selfsubject")}


@pytest.mark.parametrize("namespace", [NAMESPACE, "team-a", "team-b"])
def test_each_account_may_do_what_the_table_says_and_nothing_else(installed, namespace):
    cluster, _ = installed
    granted = {
        "broker": BROKER | rights("team-a", "", "secrets", "get watch", "harbor-robot"),
        "controller": CONTROLLER,
        "dataplane": set(),
        "certificates": rights(NAMESPACE, "", "secrets", "get update", ",".join(
            f"oci-connector-{each}" for each in
            ("ca", "broker-tls", "dataplane-tls", "controller-tls", "operator-tls", "root-key"))),
    }  # fmt: skip
    for name, table in granted.items():
        # What is no resource, every ServiceAccount may read in a new cluster; the chart says it, too.
        expected = {
            rule[1:] for rule in table if rule[0] in ("*", namespace) and rule[1] != "URL"
        }
        assert rules_review(cluster, f"oci-connector-{name}", namespace) == expected, name


def job_command(cluster, replaced=()):
    """The Job's container: its own arguments, as its own ServiceAccount."""
    (job,) = get(cluster, "jobs")["items"]
    spec = job["spec"]["template"]["spec"]
    arguments = spec["containers"][0]["args"]
    for old, new in replaced:
        arguments[arguments.index(old)] = new
    kubeconfig = cluster.kubeconfig_of(spec["serviceAccountName"], NAMESPACE)
    return [program("connectorctl"), *arguments, "--kubeconfig", kubeconfig]


def run_job(cluster, *replaced):
    done = subprocess.run(
        job_command(cluster, replaced), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_job_makes_certificates_and_keeps_them(installed):
    cluster, _ = installed
    assert run_job(cluster) == [
        f"written oci-connector-{name} (was empty)" for name in
        ("ca", "broker-tls", "dataplane-tls", "controller-tls", "operator-tls", "root-key")
    ]  # fmt: skip
    before = {
        name: secret(cluster, f"oci-connector-{name}") for name in ("ca", "broker-tls", "root-key")
    }
    certificate = x509.load_pem_x509_certificate(before["broker-tls"]["tls.crt"])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert f"oci-connector-broker.{NAMESPACE}.svc" in names.get_values_for_type(x509.DNSName)
    assert before["broker-tls"]["ca.crt"] == before["ca"]["tls.crt"]
    assert len(before["root-key"]["root.key"]) == 32

    assert {line.split()[0] for line in run_job(cluster)} == {"kept"}

    # A second `helm upgrade` finds Secrets that are not empty any more, and leaves them.
    said = upgrade(
        cluster,
        "default",
        "--set",
        "secretAccess[0].namespace=team-a,secretAccess[0].secrets={harbor-robot}",
        "--set",
        "broker.logLevel=debug",
    )
    assert {name: secret(cluster, f"oci-connector-{name}") for name in before} == before
    # Whoever comes from a version with plain HTTP hears it before the clients do.
    assert "set dataplane.plainHttp.enabled: true" in said


def test_the_job_renews_what_ends_soon(installed):
    cluster, _ = installed
    run_job(cluster)
    authority, old = (secret(cluster, f"oci-connector-{name}") for name in ("ca", "broker-tls"))

    said = run_job(
        cluster, ("--days=90", "--days=200"), ("--renew-before-days=30", "--renew-before-days=100")
    )

    assert said == [
        "kept    oci-connector-ca",
        *(f"written oci-connector-{name} (its end was near)" for name in
          ("broker-tls", "dataplane-tls", "controller-tls", "operator-tls")),
        "kept    oci-connector-root-key",
    ]  # fmt: skip
    new = secret(cluster, "oci-connector-broker-tls")
    assert new["tls.key"] != old["tls.key"]
    assert new["ca.crt"] == old["ca.crt"] == authority["tls.crt"]


def test_the_jobs_account_makes_no_secret_and_reads_no_other(installed):
    """With the right to create Secrets it could have a token of the broker's account made."""
    cluster, _ = installed
    token = cluster.token("oci-connector-certificates", NAMESPACE, audience=None)
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    body = {"metadata": {"name": "x", "annotations": {"kubernetes.io/service-account.name": "oci-connector-broker"}},
            "type": "kubernetes.io/service-account-token"}  # fmt: skip

    assert cluster.ask("POST", secrets, body, token)[0] == 403
    assert cluster.ask("GET", secrets, token=token)[0] == 403
    assert (
        cluster.ask("GET", f"{secrets}/sh.helm.release.v1.oci-connector.v1", token=token)[0] == 403
    )


def test_a_missing_secret_is_named(installed):
    cluster, _ = installed
    done = subprocess.run(
        [program("connectorctl"), "pki", "cluster", "--prefix=other", "--root-key-only",
         "--kubeconfig", cluster.kubeconfig, "--namespace", NAMESPACE], capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr == (
        f"connectorctl: Secret {NAMESPACE}/other-root-key does not exist; the chart makes it, or: "
        f"kubectl -n {NAMESPACE} create secret generic other-root-key\n"
    )


def test_two_jobs_at_once_agree(installed):
    cluster, _ = installed
    for name in ("ca", "broker-tls", "root-key"):
        cluster.kubectl("patch", "secret", f"oci-connector-{name}", "-n", NAMESPACE, "--type=json",
                        '-p=[{"op": "remove", "path": "/data"}]').ok()  # fmt: skip
    argv = job_command(cluster)
    jobs = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for each in jobs:
        _, err = each.communicate(timeout=60)
        assert each.returncode == 0, err

    authority = x509.load_pem_x509_certificate(secret(cluster, "oci-connector-ca")["tls.crt"])
    for name in ("broker-tls", "dataplane-tls", "controller-tls", "operator-tls"):
        found = secret(cluster, f"oci-connector-{name}")
        certificate = x509.load_pem_x509_certificate(found["tls.crt"])
        authority.public_key().verify(  # Or raises.
            certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256())
        )


def commands_of(notes):
    """Those of kubectl alone, without what waits for pods that nobody runs."""
    lines = re.findall(r"^  (.*)$", notes, re.MULTILINE)
    text = "\n".join(lines).replace("\\\n", " ")
    found = re.findall(r"^(kubectl -n team-a .*(?:\n(?!kubectl|c-).*)*)", text, re.MULTILINE)
    return [each for each in found if "create token" not in each]


def test_notes_can_be_followed(installed):
    """Each command of NOTES.txt that needs no kubelet, in its order."""
    cluster, said = installed
    commands = commands_of(said.split("NOTES:\n")[1])
    assert len(commands) == 7, commands
    environment = {"PATH": f"{os.path.dirname(peer('kubectl'))}:{os.environ['PATH']}",
                   "HOME": cluster.directory, "KUBECONFIG": cluster.kubeconfig}  # fmt: skip
    for command in commands:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env=environment,
            cwd=cluster.directory,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, command + done.stderr

    user = "system:serviceaccount:team-a:default"
    broker = f"system:serviceaccount:{NAMESPACE}:oci-connector-broker"
    for account, question in ((user, "get connectors.oci-connector.dev/harbor --subresource=proxy"),
                              (broker, "get secrets/harbor-robot"), (broker, "watch secrets/harbor-robot")):  # fmt: skip
        assert (
            cluster.kubectl(
                "auth", "can-i", *question.split(), f"--as={account}", "-n", "team-a"
            ).stdout
            == "yes\n"
        )
    assert (
        cluster.kubectl("auth", "can-i", "list", "secrets", f"--as={broker}", "-n", "team-a").stdout
        == "no\n"
    )


def test_a_packaged_chart_is_whole(tmp_path):
    code, out, err = helm("package", CHART, "--destination", str(tmp_path))
    assert code == 0, err
    (package,) = tmp_path.iterdir()

    code, out, err = helm(
        "template",
        "x",
        str(package),
        "--kube-version",
        "1.36.3",
        "--values",
        values_of("production"),
    )

    assert code == 0, err
    assert {"PrometheusRule", "ConnectorClass"} <= {
        each["kind"] for each in yaml.safe_load_all(out) if each
    }
    shutil.unpack_archive(package, tmp_path / "unpacked")
    crds = os.path.join(ROOT, "deploy", "crds")
    for name in os.listdir(os.path.join(CHART, "crds")):
        with open(os.path.join(crds, name), "rb") as ours, open(
            tmp_path / "unpacked" / "oci-connector" / "crds" / name, "rb") as shipped:  # fmt: skip
            assert ours.read() == shipped.read()
    assert of_kind([each for each in yaml.safe_load_all(out) if each], "Deployment")
