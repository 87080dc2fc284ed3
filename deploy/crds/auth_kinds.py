"""The kinds of authentication, read from common/resource/auth_kinds.h: the one table of them.

The names that the proto knows and the table does not are reserved for later releases.
"""

import os
import re
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Kind(NamedTuple):
    name: str
    secret_class: str
    reads_secret: bool
    reaches_data_plane: str


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def camel(upper_snake):
    first, *rest = upper_snake.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def listed(names, last):
    """a, b LAST c"""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


HEADER = read("common/resource/auth_kinds.h")
KINDS = [
    Kind(name, secret_class.lower(), reads == "true", " ".join(comment.replace("//", " ").split()))
    for comment, name, secret_class, reads in re.findall(
        r'((?:[ ]*// .*\n)+)[ ]*AuthKindRow\{\.kind = \w+::\w+,\s*\.name = "(\w+)",\s*'
        r"\.secret_class = SecretClass::k(\w+),\s*\.reads_secret = (true|false)",
        HEADER,
    )
]
assert len(KINDS) == HEADER.count("AuthKindRow{"), "a row of auth_kinds.h has another shape, or no comment"
PARAMETERS = re.findall(r'AuthParameter\{\s*"(\w+)"', HEADER)
NAMES = [
    camel(name)
    for name in re.findall(
        r"AUTH_NAME_(\w+) = [1-9]", read("proto/connector/config/v1/resource.proto")
    )
]
RESERVED = [name for name in NAMES if name not in {kind.name for kind in KINDS}]
