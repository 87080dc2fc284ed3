"""One stand and one matrix for all clients; the matrix is printed at the end."""

import shutil

import pytest

from catalog import CLIENTS
from matrix import Matrix
from setting import SETTINGS
from stand import Stand

_MATRIX = Matrix(CLIENTS, SETTINGS)


def pytest_addoption(parser):
    parser.addoption("--write-page", action="store_true", help="write the tables of docs/clients/matrix.md")


@pytest.fixture(scope="session")
def matrix():
    return _MATRIX


@pytest.fixture(scope="session")
def stand(tmp_path_factory, request, matrix):
    made = Stand(tmp_path_factory.mktemp("clients") / "world", matrix)
    yield made
    failed = request.session.testsfailed > 0
    made.close(failed)
    if not failed:
        shutil.rmtree(made.world.directory, ignore_errors=True)


@pytest.fixture(autouse=True)
def logs_in_the_report(request):
    if "stand" in request.fixturenames:
        request.node.worlds = [request.getfixturevalue("stand").world]


@pytest.fixture(scope="module")
def client(request, stand):
    """One client in one setting, for all its cells."""
    kind, setting = request.param
    made = kind(stand, setting)
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter):
    if _MATRIX.has_run():
        terminalreporter.write_line("")
        for line in _MATRIX.terminal():
            terminalreporter.write_line(line)
