"""What operators of other platforms set: ids, families of addresses, ports of DNS, service meshes; and
what an upgrade makes of the values of an earlier release."""

import os

import pytest
import yaml

from chart import (
    FOLDERS,
    NAMESPACE,
    PROGRAMS,
    RELEASED,
    RELEASES,
    of_kind,
    pod_templates,
    program_config,
    render,
    template,
    the,
    upgraded,
    values_of,
    workload,
)


def with_set(values, *settings):
    return render(values, *[part for each in settings for part in ("--set", each)])


def test_a_security_context_is_left_out_by_key_and_as_a_whole():
    for name, pod in pod_templates(render("openshift")).items():
        assert set(pod["spec"]["securityContext"]) == {
            "runAsNonRoot", "fsGroupChangePolicy", "seccompProfile",
        }, name  # fmt: skip

    parts = (*PROGRAMS, "certificates.job", "test")
    none = [f"{each}.{key}=null" for each in parts for key in ("podSecurityContext", "securityContext")]
    for name, pod in pod_templates(with_set("default", *none)).items():
        assert "securityContext" not in pod["spec"], name
        assert "securityContext" not in pod["spec"]["containers"][0], name


@pytest.mark.parametrize("component", PROGRAMS)
def test_a_program_has_what_is_added_to_its_pod(component):
    objects = with_set(
        "default", f"{component}.extraContainers[0].name=more", f"{component}.podLabels.a=b",
        f"{component}.securityContext.readOnlyRootFilesystem=false",
    )  # fmt: skip
    pod = workload(objects, component)["spec"]["template"]
    own, more = pod["spec"]["containers"]

    assert (own["name"], more["name"], pod["metadata"]["labels"]["a"]) == (component, "more", "b")
    assert own["securityContext"]["readOnlyRootFilesystem"] is False
    assert own["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_driver_has_what_is_added_to_its_pod():
    objects = with_set(
        "default", "csi.enabled=true", "csi.config.logLevel=debug", "csi.extraEnv[0].name=A",
        "csi.extraContainers[0].name=more", "csi.extraVolumes[0].name=x",
        "csi.extraVolumeMounts[0].name=x", "csi.podSecurityContext.runAsUser=0",
    )  # fmt: skip
    spec = the(objects, "DaemonSet", "csi")["spec"]["template"]["spec"]
    own = spec["containers"][0]

    assert [each["name"] for each in own["env"]] == ["NODE_NAME", "A"]
    assert "x" in [each["name"] for each in own["volumeMounts"]]
    assert "x" in [each["name"] for each in spec["volumes"]]
    assert spec["containers"][-1]["name"] == "more"
    assert spec["securityContext"] == {"runAsUser": 0}
    config = yaml.safe_load(the(objects, "ConfigMap", "csi")["data"]["csi.yaml"])
    assert (config["logLevel"], config["adminAddress"]) == ("debug", "[::]:9580")


def test_openshift_lets_restricted_pods_mount_the_drivers_volumes():
    labels = the(with_set("default", "csi.enabled=true"), "CSIDriver", "csi")["metadata"]["labels"]
    assert labels["security.openshift.io/csi-ephemeral-volume-profile"] == "restricted"


def addresses(values):
    objects = with_set(values, "dataplane.plainHttp.enabled=true", "csi.enabled=true")
    found = []
    for name in (*PROGRAMS, "csi"):
        config = yaml.safe_load(program_config(objects, name))
        found += [config["adminAddress"], config.get("listenAddress")]
        found += [each["address"] for each in config.get("listeners", [])]
    return {each.rsplit(":", 1)[0] for each in found if each}


def test_every_program_listens_where_the_one_value_says():
    assert addresses("default") == {"[::]"}
    assert addresses("restricted") == {"0.0.0.0"}


def test_every_service_has_the_families_that_are_asked_for():
    for service in of_kind(with_set("ipv6", "serviceMonitor.enabled=true", "csi.enabled=true"), "Service"):
        assert service["spec"]["ipFamilyPolicy"] == "SingleStack", service["metadata"]["name"]
        assert service["spec"]["ipFamilies"] == ["IPv6"]
    for service in of_kind(render("default"), "Service"):
        assert not {"ipFamilyPolicy", "ipFamilies"} & set(service["spec"])


def test_the_ports_of_dns_are_a_value():
    def dns(values):
        return {
            (port["port"], port["protocol"])
            for policy in of_kind(render(values), "NetworkPolicy")
            for rule in (policy["spec"].get("egress") or [])[:1]
            for port in rule["ports"]
        }

    assert dns("default") == {(53, "UDP"), (53, "TCP")}
    assert dns("openshift") == {(5353, "UDP"), (5353, "TCP")}


def test_a_service_mesh_is_told_what_each_port_speaks():
    """Istio: the protocol is appProtocol, or what stands before the `-` of the name."""
    objects = with_set(
        "default", "dataplane.plainHttp.enabled=true", "serviceMonitor.enabled=true", "csi.enabled=true"
    )
    told = {
        (port["name"], port["appProtocol"])
        for service in of_kind(objects, "Service") for port in service["spec"]["ports"]
    }  # fmt: skip
    assert told == {("tls-grpc", "tls"), ("http", "http"), ("https", "https"), ("admin", "http")}
    for name, pod in pod_templates(render("istio")).items():
        sidecar = pod["metadata"]["labels"]["sidecar.istio.io/inject"]
        ends = name.split()[0] in ("Job", "CronJob", "Pod")
        assert sidecar == ("false" if ends else "true"), name


def test_a_load_balancer_keeps_the_addresses_of_clients():
    spec = the(render("restricted"), "Service", "dataplane")["spec"]
    assert spec["externalTrafficPolicy"] == "Local"
    assert spec["loadBalancerSourceRanges"] == ["10.0.0.0/8"]


def test_the_driver_is_monitored_where_it_is():
    objects = with_set("default", "serviceMonitor.enabled=true", "csi.enabled=true")
    for kind in ("Service", "ServiceMonitor"):
        assert the(objects, kind, "csi")["metadata"]["namespace"] == f"{NAMESPACE}-csi"
    assert the(objects, "Service", "csi")["spec"]["ports"][0]["port"] == 9580
    without = with_set("default", "serviceMonitor.enabled=true")
    assert len(of_kind(without, "ServiceMonitor")) == len(PROGRAMS)


@pytest.mark.parametrize("values", RELEASED)
def test_an_upgrade_takes_what_was_set_for_a_release(values):
    with open(os.path.join(RELEASES, f"{values}.yaml"), encoding="utf-8") as file:
        was = yaml.safe_load(file)
    objects = upgraded(values)

    assert {component: workload(objects, component)["kind"] for component in PROGRAMS}
    for component in PROGRAMS:
        for key, value in was.get(component, {}).get("podAnnotations", {}).items():
            pod = workload(objects, component)["spec"]["template"]
            assert pod["metadata"]["annotations"][key] == value


@pytest.mark.parametrize("release", FOLDERS)
def test_the_defaults_of_a_release_get_a_sentence(release):
    """`--reuse-values` brings them in place of the new chart's; nulls take away what they did not have."""
    with open(os.path.join(RELEASES, release, "defaults.yaml"), encoding="utf-8") as file:
        old = yaml.safe_load(file)
    with open(os.path.join(os.path.dirname(values_of("x")), os.pardir, "values.yaml"), encoding="utf-8") as file:
        new = yaml.safe_load(file)

    def missing(new, old, path=""):
        for key, value in new.items():
            if key not in old:
                yield f"{path}{key}=null"
            elif isinstance(value, dict) and value and isinstance(old[key], dict):
                yield from missing(value, old[key], f"{path}{key}.")

    code, _, said = template(
        "--values", os.path.join(RELEASES, release, "defaults.yaml"),
        "--set", "image.registry=registry.example.com/x", "--set", ",".join(missing(new, old)),
    )  # fmt: skip
    assert code != 0
    assert "--reset-then-reuse-values" in said
