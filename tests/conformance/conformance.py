"""The OCI conformance suite, and probes of our own, directly and through the data plane, compared.

    conformance.py --output DIR [--results FILE] [debian] [distribution-3]

Exit code 1 on one difference that a data plane could be the cause of.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(_HERE), "support", "python"))

import upstream as up  # noqa: E402
from compare import Difference, differences  # noqa: E402
from netns import Room  # noqa: E402
from probes import Side, run_probes  # noqa: E402
from rawhttp import Client, trusting  # noqa: E402
from report import Row, all_differences, results_page, some_differences, table  # noqa: E402
from suite import FAILED, PASSED, run_suite  # noqa: E402
from world import HTTP_PORT, MIDDLE, PROXY_NAME, World, new_password, path_form  # noqa: E402

PROGRAMS = (up.DEBIAN, up.DISTRIBUTION_3)
VERSIONS = ("1.1", "dev")
LEAST_PASSED = 500  # Of the 690 to 810 tests of a version, directly.
FORMS = {  # {name: (host, what clients write before a repository)}
    "host": ("c-demo.default.svc", ""),
    "path": (PROXY_NAME, path_form("")),
}
_ACCESS_LINE = re.compile(r'^(\S+) - - \[[^]]*\] "(\S+) (\S+) HTTP/[0-9.]+" (\d{3}) ', re.MULTILINE)


class Direct:
    """The same program as the world's registry, with a storage and a password of its own, in a room
    that has no cable: neither the suite there nor the data plane can take one for the other."""

    def __init__(self, world, program):
        self.world = world
        directory = world.path("direct")
        os.makedirs(directory)
        self.room = Room(directory, "direct", up.HOSTS)
        world.at_close.append(self.room.close)
        self.room.run(["ip", "address", "add", f"{up.ADDRESS}/32", "dev", "lo"]).ok()
        self.upstream = up.Upstream(
            self.room, directory, new_password(), auth="htpasswd", registry=program
        )
        self.upstream.start()

    def suite(self, directory, version):
        return run_suite(
            lambda argv, env: self.room.run(argv, env=_environment(self.world, env), timeout=300),
            directory, f"{up.REGISTRY_HOST}:{up.REGISTRY_PORT}",
            (f"{up.USER}/{version}/one", f"{up.USER}/{version}/two"),
            (up.USER, self.upstream.password), version, plain=False, trust=self.upstream.ca.path,
        )  # fmt: skip

    def side(self):
        client = Client(
            self.room, up.REGISTRY_HOST, up.REGISTRY_PORT, tls=trusting(self.upstream.ca.pem)
        )
        basic = f"{up.USER}:{self.upstream.password}"
        return Side(client, {"basic": basic}, origin=self.upstream.address)


class Through:
    """The suite in the clients' room, with nothing but a caller token."""

    def __init__(self, world):
        self.world, self.token = world, world.token()

    def suite(self, directory, version, form):
        host, prefix = FORMS[form]
        repository = f"{prefix}{up.USER}/{version}-{form}"
        return run_suite(
            lambda argv, env: self.world.run_client(argv, env=env, timeout=300),
            directory, f"{host}:{HTTP_PORT}", (f"{repository}/one", f"{repository}/two"),
            ("token", self.token), version, plain=True,
        )  # fmt: skip

    def side(self, form):
        host, prefix = FORMS[form]
        return Side(self.world.client(host=host), {"token": self.token}, prefix=prefix)


def run_registry(program, output, directory):
    """All rows of one registry."""
    world = World(os.path.join(directory, program), registry=program)
    failed = True
    try:
        world.start()
        direct = Direct(world, program)
        rows = _run_suites(world, direct, program, output)
        rows += _run_probes(world, direct, program, output)
        rows.append(_look_for_bypasses(world, program))
        failed = False
    finally:
        world.close(failed)
    return rows


def _run_suites(world, direct, program, output):
    through = Through(world)
    with ThreadPoolExecutor(6) as pool:
        started = {}
        for version in VERSIONS:
            folder = os.path.join(output, program, version)
            started[version, "direct"] = pool.submit(
                direct.suite, os.path.join(folder, "direct"), version
            )
            for form in FORMS:
                started[version, form] = pool.submit(
                    through.suite, os.path.join(folder, form), version, form
                )
        done = {key: future.result() for key, future in started.items()}
    for (version, form), results in done.items():
        _keep(os.path.join(output, program, version, form, "tests.txt"), results.table())
    rows = []
    for version in VERSIONS:
        before = done[version, "direct"]
        assert before.count(PASSED) > LEAST_PASSED, "the registry itself does not work"
        for form in FORMS:
            after = done[version, form]
            rows.append(Row(
                program, version, form, after.count(), before.count(FAILED), after.count(FAILED),
                differences(before, after),
            ))  # fmt: skip
    return rows


