"""docs/clients: each manifest is one that the API server takes, and what it mounts is what it names."""

import glob
import os
import re

import pytest
import yaml

from chart import ROOT

FOLDER = os.path.join(ROOT, "docs", "clients")
# Each shows a pod, but the index and what was run with which client.
PAGES = sorted(set(glob.glob(os.path.join(FOLDER, "*.md")))
               - {os.path.join(FOLDER, name) for name in ("README.md", "matrix.md")})  # fmt: skip
MOUNTED = "/etc/oci-connector"


def pods(path):
    with open(path, encoding="utf-8") as file:
        blocks = re.findall(r"^```yaml\n(apiVersion: v1\nkind: Pod\n.*?)^```", file.read(), re.DOTALL | re.MULTILINE)
    return [(yaml.safe_load(block), block) for block in blocks]


@pytest.mark.parametrize("path", PAGES, ids=os.path.basename)
def test_a_pages_pod_is_taken_and_finds_the_files_that_it_names(path, node):
    ((pod, text),) = pods(path)
    node.new_namespace(pod["metadata"]["namespace"])
    node.control.new_account(pod["metadata"]["namespace"], "builder")
    assert "Warning" not in node.control.kubectl("apply", "-f", "-", stdin=text).ok().output

    for volume in pod["spec"].get("volumes", []):
        if "csi" in volume:
            mounted = node.publish("ci", "builder", volume["csi"]["volumeAttributes"])
            for name in re.findall(rf"{MOUNTED}/([\w./-]+)", text):
                assert os.path.exists(mounted.path(name)), name
            mounted.unpublish()


def test_every_page_is_in_the_list():
    with open(os.path.join(FOLDER, "README.md"), encoding="utf-8") as file:
        listed = set(re.findall(r"\((\w+\.md)\)", file.read()))
    assert listed == {os.path.basename(path) for path in PAGES} | {"matrix.md"}
