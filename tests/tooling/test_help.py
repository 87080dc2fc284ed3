"""Whoever asks a tool of the tree for its --help gets it, and starts nothing."""

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
    for name in ENOUGH:
        (tmp_path / name).symlink_to(os.path.join("/usr/bin", name))
    done = subprocess.run(
        [os.path.join(ROOT, tool), "--help"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert os.path.basename(tool) in done.stdout
