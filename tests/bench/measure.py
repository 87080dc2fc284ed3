"""What a process used, and the numbers that several measurements come to."""

import os
import statistics
import subprocess


class Process:
    """A program under way, with its children: nginx works in one."""

    def __init__(self, argv, log_path, core, env=None, speaks=False):
        """`speaks`: what it prints is for read_line() and not for the log."""
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self._popen = subprocess.Popen(
                ["taskset", "-c", str(core), *argv], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if speaks else log, stderr=log, env=env,
            )  # fmt: skip

    @property
    def pid(self):
        return self._popen.pid

    def read_line(self):
        return self._popen.stdout.readline().decode().strip()

    def is_running(self):
        return self._popen.poll() is None

    def stop(self):
        if self.is_running():
            self._popen.terminate()
            try:
                self._popen.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def pids(self):
        found = [self.pid]
        for pid in found:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
        return found

    def threads(self):
        return [int(tid) for pid in self.pids() for tid in os.listdir(f"/proc/{pid}/task")]

    def move_to_core(self, core):
        for thread in self.threads():
            os.sched_setaffinity(thread, {core})

    def cpu_seconds(self):
        """On a CPU, user and system, of all threads that live; to the nanosecond."""
        total = 0
        for pid in self.pids():
            for tid in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
        return total / 1e9

    def _status_kib(self, key):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith(key + ":"))
        return total

    def resident_kib(self):
        return self._status_kib("VmRSS")

    def peak_kib(self):
        return self._status_kib("VmHWM")

    def forget_peak(self):
        for pid in self.pids():
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")

    def written_to_disk(self):
        """Bytes of files that the process made dirty; sockets do not count."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/io", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("write_bytes"))
        return total


def counting_syscalls(process, report):
    """A command's prefix: while the command runs, perf counts the system calls of `process`."""
    threads = ",".join(map(str, process.threads()))
    return ["perf", "stat", "-x", ";", "-o", report, "-e", "raw_syscalls:sys_enter", "-t", threads]


def counted_syscalls(report):
    """What perf wrote into `report`; None where it could not count."""
    if os.path.exists(report):
        with open(report, encoding="utf-8") as file:
            for line in file:
                if "raw_syscalls" in line and line.split(";")[0].isdigit():
                    return int(line.split(";")[0])
    return None


class Samples:
    """Measured values by (what, who), in the order in which they came."""

    def __init__(self):
        self._values = {}

    def add(self, what, who, value):
        if value is not None:
            self._values.setdefault((what, who), []).append(value)

    def median(self, what, who):
        values = self._values.get((what, who))
        return statistics.median(values) if values else None

    def spread(self, what, who):
        """Largest minus smallest, as a share of the median."""
        values = self._values.get((what, who), [])
        middle = self.median(what, who)
        return (max(values) - min(values)) / middle if len(values) > 1 and middle else None


def machine():
    """What a reader needs to compare: rows of (fact, value)."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) // (1 << 20)
    return [
        ("CPU", f"{model}, {os.cpu_count()} cores"),
        ("memory", f"{memory} GiB"),
        ("kernel", os.uname().release),
        ("nginx", _first_line(["nginx", "-v"]).split("/")[-1]),
        ("HAProxy", _first_line(["haproxy", "-v"]).split()[2]),
        ("OpenSSL", _first_line(["openssl", "version"]).split()[1]),
    ]


def _first_line(argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).splitlines()[0]
