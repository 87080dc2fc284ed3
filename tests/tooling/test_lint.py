"""tests/lint finds what it is there for, and leaves alone what only looks like it."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys

import pytest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
LINT = os.path.join(TESTS, "lint")
sys.path.insert(0, TESTS)
from linting import house  # noqa: E402


@pytest.fixture
def lint(tmp_path):
    """The script as a module, looking at a tree of its own."""
    loader = importlib.machinery.SourceFileLoader("lint", LINT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lint", loader))
    loader.exec_module(module)
    module.ROOT = str(tmp_path)
    return module


def complaints(lint, check, name, text):
    path = os.path.join(lint.ROOT, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return list(getattr(lint, check)([name]))


FINDINGS = {
    "a capturing lambda beside a co_await": (
        "check_coroutines", "common/a.cc", "co_await Run([this] { return 1; });"),
    "a capturing lambda after a co_await's operand": (
        "check_coroutines", "common/a.cc", "Use(co_await Get(), [=](int x) mutable { return x; });"),
    "a capturing lambda before the co_await": (
        "check_coroutines", "common/a.cc", "Use([x] { return x; }, co_await Get());"),
    "a data plane that includes broker code": (
        "check_layers", "dataplane/a.cc", '#include "broker/upstream_auth/minter.h"\n'),
    "a broker that includes data plane code": (
        "check_layers", "broker/a.h", '#include "dataplane/x.h"\n'),
    "common code that includes a program's": (
        "check_layers", "common/a.h", '#include "cli/x.h"\n'),
    "a word of unfinished work": ("check_words", "common/a.cc", "// TO" + "DO: later\n"),
    "a script that does not parse": ("check_scripts", "a.py", "def :\n"),
}  # fmt: skip

FINE = {
    "a lambda without captures": (
        "check_coroutines", "common/a.cc", "co_await Run([] { return 1; });"),
    "a lambda that was named before": (
        "check_coroutines", "common/a.cc", "const auto f = [x] { return x; };\nco_await Run(f);"),
    "a lambda in the block that a co_await guards": (
        "check_coroutines", "common/a.cc", "if (co_await Ok(a[1])) {\n  Use([x] { return x; });\n}"),
    "a lambda in the block before": (
        "check_coroutines", "common/a.cc", "{\n  Use([x] { return x; });\n}\nco_await Get();"),
    "a co_await in a comment": (
        "check_coroutines", "common/a.cc", "Use([x] { return x; });  // not co_await\n"),
    "a broker that includes common code": (
        "check_layers", "broker/a.cc", '#include "common/base/result.h"\n'),
    "a test that includes broker code": (
        "check_layers", "tests/unit/a.cc", '#include "broker/upstream_auth/minter.h"\n'),
}  # fmt: skip


@pytest.mark.parametrize("kind", FINDINGS)
def test_lint_finds(kind, lint):
    assert len(complaints(lint, *FINDINGS[kind])) == 1


@pytest.mark.parametrize("kind", FINE)
def test_lint_lets_pass(kind, lint):
    assert complaints(lint, *FINE[kind]) == []


def of_house(root, check, files):
    """What a check of tests/linting/house.py says of a tree that holds just `files`."""
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return list(getattr(house, check)(str(root), sorted(files)))


def hidden(*texts):
    """A target of sources x.cc, y.cc with these in their anonymous namespaces."""
    names = ("a/x.cc", "a/y.cc")
    return {
        "a/CMakeLists.txt": "connector_library(a_b\n  SRCS x.cc y.cc)\n",
        **{name: f"namespace n {{\nnamespace {{\n\n{text}\n\n}}  // namespace\n}}  // namespace n\n"
           for name, text in zip(names, texts)},
    }  # fmt: skip


HOUSE_FINDINGS = {
    "a source that a build list names twice": (
        "check_doubled_entries", {"a/CMakeLists.txt": "connector_library(a_b\n  SRCS x.cc y.cc x.cc)\n"}),
    "two lists of sources": (
        "check_doubled_entries", {"a/CMakeLists.txt": "connector_library(a_b\n  SRCS x.cc\n  SRCS y.cc)\n"}),
    "a folder that is added twice": (
        "check_doubled_entries", {"a/CMakeLists.txt": "add_subdirectory(x)\nadd_subdirectory(x)\n"}),
    "a key that a table explains twice": (
        "check_doubled_entries", {"README.md": "| `a` | one |\n|---|---|\n| `a` | two |\n"}),
    "a row that stands twice": (
        "check_doubled_entries", {"README.md": "| a | b |\n| a | b |\n"}),
    "a path that a comment names and nobody has": (
        "check_paths", {"common/a.h": "// See common/b.h.\n"}),
    "a folder that a page names and nobody has": (
        "check_paths", {"README.md": "Look at `broker/nowhere/`.\n"}),
    "a header that a comment names by name alone": (
        "check_paths", {"common/a.h": "// The rules are in elsewhere.h.\n"}),
    "a source that a page names by name alone": (
        "check_paths", {"README.md": "`client.h` sends, `api_client.h` too.\n", "common/api_client.h": ""}),
    "a test that a page names with a part of its path": (
        "check_paths", {"README.md": "Look at `vault/test_gone.py`.\n"}),
    "a document that is not here": (
        "check_citations", {"common/a.h": "// As design section 5 says.\n"}),
    "a rule that the page does not have": (
        "check_citations", {"docs/rules.md": "## Redirects\n", "common/a.h": '// docs/rules.md "Retries"\n'}),
    "a word that only we knew": ("check_gone_words", {"broker/a/a.cc": "VaultKeeper keeper;\n"}),
    "a type with two meanings": (
        "check_unique_names", {"broker/a/a.h": "struct X {\n};\n", "csi/b/b.h": "class X {\n};\n"}),
    "a file name with two meanings": (
        "check_unique_names", {"broker/a/a.h": "", "csi/b/a.h": ""}),
    "folders that include each other": (
        "check_cycles", {"broker/a/x.h": '#include "broker/b/y.h"\n',
                         "broker/b/y.h": "", "broker/b/z.h": '#include "broker/a/x.h"\n'}),
    "files that include each other": (
        "check_cycles", {"broker/a/x.h": '#include "broker/a/y.h"\n',
                         "broker/a/y.h": '#include "broker/a/x.h"\n'}),
    "a constant that two sources of a target have": (
        "check_anonymous_names", hidden("constexpr int kOne = 1;", "constexpr std::string_view kOne = \"1\";")),
    "a type that two sources of a target have": (
        "check_anonymous_names", hidden("struct Row {\n  int a;\n};", "class Row final : public Base {\n};")),
    "a function that two sources of a target have": (
        "check_anonymous_names", hidden("int Count(const std::string& of) {\n  return 1;\n}",
                                        "std::size_t Count(\n    const std::string& text) {\n}")),
    "a matcher that two sources of a target have": (
        "check_anonymous_names", hidden('MATCHER_P(Is, what, "") {\n}', 'MATCHER(Is, "") {\n}')),
    "a function that only tests call": (
        "check_only_tests_call", {"broker/a/x.h": "int Count(int of);\n",
                                  "broker/a/x.cc": "int Count(int of) {\n  return of;\n}\n",
                                  "tests/unit/x.cc": "EXPECT_EQ(Count(1), 1);\n"}),
}  # fmt: skip

HOUSE_FINE = {
    "a row of dashes in two tables": (
        "check_doubled_entries", {"README.md": "| a |\n|---|\n| b |\n\n| a |\n|---|\n| b |\n"}),
    "a path that is there": (
        "check_paths", {"common/a.h": "// See common/b.h, in common/.\n", "common/b.h": ""}),
    "names in a page of sources that are there": (
        "check_paths", {"README.md": "`a.h` and `a/test_b.py`; `x.yaml`, `*_test.cc` and plain c.h are no names.\n",
                        "common/a/a.h": "", "tests/a/test_b.py": ""}),
    "a pattern of paths": ("check_paths", {"common/a.h": "// As tests/unit/*/x_test.cc says.\n"}),
    "a rule that the page has, over two lines": (
        "check_citations", {"docs/rules.md": "## One retry\n", "common/a.h": '// docs/rules.md "One\n// retry"\n'}),
    "the same file name for each program": (
        "check_unique_names", {"broker/app/options.h": "", "csi/app/options.h": ""}),
    "a declaration ahead": (
        "check_unique_names", {"broker/a/a.h": "struct X {\n};\n", "broker/b/b.h": "struct X;\n"}),
    "a type that one header names and another fills": (
        "check_unique_names", {"broker/a/a.h": "class X {\n};\n", "broker/a/b.h": "struct X::Key {\n};\n"}),
    "folders that include one way": (
        "check_cycles", {"broker/a/x.h": '#include "broker/b/y.h"\n', "broker/b/y.h": ""}),
    "functions of one name for two types": (
        "check_anonymous_names", hidden("int Count(int of) {\n}", "int Count(char of) {\n}")),
    "a name of two targets": (
        "check_anonymous_names", hidden("constexpr int a = 1;", "") | {
            "a/z.cc": "namespace n {\nnamespace {\nconstexpr int a = 1;\n}  // namespace\n}  // namespace n\n",
            "b/CMakeLists.txt": "connector_library(b_c\n  SRCS ../a/z.cc)\n"}),
    "names inside of what has different ones": (
        "check_anonymous_names", hidden("void A() {\n  const int x = 1;\n}", "void B() {\n  const int x = 1;\n}")),
    "a function that a program calls": (
        "check_only_tests_call", {"broker/a/x.h": "int Count(int of);\n",
                                  "broker/a/x.cc": "int Count(int of) {\n  return of;\n}\n",
                                  "broker/a/y.cc": "int Run() {\n  return Count(2);\n}\n",
                                  "tests/unit/x.cc": "EXPECT_EQ(Count(1), 1);\n"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOUSE_FINDINGS)
def test_lint_keeps_the_house_from(kind, tmp_path):
    assert len(of_house(tmp_path, *HOUSE_FINDINGS[kind])) == 1


@pytest.mark.parametrize("kind", HOUSE_FINE)
def test_lint_of_the_house_lets_pass(kind, tmp_path):
    assert of_house(tmp_path, *HOUSE_FINE[kind]) == []


def test_lint_refuses_a_merge_that_names_a_branch(tmp_path):
    def git(*arguments):
        subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            check=True, capture_output=True)  # fmt: skip

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "first: one")
    for branch, subject in (("x", "Merge branch 'x'"), ("y", "csi: the driver's pages")):
        git("checkout", "-q", "-b", branch)
        git("commit", "-q", "--allow-empty", "-m", "work: more")
        git("checkout", "-q", "main")
        git("merge", "-q", "--no-ff", "-m", subject, branch)
    found = list(house.check_merges(str(tmp_path), []))
    assert len(found) == 1 and "Merge branch 'x'" in found[0]
