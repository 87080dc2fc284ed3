"""./deploy/local/up, as a person runs it."""

import glob
import os
import signal
import socket
import subprocess

import pytest

from netns import wait_until
from world import BIN

UP = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3, "deploy/local/up")


def command(*arguments):
    return [UP, "--bin", BIN, *arguments]


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "TMPDIR": str(tmp_path)}


def test_once_shows_the_demonstration_and_leaves_nothing_behind(environment, tmp_path):
    done = subprocess.run(
        command("--once", "--free-ports"), env=environment, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The demonstration held" in done.stdout
    assert left_behind(tmp_path) == []


def test_it_stays_up_until_ctrl_c_and_then_leaves_nothing_behind(environment, tmp_path):
    log = tmp_path / "output"
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command("--free-ports"), env=environment, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(
            lambda: process.poll() is not None or "Ctrl-C stops" in log.read_text("utf-8"),
            "the lines to copy", timeout=60,
        )  # fmt: skip
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0, log.read_text("utf-8")
    finally:
        if process.poll() is None:
            process.kill()
    log.unlink()
    assert left_behind(tmp_path) == []


def test_a_taken_port_is_named_with_its_owner_and_a_way_out(environment):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]

        done = subprocess.run(
            command("--once", "--registry-port", str(port)), env=environment, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip

    assert done.returncode == 1
    assert f"Port {port} (demo registry) is taken by python3 (process {os.getpid()})" in done.stderr
    assert "--registry-port" in done.stderr


def left_behind(directory):
    """Files in the temporary directory, and processes that work on any in it."""
    files = os.listdir(directory)
    processes = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                if str(directory).encode() in file.read():
                    processes.append(path)
        except OSError:
            continue
    return files + processes
