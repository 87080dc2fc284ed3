"""./deploy/local/up --vault, as a person runs it."""

import os
import subprocess

from world import BIN

UP = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3, "deploy/local/up")


def test_it_shows_a_rotation_in_a_real_vault_and_leaves_nothing_behind(tmp_path):
    done = subprocess.run(
        [UP, "--bin", BIN, "--once", "--free-ports", "--vault"],
        env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=180,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "version 1 became 2" in done.stdout
    assert "The demonstration held" in done.stdout
    assert os.listdir(tmp_path) == []