def _run_probes(world, direct, program, output):
    rows = []
    for form in FORMS:
        names = f"{up.USER}/probes-{form}", f"{up.USER}/probes-{form}-other"
        before = run_probes(direct.side(), *names, seed=form)
        _check_that_probes_probe(program, before)
        after = _told(Through(world).side(form), *names, seed=form)
        found, lines = [], []
        for name in sorted(before.keys() | after.keys()):
            said, says = before.get(name, "not asked"), after.get(name, "not asked")
            lines += [f"{name}\n", f"  direct   {said}\n", f"  through  {says}\n"]
            if said != says:
                broken = said.startswith("0 ")  # The registry did not keep to HTTP.
                what = f"\n  direct   {said}\n  through  {says}"
                found.append(Difference(not broken, name, what))
        _keep(os.path.join(output, program, "probes", f"{form}.txt"), "".join(lines))
        rows.append(Row(program, "probes", form, len(after), 0, 0, found))
    return rows


def _check_that_probes_probe(program, told):
    """Two sides that both do nothing would be equal, too."""
    assert told["mount: from"].startswith("201"), told["mount: from"]
    assert told["upload: cancel"].startswith("204"), told["upload: cancel"]
    # Version 2.8 knows no pages.
    assert program == up.DEBIAN or "tags: page 3" in told, told["tags: page 1"]


def _told(side, *names, seed):
    """Also when the data plane is so broken that a probe cannot go on."""
    try:
        run_probes(side, *names, seed=seed)
    except (AssertionError, OSError, ValueError) as error:
        side.told["broken off"] = str(error)
    return side.told


def _look_for_bypasses(world, program):
    """Whatever the registry saw has come through the data plane, with the connector's credential."""
    requests = _ACCESS_LINE.findall(world.upstream.registry.log())
    assert requests, "the registry's access log cannot be read"
    found = []
    for source, method, target, status in requests:
        # The broker asks once how to authenticate. The first try to cancel an upload is without the
        # right to delete.
        may_be_refused = (method, target) == ("GET", "/v2/") or (
            method == "DELETE" and "/blobs/uploads/" in target
        )
        if source != MIDDLE or (status == "401" and not may_be_refused):
            found.append(Difference(True, f"{method} {target}", f"{status}, from {source}"))
    try:
        Client(world.clients, up.ADDRESS, up.REGISTRY_PORT, timeout=2).connect()
        found.append(Difference(True, "the clients' room", "reaches the registry"))
    except OSError:
        pass
    return Row(program, "bypass", "all", len(requests), 0, 0, found)


def _environment(world, env):
    return {"PATH": os.environ["PATH"], "HOME": world.directory, **env}


def _keep(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("registries", nargs="*", metavar="REGISTRY", help=" or ".join(PROGRAMS))
    parser.add_argument("--output", required=True, help="a directory for all result sets")
    parser.add_argument("--results", help="a file for the summary; only of a whole run")
    arguments = parser.parse_args()
    if unknown := set(arguments.registries) - set(PROGRAMS):
        parser.error(f"there is no registry {', '.join(sorted(unknown))}")
    shutil.rmtree(arguments.output, ignore_errors=True)
    os.makedirs(arguments.output)
    worlds = tempfile.mkdtemp(prefix="conformance-")
    rows = []
    for program in arguments.registries or PROGRAMS:
        rows += run_registry(program, os.path.abspath(arguments.output), worlds)
    _keep(os.path.join(arguments.output, "differences.txt"), all_differences(rows))
    _keep(os.path.join(arguments.output, "summary.txt"), table(rows))
    print(some_differences(rows) + table(rows), end="")
    if any(row.new for row in rows):
        print(f"All result sets are in {arguments.output}, the logs in {worlds}.")
        return 1
    shutil.rmtree(worlds)
    if arguments.results and not arguments.registries:
        _keep(arguments.results, results_page(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
