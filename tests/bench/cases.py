"""What is measured. Each case measures one subject once; bench.py repeats and interleaves."""

import glob
import json
import os
import subprocess

from measure import counted_syscalls, counting_syscalls
from subjects import OTHER_CORE, program

GB = 1e9
MIB = 1 << 20
_WARM_UP = 2000


class LoadError(RuntimeError):
    pass


def load(subject, kind, path, *options, prefix=()):
    """Runs the load generator against a subject and returns what it counted."""
    port, repository = subject.where(kind)
    done = subprocess.run(
        [*prefix, "taskset", "-c", str(OTHER_CORE), program("bench_loadgen"), "--port", str(port),
         "--path", repository + path, "--authorization", subject.authorization,
         *map(str, options)],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    result = json.loads(done.stdout) if done.stdout else {"errors": 1, "firstError": done.stderr}
    if result["errors"]:
        died = "" if subject.is_running() else f"; it ended:\n{subject.process.log()[-2000:]}"
        raise LoadError(f"{subject.name} ({kind}) {path}: {result['firstError']}{died}")
    return result


def blob(size):
    """The path of a blob of `size` bytes: the upstream reads the size in the digest."""
    return f"/blobs/sha256:{size:016x}{'0' * 48}"


def manifest_get(subject, kind, sizes):
    """CPU us per warm manifest GET on 32 connections, and how many a second."""
    load(subject, kind, "/manifests/v1", "--requests", _WARM_UP)
    before = subject.process.cpu_seconds()
    result = load(subject, kind, "/manifests/v1", "--requests", sizes.requests)
    used = subject.process.cpu_seconds() - before
    return {
        f"CPU us per manifest GET, {kind} upstream": used * 1e6 / sizes.requests,
        f"manifest GETs per second, {kind} upstream": sizes.requests / result["seconds"],
    }


def syscalls(subject, connections, sizes):
    requests = sizes.requests // 4
    options = ("--connections", connections, "--requests")
    load(subject, "plain", "/manifests/v1", *options, _WARM_UP)
    report = subject.path("syscalls")
    prefix = counting_syscalls(subject.process, report)
    load(subject, "plain", "/manifests/v1", *options, requests, prefix=prefix)
    calls = counted_syscalls(report)
    per_request = calls / requests if calls else None
    return {f"system calls per manifest GET, {connections} connections": per_request}


def blob_down(subject, kind, sizes):
    path, number = blob(sizes.blob), sizes.blobs
    load(subject, kind, path, "--connections", 4, "--requests", 4)
    before = subject.process.cpu_seconds()
    load(subject, kind, path, "--connections", 4, "--requests", number)
    used = subject.process.cpu_seconds() - before
    return {f"CPU s per GB down, {kind} upstream": used / (sizes.blob * number / GB)}


def blob_up(subject, kind, sizes):
    options = ("--push", sizes.blob, "--connections", 4, "--requests")
    load(subject, kind, "", *options, 4)
    before = subject.process.cpu_seconds()
    load(subject, kind, "", *options, sizes.blobs)
    used = subject.process.cpu_seconds() - before
    return {f"CPU s per GB up, {kind} upstream": used / (sizes.blob * sizes.blobs / GB)}


def latency(subject, rate, sizes):
    """Open loop. The same rate for all, half of what the slowest one can."""
    result = load(
        subject, "plain", "/manifests/v1", "--connections", 64, "--rate", rate,
        "--requests", int(rate * sizes.seconds),
    )  # fmt: skip
    return {"latency p50 us": result["p50"], "latency p99 us": result["p99"]}


def idle_memory(subject, sizes):
    """KiB of resident memory per connection that is open and idle. Of a fresh process."""
    subject.stop()
    subject.start()
    load(subject, "plain", "/manifests/v1", "--requests", _WARM_UP)
    port, repository = subject.where("plain")
    before = subject.process.resident_kib()
    holder = subprocess.Popen(
        ["taskset", "-c", str(OTHER_CORE), program("bench_loadgen"), "--port", str(port), "--path",
         f"{repository}/manifests/v1", "--authorization", subject.authorization, "--idle",
         "--connections", str(sizes.idle)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        result = json.loads(holder.stdout.readline())
        if result["errors"]:
            raise LoadError(f"{subject.name} idle: {result['firstError']}")
        after = subject.process.resident_kib()
    finally:
        holder.communicate()
    return {"KiB per idle connection": (after - before) / sizes.idle}


def one_big_blob(subject, sizes):
    """MiB by which memory grew at its peak, and MiB that went to files, while one blob passed."""
    subject.stop()
    subject.start()
    load(subject, "plain", "/manifests/v1", "--requests", _WARM_UP)
    found = {}
    transfers = {"pull": (blob(sizes.big_blob), ()), "push": ("", ("--push", sizes.big_blob))}
    for name, (path, options) in transfers.items():
        subject.process.forget_peak()
        before, disk = subject.process.resident_kib(), subject.process.written_to_disk()
        load(subject, "plain", path, "--connections", 1, "--requests", 1, *options)
        found[f"MiB more memory in one big {name}"] = (subject.process.peak_kib() - before) / 1024
        spooled = subject.process.written_to_disk() - disk + _bytes_under(subject.path("tmp"))
        found[f"MiB on disk in one big {name}"] = spooled / MIB
    return found


def _bytes_under(directory):
    names = glob.glob(directory + "/**", recursive=True)
    return sum(os.path.getsize(name) for name in names if os.path.isfile(name))


def issue_tokens(dataplane, core, sizes):
    """IssueToken over mTLS, 64 at a time, warm, each with its audit record on disk."""
    broker = dataplane.broker
    broker.process.move_to_core(core)
    command = [
        "taskset", "-c", str(OTHER_CORE), program("bench_issue"),
        "--address", f"localhost:{broker.port}", "--pki", broker.pki, "--connector", "bench",
    ]  # fmt: skip

    def issue(number):
        done = subprocess.run(
            [*command, "--requests", str(number)], input=broker.token, capture_output=True,
            text=True, timeout=600,
        )  # fmt: skip
        if done.returncode != 0:
            raise LoadError(f"IssueToken: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    try:
        issue(500)
        before = broker.process.cpu_seconds()
        result = issue(sizes.tokens)
        used = broker.process.cpu_seconds() - before
    finally:
        broker.process.move_to_core(OTHER_CORE)
    return {
        "IssueToken per second": sizes.tokens / result["seconds"],
        "CPU us per IssueToken": used * 1e6 / sizes.tokens,
        "IssueToken p99 ms": result["p99"] / 1000,
    }
