"""Rooms: private network and mount namespaces, and the processes that live in them.

A room has no name on the system and no interface outside itself, so addresses and ports in it are
never taken, and nothing is left when its processes end, however they end: every process is killed
by the kernel when the thread that started it is gone.
"""

import contextlib
import ctypes
import os
import shlex
import signal
import subprocess
import threading
import time

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


class Process:
    """One program in a room, with its output in a file."""

    def __init__(self, name, popen, log_path):
        self.name = name
        self.popen = popen
        self.log_path = log_path

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def signal(self, number):
        if self.is_running():
            self.popen.send_signal(number)

    def wait(self, timeout):
        return self.popen.wait(timeout)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self, timeout=20):
        """Asks politely, then does not ask. Returns the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Room:
    def __init__(self, directory, name, hosts):
        """`hosts` maps names to addresses: what /etc/hosts says inside."""
        self.directory = directory
        self.name = name
        self.hosts = dict(hosts)
        hosts_path = os.path.join(directory, f"{name}.hosts")
        with open(hosts_path, "w", encoding="ascii") as file:
            file.write("127.0.0.1 localhost\n")
            for host, address in hosts.items():
                file.write(f"{address} {host}\n")
        script = (
            f"mount --bind {shlex.quote(hosts_path)} /etc/hosts && ip link set lo up"
            " && echo ready && exec sleep infinity"
        )
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self.holder.stdout.readline() != "ready\n":
            raise RuntimeError(
                "no private network namespace (root is needed): " + self.holder.stderr.read()
            )
        self._net = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
        self.processes = []

    def command(self, argv):
        return [
            "setpriv", "--pdeathsig", "KILL",
            "nsenter", f"--target={self.holder.pid}", "--net", "--mount",
            *argv,
        ]  # fmt: skip

    def start(self, name, argv, env=None):
        """A program that stays. Its output goes to NAME.log; a second start appends."""
        log_path = os.path.join(self.directory, f"{name}.log")
        with open(log_path, "ab") as log:
            popen = subprocess.Popen(
                self.command(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env
            )
        process = Process(name, popen, log_path)
        self.processes.append(process)
        return process

    def run(self, argv, env=None, timeout=120, stdin=None):
        """A program that ends: (exit code, stdout, stderr)."""
        done = subprocess.run(
            self.command(argv), env=env, timeout=timeout, capture_output=True, input=stdin
        )
        return Ended(
            argv, done.returncode, done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
        )  # fmt: skip

    @contextlib.contextmanager
    def entered(self):
        """Sockets that this thread makes inside the block belong to the room."""
        with open(f"/proc/self/task/{threading.get_native_id()}/ns/net", "rb") as home:
            _setns(self._net)
            try:
                yield
            finally:
                _setns(home.fileno())

    def close(self):
        for process in reversed(self.processes):
            process.kill()
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()
        os.close(self._net)


class Ended:
    def __init__(self, argv, code, stdout, stderr):
        self.argv, self.code, self.stdout, self.stderr = argv, code, stdout, stderr

    @property
    def output(self):
        return self.stdout + self.stderr

    def ok(self):
        """Itself, if the program succeeded."""
        assert self.code == 0, f"{self.argv[0]} exited {self.code}:\n{self.output}"
        return self


def connect_rooms(left, left_address, right, right_address):
    """A cable between two rooms. Addresses are CIDR, like 10.77.1.1/24."""
    near, far = f"to-{right.name}", f"to-{left.name}"
    left.run(["ip", "link", "add", near, "type", "veth", "peer", "name", far,
              "netns", str(right.holder.pid)]).ok()  # fmt: skip
    for room, link, address in ((left, near, left_address), (right, far, right_address)):
        room.run(["ip", "address", "add", address, "dev", link]).ok()
        room.run(["ip", "link", "set", link, "up"]).ok()


def wait_until(condition, what, timeout=20.0, process=None):
    """Polls. Fails with `what`, and at once when `process` has ended."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if process is not None and not process.is_running():
            raise AssertionError(f"{process.name} ended before {what}:\n{process.log()[-4000:]}")
        if time.monotonic() > deadline:
            log = "" if process is None else ":\n" + process.log()[-4000:]
            raise AssertionError(f"not within {timeout} s: {what}{log}")
        time.sleep(0.02)


def _setns(descriptor):
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
