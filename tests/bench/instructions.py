"""Instructions per warm request, by callgrind: what a longer run costs more than a shorter one.

Both runs start the same data plane anew, with one serving thread and one client connection, so that
start-up, warm-up and the end cancel out. Only the serving thread counts: what gRPC does beside it
depends on the clock.
"""

import argparse
import glob
import os
import shutil
import sys
import tempfile

import cases
from connector import Dataplane
from subjects import Upstreams

SHORT, LONG = 500, 20_500  # Start-up varies by some 3 million: under 0.3 % of the difference.
LIMIT_PERCENT = 5.0
# Only a thread that serves calls it. The second name is that of older revisions.
_SERVES = ("connector::dataplane::addressing::ParseTarget(",
           "connector::dataplane::route::ParseTarget(")  # fmt: skip

# (case, kind of the upstream, path, options of the load generator)
CASES = [
    ("manifest GET", "plain", "/manifests/v1", ()),
    ("manifest GET, TLS upstream", "tls", "/manifests/v1", ()),
    ("manifest HEAD", "plain", "/manifests/v1", ("--method", "HEAD")),
    ("blob GET, 4 KiB", "plain", cases.blob(4096), ()),
    ("tag list GET, 100 tags", "plain", "/tags/list?n=100", ()),
]


class Profiled(Dataplane):
    seconds_to_start = 120

    def argv(self):
        return [
            "valgrind", "--quiet", "--tool=callgrind", "--separate-threads=yes",
            f"--callgrind-out-file={self.path('profile')}", *super().argv(),
        ]  # fmt: skip

    def counted(self, name):
        """Instructions of the serving thread. The process has ended. Keeps its profile as `name`."""
        found = []
        for profile in glob.glob(self.path("profile-*")):
            with open(profile, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if any(name in text for name in _SERVES):
                found.append(text)
                os.rename(profile, self.path(name))
            else:
                os.remove(profile)
        if len(found) != 1:
            raise RuntimeError(f"{len(found)} threads served, not one:\n{self.log_tail()}")
        totals = [line for line in found[0].splitlines() if line.startswith("totals: ")]
        return int(totals[0].split()[1])

    def log_tail(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]


def measure(directory, programs, harness):
    """{case: instructions per request} of the product in `programs`."""
    together = os.path.join(directory, "bin")
    os.makedirs(together)
    for name in os.listdir(harness):
        source = harness if name.startswith("bench_") else programs
        os.symlink(os.path.join(source, name), os.path.join(together, name))
    os.environ["CONNECTOR_BIN"] = together
    upstreams = Upstreams(directory)
    subject = Profiled(directory, upstreams)
    try:
        return {case[0]: _per_request(subject, *case) for case in CASES}
    finally:
        subject.close()
        upstreams.stop()


def _per_request(subject, case, kind, path, options):
    counts = []
    for requests in (SHORT, LONG):
        print(f"  {case}, {requests} requests", file=sys.stderr)
        subject.start()
        cases.load(subject, kind, path, "--connections", 1, "--requests", requests, *options)
        subject.stop()
        counts.append(subject.counted(f"{case}, {requests}".replace(" ", "_").replace(",", "")))
    return (counts[1] - counts[0]) / (LONG - SHORT)


def report(before, after):
    """Prints the table; the cases that grew by more than allowed."""
    too_much = []
    print("| instructions per warm request | before | after | change |")
    print("|---|---:|---:|---:|")
    for case, now in after.items():
        if before is None:
            print(f"| {case} | - | {now:,.0f} | - |")
            continue
        change = 100 * (now / before[case] - 1)
        print(f"| {case} | {before[case]:,.0f} | {now:,.0f} | {change:+.1f} % |")
        if change > LIMIT_PERCENT:
            too_much.append(case)
    return too_much


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--after", required=True, help="directory of this tree's programs")
    parser.add_argument("--before", help="directory of the programs to compare with")
    parser.add_argument("--keep", action="store_true", help="keep profiles and logs")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="instructions-")
    try:
        found = {}
        for name in ("before", "after"):
            programs = getattr(options, name)
            if programs:
                print(name, file=sys.stderr)
                part = os.path.join(directory, name)
                os.makedirs(part)
                found[name] = measure(part, programs, options.after)
    except (cases.LoadError, RuntimeError) as error:
        sys.exit(f"instructions: {error}")
    finally:
        if options.keep:
            print(f"kept: {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    too_much = report(found.get("before"), found["after"])
    if too_much:
        sys.exit(f"instructions: more than {LIMIT_PERCENT:.0f} % more: {', '.join(too_much)}")


if __name__ == "__main__":
    main()
