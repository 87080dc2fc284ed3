"""Whoever asks a tool of the tree for its --help gets it, starts nothing and finds nothing new in the tree."""

import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = [
    "deploy/crds/generate",
    "deploy/images/build",
    "deploy/local/up",
    "tests/bench/instructions",
    "tests/bench/run",
    "tests/clients/run",
    "tests/conformance/run",
    "tests/fresh",
    "tests/lint",
    "tests/run",
    "tests/security/hostile/run",
    "tests/tables",
]


# All that may be needed to print it; no compiler, no package manager, no test runner.
ENOUGH = ["bash", "cat", "dirname", "env", "mktemp", "nproc", "python3", "rm", "sed"]


@pytest.mark.parametrize("tool", TOOLS)
def test_help_says_how_a_tool_is_called_and_does_nothing_else(tool, tmp_path):
    bytecode = tmp_path / "bytecode"  # Python writes there what it would write beside the modules.
    path = tmp_path / "bin"
    path.mkdir()
    for name in ENOUGH:
        (path / name).symlink_to(os.path.join("/usr/bin", name))
    environment = {"PATH": str(path), "PYTHONPYCACHEPREFIX": str(bytecode)}
    done = subprocess.run([os.path.join(ROOT, tool), "--help"], env=environment, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert os.path.basename(tool) in done.stdout
    assert not os.path.exists(f"{bytecode}{ROOT}")
