"""Which shared libraries a program needs, and which Debian packages they are from.

Reads ELF files with readelf and does not run them. What is opened by name at run time (dlopen) is
not seen: nothing here does that, and the C library of Debian 12 has name resolution inside.
"""

import functools
import os
import re
import subprocess

_NEEDED = re.compile(r"\((NEEDED|RPATH|RUNPATH)\).*\[(.*)\]")
_INTERPRETER = re.compile(r"Requesting program interpreter: (.*)\]")


class NotFound(Exception):
    pass


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=_ENV).stdout


_ENV = dict(os.environ, LC_ALL="C")


def interpreter(program):
    """The dynamic loader's path, as the program has it."""
    found = _INTERPRETER.search(run("readelf", "-lW", program))
    if not found:
        raise NotFound(
            f"{program}: no dynamically linked program; build it with `cmake --preset release`"
        )
    return found[1]


def needed(path):
    names = []
    for kind, value in _NEEDED.findall(run("readelf", "-dW", path)):
        if kind != "NEEDED":
            raise NotFound(f"{path}: has a {kind} ({value}), which would not hold in an image")
        names.append(value)
    return names


@functools.cache
def _library_folders():
    """Where the loader of an image without ld.so.cache looks, too."""
    triplet = run("gcc", "-print-multiarch").strip()
    return [f"/usr/lib/{triplet}", f"/lib/{triplet}"]


def find_library(name):
    for folder in _library_folders():
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return os.path.realpath(path)
    raise NotFound(
        f"{name}: not in {' or '.join(_library_folders())}; tests/support/packages/install build"
    )


def closure(program):
    """{soname: path of the file on this machine} of all that the program needs, itself left out."""
    found = {}
    waiting = [program]
    while waiting:
        for name in needed(waiting.pop()):
            if name not in found:
                found[name] = find_library(name)
                waiting.append(found[name])
    return dict(sorted(found.items()))


def packages_of(paths):
    """{path: Debian package}, with its architecture where dpkg says so: libc6:amd64."""
    # Before /usr was merged dpkg noted libraries at /lib, and it still does.
    spelled = {
        form: path for path in paths for form in (path, path.removeprefix("/usr"), "/usr" + path)
    }
    done = subprocess.run(["dpkg", "-S", *spelled], capture_output=True, text=True, env=_ENV)
    found = {}
    for line in done.stdout.splitlines():
        package, _, form = line.partition(": ")
        if form in spelled:
            found[spelled[form]] = package.split(", ")[0]
    for path in paths:
        if path not in found:
            raise NotFound(
                f"{path}: belongs to no Debian package, so that nobody could say its version"
            )
    return found
