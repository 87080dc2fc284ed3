"""What every process-level test gets: the support modules, and worlds that end with it."""

import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support", "python"))

_LOG_TAIL = int(os.environ.get("CONNECTOR_LOG_TAIL", "6000"))


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.call_passed = report.passed
    if report.failed:
        for world in getattr(item, "worlds", []):
            for name in sorted(os.listdir(world.directory)):
                if name.endswith(".log"):
                    with open(world.path(name), encoding="utf-8", errors="replace") as file:
                        report.sections.append((f"the end of {name}", file.read()[-_LOG_TAIL:]))


@pytest.fixture
def make_world(tmp_path, request):
    """Makes worlds. Those of a test that passes must pass the canary scan, too."""
    from world import World

    worlds = request.node.worlds = []

    def make(kind=World, **options):
        world = kind(tmp_path / f"world-{len(worlds)}", **options)
        worlds.append(world)
        return world

    yield make
    passed = getattr(request.node, "call_passed", False)
    for world in worlds:
        world.close(failed=not passed)
        if passed:
            shutil.rmtree(world.directory, ignore_errors=True)


@pytest.fixture
def world(make_world):
    """One data plane in front of the registry with token authentication, all of it started."""
    return make_world().start()
