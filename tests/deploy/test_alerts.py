"""deploy/alerts fires when it should, and it and the dashboard ask for metrics that there are."""

import json
import os
import re
import subprocess

import pytest
import yaml

from chart import CHART, ROOT

ALERTS = os.path.join(ROOT, "deploy", "alerts")
# Of Prometheus's own client conventions; common/metrics/process_metrics.cc exports them.
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
NAME = re.compile(r"\b(?:connector_(?:broker|dataplane|controller|csi)_[a-z_]+|process_[a-z_]+)\b")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def documented():
    """Names in the metrics tables of the programs' READMEs; `a_x`, `_y` stands for a_x and a_y."""
    names = set(PROCESS)
    for program in ("broker", "dataplane", "controller", "csi"):
        for row in re.findall(
            r"^\| (`(?:connector_|process_)[^|]*) \|", read(program, "README.md"), re.M
        ):
            first, *others = re.findall(r"`([a-z_]+)`", row)
            names.add(first)
            for other in others:
                stem = (
                    first.removesuffix("_total").rsplit("_", 1)[0] if other.startswith("_") else ""
                )
                names.add(stem + other)
    return names


def expressions():
    """{where: expression} of every rule and panel."""
    found = {}
    for group in yaml.safe_load(read("deploy", "alerts", "oci-connector.yaml"))["groups"]:
        for rule in group["rules"]:
            found[rule["alert"]] = rule["expr"]
    for panel in json.loads(read("deploy", "dashboards", "oci-connector.json"))["panels"]:
        for target in panel.get("targets", []):
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    return found


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, cwd=ALERTS)


def test_the_rules_are_rules():
    done = promtool("check", "rules", "oci-connector.yaml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_fires_when_it_should_and_not_else():
    done = promtool("test", "rules", "oci-connector_test.yaml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_is_in_the_table_of_those_that_fire():
    alerts = set(re.findall(r"alert: (\w+)", read("deploy", "alerts", "oci-connector.yaml")))

    table = read("deploy", "alerts", "oci-connector_test.yaml")
    fired = set(re.findall(r'alertname="(\w+)"}\'', table))
    fired |= set(re.findall(r"^ *alertname: (\w+)$", table, re.MULTILINE))

    assert alerts == fired


@pytest.mark.parametrize("where, expression", expressions().items())
def test_metrics_are_documented(where, expression):
    used = NAME.findall(expression)

    known = documented()
    histograms = {name + suffix for name in known for suffix in ("_bucket", "_sum", "_count")}
    assert used and set(used) <= known | histograms


def test_labels_have_values_that_the_programs_write():
    """A selector with a value that nobody writes is silent for ever."""
    written = {
        "outcome": "proto/connector/broker/v1/broker.proto",
        "state": "broker/secrets/vault/vault_metrics.cc",
        "result": "broker/upstream_auth/minting_token_source.cc dataplane/app/metrics.cc",
        "class": "dataplane/app/metrics.cc",
    }
    for where, expression in expressions().items():
        for label, value in re.findall(r'\b(outcome|state|result|class)!?="(\w+)"', expression):
            sources = " ".join(read(*path.split("/")) for path in written[label].split())
            as_written = {"outcome": f"DENIAL_REASON_{value.upper()} =", "class": '"xx"'}
            assert as_written.get(label, f'"{value}"') in sources, f"{where}: {label}={value}"


def test_the_chart_ships_these_files():
    for chart_file, shown in {
        "alerts.yaml": "alerts/oci-connector.yaml",
        "dashboard.json": "dashboards/oci-connector.json",
    }.items():
        assert os.path.samefile(
            os.path.join(CHART, "files", chart_file), os.path.join(ROOT, "deploy", shown)
        )
