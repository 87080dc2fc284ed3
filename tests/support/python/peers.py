"""Where the pinned third-party programs are (tests/support/peers/install puts them there)."""

import os
import sys

_LIST = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers", "peers.txt"
)


def peer(name):
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", "/var/cache"), "oci-connector", "peers")
    path = os.path.join(cache, f"{name}-{_version(name)}", name)
    assert os.path.exists(path), f"{path} is missing: run tests/support/peers/install"
    return path


def version_of(name):
    """As the project itself writes it, without the v."""
    return _version(name).removeprefix("v")


def _version(name):
    with open(_LIST, encoding="ascii") as file:
        for line in file:
            if line.startswith(name + " "):
                return line.split()[1]
    raise AssertionError(f"{name} is not in {_LIST}")


if __name__ == "__main__":
    print(peer(sys.argv[1]))
