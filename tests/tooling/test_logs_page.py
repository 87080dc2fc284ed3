"""docs/logs.md has every field and every decision that the sources write, and no other."""

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVERY_LINE = ["time", "level", "program", "message"]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def section(title):
    """The text under one heading of the page."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", read("docs/logs.md"), re.M | re.S).group(1)


def fields(title):
    """The first column of the section's table, in its order."""
    return re.findall(r"^\| `(\w+)` \| (?:text|number|true or false) \|", section(title), re.M)


def values(title, after):
    """The names of the list that follows the sentence about `after`."""
    text = section(title).split(f"`{after}` is one of", 1)[1]
    listed = re.search(r"\n\n((?:- .*\n(?:  .*\n)*)+)", text).group(1)
    return re.findall(r"^- `([^`]+)`:", listed, re.M)


def block(path, begin, end):
    """The sources from `begin` to the first `end` after it."""
    text = read(path)
    start = text.index(begin)
    return text[start : text.index(end, start)]


def test_the_access_log_has_the_fields_of_the_page():
    text = read("dataplane/server/access_log.cc")
    body = text[text.index("void AccessLog::Append") :]
    written = re.findall(r'R"\(\{"(\w+)":"\)"|Append(?:Text|Number)\(out, "(\w+)"', body)
    constant = re.findall(r'"(\w+)":"[\w-]+"', block(
        "dataplane/server/access_log.cc", '(","level"', "\n"))  # fmt: skip

    assert [first or second for first, second in written][:1] == ["time"]
    in_order = ["time", *constant, *(second for _, second in written if second)]
    assert in_order == fields("Access log")


def test_the_access_log_has_the_decisions_of_the_page():
    names = block("dataplane/server/request_decision.h", "kRequestDecisionNames{", "};")
    given = re.findall(r'"([^"]+)"', names)

    assert given[0] == "undecided", "which is never written"
    assert given[1:] == values("Access log", "decision")


def test_the_access_log_has_the_operations_of_the_page():
    names = block("dataplane/server/serve.cc", "std::string_view OperationName(", "\n}\n")
    given = list(dict.fromkeys(re.findall(r'return "(\w+)"', names)))

    assert given.pop() == "unknown", "which no operation is"
    assert given == values("Access log", "operation")


def test_the_brokers_line_has_the_fields_of_the_page():
    call = block("broker/api/issue_token_handler.cc", '"issue_token"', ");")

    assert EVERY_LINE + re.findall(r'\{"(\w+)",', call) == fields("Decision")


def test_the_brokers_line_has_the_decisions_of_the_page():
    reasons = block("proto/connector/broker/v1/broker.proto", "enum DenialReason", "}")
    given = re.findall(r"DENIAL_REASON_(\w+) = ", reasons)

    assert sorted([*given, "GRANTED"]) == sorted(values("Decision", "decision"))


def test_the_audit_record_has_the_fields_of_the_page():
    body = block("common/auditlog/record.cc", "std::string FormatRecord(", "\n}\n")
    written = re.findall(r'"seq"|"allowed":true|AppendText\(line, "(\w+)"', body)
    assert written[0] == "" and '"seq"' in body
    names = [name or "" for name in written]
    names[0] = "seq"
    names[names.index("")] = "allowed"

    assert [*names, "hash"] == fields("Audit record")
