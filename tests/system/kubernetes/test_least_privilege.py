"""Each ServiceAccount of the chart may do what the chart says, and nothing else: the API server
itself is asked."""

import pytest

import chart
from kube import ControlPlane
from netns import wait_until

# What everybody may do who has a token: asking about itself, and reading the API's own pages.
EVERYBODY = "everybody"


@pytest.fixture(scope="module")
def kube(tmp_path_factory):
    kube = ControlPlane(str(tmp_path_factory.mktemp("kube")))
    kube.start()
    kube.new_namespace(chart.NAMESPACE)
    for name in ("team-a", "other"):
        kube.new_namespace(name)
    kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
             "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")  # fmt: skip
    kube.apply(*chart.of_kind(chart.render("default"), *kinds))
    kube.new_account("other", EVERYBODY)
    yield kube
    kube.close()


def rules_of(kube, account, namespace, asked):
    """{(group, resource, names, verb)} that `account` has in namespace `asked`."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    token = kube.token(account, namespace, audience=None)
    status, answer = kube.ask("POST", path, {"spec": {"namespace": asked}}, token=token)
    assert status == 201, answer
    assert not answer["status"].get("incomplete")
    return {
        (group, resource, tuple(rule.get("resourceNames", ())), verb)
        for rule in answer["status"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


CONNECTORS = {("oci-connector.dev", name, (), verb) for name in ("connectors", "connectorclasses")
              for verb in ("list", "watch")}  # fmt: skip
BROKER = CONNECTORS | {
    ("authentication.k8s.io", "tokenreviews", (), "create"),
    ("authorization.k8s.io", "subjectaccessreviews", (), "create"),
}
CONTROLLER = CONNECTORS | {
    ("oci-connector.dev", "connectors/status", (), "patch"),
    *(("", "services", (), verb) for verb in ("create", "get", "list", "watch", "patch")),
    *(("discovery.k8s.io", "endpointslices", (), verb)
      for verb in ("create", "list", "watch", "patch", "delete")),
    *(("events.k8s.io", "events", (), verb) for verb in ("create", "patch")),
}  # fmt: skip
LEASES = {
    ("coordination.k8s.io", "leases", (), "create"),
    *(("coordination.k8s.io", "leases", ("oci-connector-controller",), verb)
      for verb in ("get", "list", "watch", "patch")),
}  # fmt: skip
SECRETS = {
    ("", "secrets", (name,), verb) for name in ("harbor-robot", "harbor-ca") for verb in ("get", "watch")
}


@pytest.mark.parametrize(
    ("account", "asked", "rights"),
    [
        ("broker", chart.NAMESPACE, BROKER),
        ("broker", "other", BROKER),
        ("dataplane", chart.NAMESPACE, set()),
        ("dataplane", "other", set()),
        ("controller", chart.NAMESPACE, CONTROLLER | LEASES),
        ("controller", "other", CONTROLLER),
    ],
)
def test_an_account_has_the_rights_of_the_table_and_no_more(kube, account, asked, rights):
    everybody = rules_of(kube, EVERYBODY, "other", asked)

    found = rules_of(kube, f"oci-connector-{account}", chart.NAMESPACE, asked)

    assert found - everybody == rights


# What RBAC cannot say: the policy of the chart, by the controller's own token.

SERVICES = "/api/v1/namespaces/other/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/other/endpointslices"
OWNER = [{
    "apiVersion": "oci-connector.dev/v1alpha1", "kind": "Connector", "name": "harbor",
    "uid": "2b0c2a7e-58a5-4a44-9f0f-6e9f7ac1c7ad", "controller": True,
}]  # fmt: skip
DATAPLANE = "oci-connector-dataplane.oci-connector.svc.cluster.local"
PORTS = [{"name": "http", "port": 80}]


def service(name, owners=(), **spec):
    metadata = {"name": name, "ownerReferences": list(owners)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {"ports": PORTS, **spec}}  # fmt: skip


def alias(name, owners=(), target=DATAPLANE):
    return service(name, owners, type="ExternalName", externalName=target)


def endpoint_slice(name, owners=()):
    metadata = {"name": name, "ownerReferences": list(owners)}
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
            "addressType": "IPv4", "ports": PORTS, "endpoints": []}  # fmt: skip


@pytest.fixture(scope="module")
def policed(kube):
    """(method, path, body) -> status of the controller's question, once the policy is in force."""
    token = kube.token("oci-connector-controller", chart.NAMESPACE, audience=None)

    def ask(method, path, body=None, type_="application/merge-patch+json"):
        status, answer = kube.ask(
            method, path, body, token=token, type_=type_ if method == "PATCH" else None
        )
        if status >= 400:
            assert "connector-controller" in answer["message"], answer
        return status

    def refuses():
        status, _ = kube.ask("POST", SERVICES + "?dryRun=All", alias("probe"), token=token)
        return status == 422

    wait_until(refuses, "the admission policy is in force", timeout=60)
    return ask


def test_the_controller_makes_only_what_a_connector_owns(policed):
    assert policed("POST", SERVICES, alias("c-harbor", OWNER)) == 201
    assert policed("POST", SERVICES, service("c-alone", OWNER, type="ClusterIP")) == 201
    assert policed("POST", SLICES, endpoint_slice("c-harbor-ipv4-1", OWNER)) == 201
    refused = [
        (SERVICES, alias("c-nobody")),
        (SERVICES, alias("harbor", OWNER)),
        (SERVICES, alias("c-elsewhere", OWNER, "evil.example.com")),
        (SERVICES, service("c-pods", OWNER, type="ClusterIP", selector={"app": "bank"})),
        (SERVICES, service("c-node", OWNER, type="NodePort")),
        (SERVICES, service("c-ip", OWNER, type="ClusterIP", externalIPs=["10.1.2.3"])),
        (SLICES, endpoint_slice("c-nobody-1")),
        (SLICES, endpoint_slice("bank-1", OWNER)),
    ]
    assert {policed("POST", path, body) for path, body in refused} == {422}


def test_the_controller_changes_only_what_a_connector_owns(kube, policed):
    for path, body in ((SERVICES, service("bank", selector={"app": "bank"})),
                       (SERVICES, alias("c-theirs")),
                       (SLICES, endpoint_slice("bank-1")),
                       (SLICES, endpoint_slice("c-theirs-1"))):  # fmt: skip
        assert kube.ask("POST", path, body)[0] == 201
    owned = {"metadata": {"ownerReferences": OWNER}}
    assert policed("PATCH", f"{SERVICES}/bank", {"spec": {"selector": {"app": "evil"}}}) == 422
    for name in ("bank", "c-theirs"):
        assert policed("PATCH", f"{SERVICES}/{name}", owned) == 422, "it would make it its own"
    assert policed("PATCH", f"{SLICES}/c-theirs-1", {"endpoints": []}) == 422
    for name in ("bank-1", "c-theirs-1"):
        assert policed("DELETE", f"{SLICES}/{name}") == 422
    # Its own, it may.
    labels = {"metadata": {"labels": {"a": "b"}}}
    assert policed("POST", SERVICES, alias("c-own", OWNER)) == 201
    assert policed("PATCH", f"{SERVICES}/c-own", labels) == 200
    assert policed("PATCH", f"{SERVICES}/c-own", {"spec": {"externalName": "a.test"}}) == 422
    assert policed("POST", SLICES, endpoint_slice("c-own-1", OWNER)) == 201
    assert policed("DELETE", f"{SLICES}/c-own-1") == 200
    # Others are none of the policy's business.
    assert kube.ask("DELETE", f"{SLICES}/bank-1")[0] == 200
