"""The demonstration's processes: each dies with us, whatever way we end."""

import ctypes
import os
import signal
import socket
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class Failure(Exception):
    """Something that the person at the terminal should read; not a bug of this script."""


class Processes:
    def __init__(self, directory):
        self._directory = directory
        self._started = []

    def start(self, name, argv, port):
        """Starts a server and waits until it listens on 127.0.0.1:`port`. Its process."""
        log_path = os.path.join(self._directory, f"{name}.log")
        with open(log_path, "ab") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the others in order.
                preexec_fn=_die_with_parent,
            )
        self._started.append((name, process, log_path))
        self._wait_for(name, process, log_path, port)
        return process

    def run(self, argv, environment=None):
        """Runs a program to its end: (exit code, output)."""
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
            preexec_fn=_die_with_parent,
        )
        try:
            output, _ = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            return 124, f"{output}\n(stopped after 120 s)"
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process.returncode, output

    def check_all_run(self):
        for name, process, log_path in self._started:
            if process.poll() is not None:
                raise Failure(f"The {name} ended by itself.\n{_tail(log_path)}")

    def stop(self):
        """The last started first, so that nobody loses a peer that it still needs."""
        for _, process, _ in reversed(self._started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _wait_for(self, name, process, log_path, port):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Failure(f"The {name} did not start.\n{_tail(log_path)}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failure(f"The {name} does not listen on port {port}.\n{_tail(log_path)}")


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "Its log ends with:\n" + "".join(file.readlines()[-15:])
