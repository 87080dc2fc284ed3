"""The tables of metrics and configuration keys are those of the code and the protos (tests/tables)."""

import os
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ["broker", "common", "controller", "csi", "dataplane", "deploy/crds", "proto/connector/config"]
PROTO = "proto/connector/config/v1/dataplane.proto"
METRICS = "dataplane/app/metrics.cc"
README = "dataplane/README.md"


def tables(root, *flags):
    done = subprocess.run(
        [os.path.join(root, "tests", "tables"), *flags], capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path):
    """A copy of what the program reads and writes."""
    for folder in FOLDERS:
        shutil.copytree(os.path.join(ROOT, folder), tmp_path / folder)
    (tmp_path / "tests" / "data").mkdir(parents=True)
    for name in ("tests/tables", "tests/data/names.txt", "README.md"):
        shutil.copy(os.path.join(ROOT, name), tmp_path / name)
    return tmp_path


def replace(tree, name, old, new):
    text = (tree / name).read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    (tree / name).write_text(text.replace(old, new), encoding="utf-8")


def test_the_committed_tables_and_names_are_those_of_the_code_and_the_protos():
    assert tables(ROOT) == (0, "")


def test_a_renamed_metric_is_found(tree):
    replace(tree, METRICS, "connector_dataplane_denied_total", "connector_dataplane_refused_total")

    status, said = tables(tree)

    assert status == 1
    assert "README.md: - | `connector_dataplane_denied_total` | counter |" in said
    assert "names.txt: - dataplane metric connector_dataplane_denied_total\n" in said
    assert "names.txt: + dataplane metric connector_dataplane_refused_total\n" in said


def test_a_kind_of_authentication_that_readme_does_not_name_is_found(tree):
    replace(tree, "README.md", "| `basicAuth` | `static` |", "| `basicAuth` | `derived` |")

    status, said = tables(tree)

    assert status == 1
    assert "README.md: + | `basicAuth` | `static` |" in said


def test_a_renamed_key_is_found(tree):
    replace(tree, PROTO, "drain_timeout = 7", "end_timeout = 7")

    status, said = tables(tree)

    assert status == 1
    assert "names.txt: - dataplane configuration drainTimeout\n" in said
    assert "names.txt: + dataplane configuration endTimeout\n" in said


def test_a_new_key_gets_a_row_of_its_comment(tree):
    replace(
        tree,
        PROTO,
        "message DataplaneLimits {\n",
        "message DataplaneLimits {\n"
        "  // Requests of one connection; more close it. Default: `100`\n"
        "  uint32 max_requests = 9;\n",
    )

    assert tables(tree, "--write") == (0, "")

    row = "| `limits.maxRequests` | `100` | Requests of one connection; more close it |\n"
    assert row in (tree / README).read_text(encoding="utf-8")
    assert tables(tree) == (0, "")


def test_a_new_metric_gets_a_row_of_its_help_text(tree):
    replace(
        tree,
        METRICS,
        '  out.Counter("connector_dataplane_denied_total",',
        '  out.Counter("connector_dataplane_pings_total",\n'
        '            "Pings of "\n            "clients.", nullptr);\n'
        '  out.Counter("connector_dataplane_denied_total",',
    )

    assert tables(tree, "--write") == (0, "")

    row = "| `connector_dataplane_pings_total` | counter | | Pings of clients. |\n"
    assert row in (tree / README).read_text(encoding="utf-8")
    assert tables(tree) == (0, "")


@pytest.mark.parametrize(
    "row", ["| `drainTimeout` | `30s` |", "| `connector_dataplane_denied_total` | counter |"]
)
def test_a_doubled_row_is_found(tree, row):
    text = (tree / README).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines(keepends=True) if line.startswith(row))
    replace(tree, README, line, line + line)

    status, said = tables(tree)

    assert status == 1 and f"README.md: - {row}" in said


def test_a_default_that_was_edited_by_hand_is_found(tree):
    replace(tree, README, "| `drainTimeout` | `30s` |", "| `drainTimeout` | `31s` |")

    status, said = tables(tree)

    assert status == 1 and "README.md: - | `drainTimeout` | `31s` |" in said
