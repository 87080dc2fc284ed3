"""docs/errors.md has every sentence that stands in the sources as one string, and no other."""

import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = [
    "broker/authorization/decision.cc",
    "common/http/head_reader.cc",
    "common/http/head_reader.h",
    "common/http/parse_request_head.cc",
    "common/routing/connector_host.cc",
    "dataplane/oci/errors.cc",
    "dataplane/oci/link.cc",
    "dataplane/oci/redirect.cc",
    "dataplane/addressing/address.cc",
    "dataplane/addressing/query.cc",
    "dataplane/addressing/target.cc",
    "dataplane/server/authorized.cc",
    "dataplane/server/first_target.cc",
    "dataplane/server/forward.cc",
    "dataplane/server/respond.cc",
    "dataplane/server/rewrite.cc",
    "dataplane/server/serve.cc",
    "dataplane/server/upstream_call.cc",
]
# Not sentences of answers: the client is told something else instead.
NEVER_SENT = {
    "This port speaks plain HTTP, and a TLS handshake came.",
    "The caller token was not accepted: send a valid token of yours as the password.",
}
PLACEHOLDERS = re.compile(r"\b(NAMESPACE/NAME|HOST|CAUSE|STATUS|WORDS)\b")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sentences(path):
    """String literals that begin with a capital and end with a full stop, joined as C++ does."""
    text = re.sub(r'"\s*\n\s*"', "", read(path))
    found = re.findall(r'"([A-Z][^"\n]* [^"\n]*\.)"', text)
    return {each.replace(r"\\", "\\") for each in found} - NEVER_SENT


def on_the_page():
    page = re.sub(r"\n  (?=\S)", " ", read("docs/errors.md"))
    table = re.findall(r"^\| `CONNECTOR\w*` \|[^|]*\|[^|]*\| ([^|]*) \|", page, re.MULTILINE)
    return set(table) | set(re.findall(r'^- (?:\d+: )?"([^"]*)"', page, re.MULTILINE))


@pytest.mark.parametrize("path", SOURCES)
def test_every_sentence_stands_on_the_page(path):
    found = sentences(path)

    assert found, f"{path} has no sentence any more: take it off the list here"
    assert found - on_the_page() == set()


def test_every_sentence_on_the_page_is_given_by_the_code():
    given = set().union(*(sentences(path) for path in SOURCES))

    assert {each for each in on_the_page() - given if not PLACEHOLDERS.search(each)} == set()
