"""Runs the OCI conformance program once, and reads what it found."""

import os
import xml.etree.ElementTree as ElementTree
from collections import Counter

from peers import peer

_ROOT = "OCI Conformance Test/"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_STATUS = {"passed": PASSED, "failure": FAILED, "error": FAILED, "skipped": SKIPPED}


class Results:
    """How often each test passed, failed and was skipped. Names repeat: one a blob, for example."""

    def __init__(self):
        self.tests = {}  # {name: Counter of statuses}
        self.reasons = {}  # {name: why it failed}

    def add(self, name, status, reason=""):
        self.tests.setdefault(name, Counter())[status] += 1
        if status == FAILED and reason:
            self.reasons.setdefault(name, reason)

    def count(self, status=None):
        chosen = [c.total() if status is None else c[status] for c in self.tests.values()]
        return sum(chosen)

    def table(self):
        """Readable, and the same for equal results: kept beside the program's own reports."""
        lines = []
        for name, statuses in sorted(self.tests.items()):
            counts = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
            lines.append(f"{counts:28} {name}\n")
        return "".join(lines)


def run_suite(run, directory, registry, repositories, credential, version, plain, trust=None):
    """`run(argv, env)` runs a program where the suite lives; the reports go to `directory`."""
    environment = {
        "OCI_REGISTRY": registry,
        "OCI_TLS": "disabled" if plain else "enabled",
        "OCI_REPO1": repositories[0],
        "OCI_REPO2": repositories[1],
        "OCI_USERNAME": credential[0],
        "OCI_PASSWORD": credential[1],
        "OCI_VERSION": version,
        "OCI_RESULTS_DIR": directory,
        **({"SSL_CERT_FILE": trust} if trust else {}),
    }
    ended = run([peer("conformance")], environment)
    report = os.path.join(directory, "junit.xml")
    assert os.path.exists(report), f"the suite wrote no report:\n{ended.output[-4000:]}"
    return read_report(report)


def read_report(path):
    results = Results()
    for case in ElementTree.parse(path).iter("testcase"):
        name = case.get("name").removeprefix(_ROOT)
        results.add(name, _STATUS[case.get("status")], case.findtext("system-out") or "")
    return results
