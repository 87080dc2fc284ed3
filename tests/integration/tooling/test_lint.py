"""tests/lint finds what it is there for, and leaves alone what only looks like it."""

import importlib.machinery
import importlib.util
import os

import pytest

LINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "lint")


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
