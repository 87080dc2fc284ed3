"""What pages say of the tree holds: links lead somewhere, tests and headings that are named exist,
and the version is one."""

import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def tracked():
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    return [name for name in listed if os.path.isfile(os.path.join(ROOT, name))]


FILES = tracked()
PAGES = [name for name in FILES if name.endswith(".md") and not name.startswith("tests/data/")]


def anchors(page):
    """As GitHub makes them of headings."""
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page):
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", read(page), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^()\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(os.path.join(ROOT, found)):
            yield target
        elif anchor and (not found.endswith(".md") or anchor not in anchors(found)):
            yield target


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
    assert list(broken_links(page)) == []


def cpp_tests():
    """{"Suite.Test", ...} and the suites, with the names under which they are instantiated."""
    tests, suites = set(), set()
    for name in FILES:
        if not name.startswith("tests/") or not name.endswith((".cc", ".h")):
            continue
        text = read(name)
        for suite, test in re.findall(r"\b(?:TYPED_)?TEST(?:_[FP])?\(\s*(\w+)\s*,\s*(\w+)\s*\)", text):
            tests.add(f"{suite}.{test}")
            suites.add(suite)
        for suite in re.findall(r"\bINSTANTIATE_TEST_SUITE_P\(\s*\w+\s*,\s*(\w+)", text):
            suites.add(suite)
    return tests, suites


def named_tests(page):
    return re.findall(r"`([A-Z]\w+\.(?:[A-Z]\w+|\*)|[A-Z]\w+\*|[\w/]+\.py)`", read(page))


def exists(name, tests, suites):
    if name.endswith(".py"):
        return any(file == name or file.endswith("/" + name) for file in FILES)
    suite, _, test = name.partition(".")
    if not test or test == "*":
        return any(each == suite or each.startswith(suite.rstrip("*")) for each in suites)
    return name in tests


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/promises.md"])
def test_every_test_that_a_page_names_exists(page):
    tests, suites = cpp_tests()
    named = named_tests(page)

    assert len(named) > 20
    assert [name for name in named if not exists(name, tests, suites)] == []


def test_the_two_pages_have_the_same_promises():
    listed = re.findall(r"^\| (P\d) \|", read("SECURITY.md"), re.MULTILINE)

    assert listed == [f"P{number}" for number in range(1, 10)]
    assert re.findall(r"^## (P\d) ", read("docs/promises.md"), re.MULTILINE) == listed


def test_every_page_of_docs_is_in_its_index():
    index = read("docs/README.md")

    pages = [name for name in PAGES if re.fullmatch(r"docs/[a-z]+\.md", name)]
    assert [page for page in pages if f"]({os.path.basename(page)})" not in index] == []


def test_the_version_is_that_of_cmakelists():
    version = re.search(r"project\(oci_connector VERSION (\S+) ", read("CMakeLists.txt"))[1]
    chart = read("deploy/helm/oci-connector/Chart.yaml")
    latest = re.search(r"^## \[(\d[^\]]*)\]", read("CHANGELOG.md"), re.MULTILINE)[1]

    assert re.findall(r"^(?:version|appVersion): \"?([^\"\s]+)", chart, re.MULTILINE) == [version] * 2
    assert latest == version
    assert f"Release {version}." in read("README.md")
    assert f"connectorctl {version}" in read("cli/README.md")


def table_of_folders():
    """{program: its folders, each of which includes only later ones}"""
    rows = re.findall(r"^\| `(\w+)/` \| ((?:`\w+` ?)+)\|$", read("CONTRIBUTING.md"), re.MULTILINE)
    return {program: re.findall(r"`(\w+)`", folders) for program, folders in rows}


@pytest.mark.parametrize("program", ["broker", "dataplane", "controller", "csi"])
def test_a_folder_includes_only_folders_to_its_right(program):
    order = table_of_folders()[program]
    wrong = set()
    for name in FILES:
        parts = name.split("/")
        if parts[0] != program or len(parts) < 3 or not name.endswith((".h", ".cc")):
            continue
        assert parts[1] in order, f"CONTRIBUTING.md does not know {program}/{parts[1]}"
        for included in re.findall(rf'^#include "{program}/(\w+)/', read(name), re.MULTILINE):
            if order.index(included) < order.index(parts[1]):
                wrong.add(f"{name}: {included}")

    assert wrong == set()
