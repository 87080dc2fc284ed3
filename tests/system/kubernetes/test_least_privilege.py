"""Each ServiceAccount of the chart may do what the chart says, and nothing else: the API server
itself is asked."""

import pytest

import chart
from kube import ControlPlane

# What everybody may do who has a token: asking about itself, and reading the API's own pages.
EVERYBODY = "everybody"


@pytest.fixture(scope="module")
def kube(tmp_path_factory):
    kube = ControlPlane(str(tmp_path_factory.mktemp("kube")))
    kube.start()
    kube.new_namespace(chart.NAMESPACE)
    for name in ("team-a", "other"):
        kube.new_namespace(name)
    kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
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
