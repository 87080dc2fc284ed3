"""Measures this data plane beside nginx and HAProxy, in one run, pinned, on this machine.

The server under test has one core to itself; load generator and upstream share another. Each value is
the median of several rounds; in a round each subject has its turn, and the order changes from round to
round. CPU is what the kernel accounted to the server's threads, so waiting and the load generator's
own work are not in it.
"""

import argparse
import dataclasses
import datetime
import os
import resource
import shutil
import sys
import tempfile

import cases
from connector import Dataplane
from measure import Samples, machine
from report import print_table, write_results
from subjects import KINDS, SERVER_CORE, Direct, Haproxy, Nginx, Upstreams

PARTS = ["manifest", "syscalls", "blob", "latency", "idle", "big", "broker"]


@dataclasses.dataclass
class Sizes:
    rounds: int = 5
    requests: int = 60_000
    blob: int = 64 * cases.MIB
    blobs: int = 24
    seconds: float = 8
    idle: int = 2000
    big_blob: int = 2048 * cases.MIB
    tokens: int = 20_000


QUICK = Sizes(rounds=1, requests=8_000, blobs=8, seconds=2, idle=500, tokens=2_000)


class Bench:
    def __init__(self, options):
        self.options = options
        self.sizes = QUICK if options.quick else Sizes()
        if options.rounds:
            self.sizes.rounds = options.rounds
        self.samples = Samples()
        self.directory = tempfile.mkdtemp(prefix="bench-")
        self.upstreams = Upstreams(self.directory)
        self.direct = Direct(self.directory, self.upstreams)
        self.subjects = [kind(self.directory, self.upstreams) for kind in (Nginx, Haproxy)]
        self.dataplane = None

    def run(self):
        if not self.options.peers_only:
            self.dataplane = Dataplane(self.directory, self.upstreams)
            self.subjects.insert(0, self.dataplane)
        for subject in self.subjects:
            subject.start()
        for part in self.options.parts:
            getattr(self, part)()

    def close(self):
        for subject in self.subjects:
            subject.stop()
        if self.dataplane:
            self.dataplane.close()
        self.upstreams.stop()
        if self.options.keep:
            print(f"kept: {self.directory}", file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def rounds(self, what, case, subjects=None):
        """`case(subject)` for every subject, in a new order each round."""
        subjects = list(subjects or self.subjects)
        for number in range(self.sizes.rounds):
            print(f"  {what}, round {number + 1} of {self.sizes.rounds}", file=sys.stderr)
            for subject in subjects:
                for name, value in case(subject).items():
                    self.samples.add(name, subject.name, value)
            subjects.append(subjects.pop(0))

    def manifest(self):
        for kind in KINDS:
            self.rounds(f"manifests, {kind}", lambda s: cases.manifest_get(s, kind, self.sizes))

    def syscalls(self):
        for connections in (1, 32):
            self.rounds(
                f"system calls, {connections} connections",
                lambda s: cases.syscalls(s, connections, self.sizes),
            )

    def blob(self):
        for kind in KINDS:
            self.rounds(f"blobs down, {kind}", lambda s: cases.blob_down(s, kind, self.sizes))
            self.rounds(f"blobs up, {kind}", lambda s: cases.blob_up(s, kind, self.sizes))

    def latency(self):
        what = "manifest GETs per second, plain upstream"
        if self.samples.median(what, self.subjects[0].name) is None:
            self.manifest()
        rate = min(self.samples.median(what, s.name) for s in self.subjects) / 2
        self.samples.add("requests per second offered", "direct", rate)
        self.rounds(
            f"latency at {rate:.0f}/s", lambda s: cases.latency(s, rate, self.sizes),
            [self.direct, *self.subjects],
        )  # fmt: skip
        for subject in self.subjects:
            for which in ("p50", "p99"):
                name = f"latency {which} us"
                with_it, without = (self.samples.median(name, s.name) for s in (subject, self.direct))
                self.samples.add(f"added latency {which} us", subject.name, with_it - without)

    def idle(self):
        self.rounds("idle connections", lambda s: cases.idle_memory(s, self.sizes))

    def big(self):
        for subject in self.subjects:
            print(f"  one big blob, {subject.name}", file=sys.stderr)
            for name, value in cases.one_big_blob(subject, self.sizes).items():
                self.samples.add(name, subject.name, value)

    def broker(self):
        if self.dataplane:
            self.rounds(
                "IssueToken", lambda s: cases.issue_tokens(s, SERVER_CORE, self.sizes),
                [self.dataplane],
            )  # fmt: skip


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="one short round, for a first look")
    parser.add_argument("--rounds", type=int, help="instead of 5")
    parser.add_argument("--peers-only", action="store_true", help="only nginx and HAProxy")
    parser.add_argument("--keep", action="store_true", help="keep configurations and logs")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md also when not all ran")
    options = parser.parse_args(argv)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    options.whole = not (options.parts or options.quick or options.peers_only)
    options.parts = options.parts or PARTS
    return options


def main():
    options = parse(sys.argv[1:])
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: two cores are needed, one of them for the server under test")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # For the idle connections.
    others = os.getloadavg()[0]
    bench = Bench(options)
    try:
        bench.run()
    except (cases.LoadError, RuntimeError) as error:
        sys.exit(f"bench: {error}")
    finally:
        bench.close()
    facts = [
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")),
        *machine(),
        ("rounds", str(bench.sizes.rounds)),
        ("load average when it began", f"{others:.2f}: should be near 0"),
    ]
    print_table(bench.samples)
    if options.whole or options.write:
        write_results(os.path.join(os.path.dirname(os.path.abspath(__file__)), "RESULTS.md"),
                      facts, bench.samples)  # fmt: skip


if __name__ == "__main__":
    main()
