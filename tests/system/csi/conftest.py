import pytest

import canary
from kube import ISSUER


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A driver that knows ci/harbor, over TLS, and shared/hub; the account ci/builder may use both."""
    from csi import CsiNode

    node = CsiNode(str(tmp_path_factory.mktemp("node")))
    try:
        node.start(driver=False)
        node.new_connector("ci", "harbor", ca=node.control.ca.pem)
        node.new_connector("shared", "hub", address="https://registry-1.docker.io")
        node.grant("ci", "builder", "ci", "harbor")
        node.grant("ci", "builder", "shared", "hub")
        node.control.new_account("ci", "stranger")
        node.start_driver()
        yield node
        # Everything was logged at debug, and what failed was said: no token is in any of it.
        canary.check_file(node.driver.log_path, [], {ISSUER: "a token of a pod"})
        text = node.admin("/metrics")[1] + node.admin("/status.json")[1]
        canary.check_bytes("the admin port", text.encode(), [], {ISSUER: "a token of a pod"})
    finally:
        node.close()
