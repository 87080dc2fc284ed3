import shutil

import pytest


def _life(request, tmp_path_factory, **options):
    from cluster import Cluster

    cluster = Cluster(tmp_path_factory.mktemp("clusters") / "cluster", **options)
    failed_before = request.session.testsfailed
    try:
        yield cluster
    finally:
        passed = request.session.testsfailed == failed_before
        cluster.close(failed=not passed)
        if passed:
            shutil.rmtree(cluster.directory, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster_of_module(request, tmp_path_factory):
    yield from _life(request, tmp_path_factory)


@pytest.fixture
def cluster(cluster_of_module, request):
    """Two brokers, three data planes, two controllers; default/demo is Ready. One for all tests of
    a file, put right again before each. If they pass, it must pass the canary scan, too."""
    request.node.worlds = [cluster_of_module]
    if cluster_of_module.front is None:
        return cluster_of_module.start()
    return cluster_of_module.put_right()
