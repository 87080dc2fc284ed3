"""Audit records reach a syslog server over TLS (rsyslog) and a collector, and none is lost.

The collector is a stand-in: it takes what the OTLP specification says, and refuses the rest.
"""

import http.server
import json
import os
import threading

from netns import wait_until
from push import get_manifest
from testca import TestCa, write
from world import path_form

SYSLOG_PORT, COLLECTOR_PORT = 6514, 4318

_RSYSLOG = """
global(workDirectory="{work}" maxMessageSize="64k"
       defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{ca}"
       defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="kept" type="string"
         string="%pri%|%timereported:::date-rfc3339%|%hostname%|%app-name%|%msgid%|%msg%\\n")
ruleset(name="keep") {{ action(type="omfile" file="{kept}" template="kept") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="keep")
"""


class Syslog:
    """rsyslog in the broker's room."""

    def __init__(self, world, ca):
        certificate, key = ca.issue("syslog", "127.0.0.1")
        self._world = world
        self._kept = world.path("captures", "syslog-kept.txt")
        self._config = write(world.path("rsyslog.conf"), _RSYSLOG.format(
            work=world.made("rsyslog"), ca=ca.path, certificate=certificate, key=key,
            kept=self._kept, port=SYSLOG_PORT))  # fmt: skip
        self._process = None

    def start(self):
        pid_file = self._world.path("rsyslog.pid")
        self._process = self._world.middle.start(
            "rsyslog", ["/usr/sbin/rsyslogd", "-n", "-f", self._config, "-i", pid_file]
        )

    def stop(self):
        self._process.kill()

    def messages(self):
        """(facility and severity, time, host, program, message id, text) each."""
        if not os.path.exists(self._kept):
            return []
        with open(self._kept, encoding="utf-8") as file:
            return [tuple(line.rstrip("\n").split("|", 5)) for line in file]

    def records(self):
        return [json.loads(message[5]) for message in self.messages() if message[4] == "audit"]


class Collector(http.server.ThreadingHTTPServer):
    """What the OTLP specification asks of /v1/logs in JSON."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", COLLECTOR_PORT), _CollectorHandler)
        self.bodies = []
        self.problems = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def records(self):
        return [json.loads(body) for body in list(self.bodies) if body.startswith("{")]


class _CollectorHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            assert self.path == "/v1/logs" and self.headers["Content-Type"] == "application/json"
            for resource in json.loads(body)["resourceLogs"]:
                names = {item["key"] for item in resource["resource"]["attributes"]}
                assert "service.name" in names
                for scope in resource["scopeLogs"]:
                    for record in scope["logRecords"]:
                        assert int(record["timeUnixNano"]) > 10**18
                        assert isinstance(record["timeUnixNano"], str)
                        assert 1 <= record["severityNumber"] <= 24
                        self.server.bodies.append(record["body"]["stringValue"])
            status, answer = 200, b"{}"
        except (AssertionError, KeyError, ValueError) as problem:
            self.server.problems.append(repr(problem))
            status, answer = 400, b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


def test_each_record_reaches_syslog_and_a_collector_although_they_were_away(make_world):
    world = make_world()
    ca = TestCa(world.made("siem"))
    syslog = Syslog(world, ca)
    world.broker_extra = {
        "audit": {
            "directory": world.path("audit"),
            "replica": "broker-1",
            "syslog": {"address": f"127.0.0.1:{SYSLOG_PORT}", "caFile": ca.path},
            "otlp": {"url": f"http://127.0.0.1:{COLLECTOR_PORT}/v1/logs", "allowInsecure": True},
        }
    }
    world.start()
    token = world.token()

    def pull(index):
        return get_manifest(world.client(), path_form(f"robot/app-{index}"), "v1", token).status

    # Nobody is there yet: nothing is lost, and people are told.
    assert [pull(index) for index in range(3)] == [404] * 3
    wait_until(lambda: "cannot be sent" in world.broker_readiness()[1], "the broker is degraded")

    syslog.start()
    with world.middle.entered():
        collector = Collector()
    world.at_close.append(collector.shutdown)
    assert pull(3) == 404
    written = lambda: [record["seq"] for record in world.audit_records()]  # noqa: E731

    def everywhere():
        sent = [[record["seq"] for record in at.records()] for at in (syslog, collector)]
        return sent == [written()] * 2

    wait_until(everywhere, "all records are in both places", timeout=60)
    assert collector.problems == []
    host = {message[2] for message in syslog.messages()}
    assert host == {"broker-1"}
    assert {message[0] for message in syslog.messages() if message[4] == "audit"} <= {"109", "110"}
    heads = [message[5] for message in syslog.messages() if message[4] == "audit-head"]
    assert heads and heads[0].startswith("oci-connector-audit-head ")
    assert syslog.records() == world.audit_records()

    # Away again, and the broker is restarted meanwhile.
    syslog.stop()
    assert pull(4) == 404
    world.restart_broker()
    assert pull(5) == 404
    syslog.start()
    wait_until(
        lambda: {record["seq"] for record in syslog.records()} == set(written()),
        "syslog has all records",
        timeout=60,
    )


def test_nothing_is_issued_while_too_many_records_wait(make_world):
    world = make_world()
    ca = TestCa(world.made("siem"))
    syslog = Syslog(world, ca)
    world.broker_extra = {
        "audit": {
            "directory": world.path("audit"),
            "syslog": {
                "address": f"127.0.0.1:{SYSLOG_PORT}",
                "caFile": ca.path,
                "backlog": {"refuseOver": 3},
            },
        }
    }
    world.start()
    token = world.token()

    def pull(index):
        return get_manifest(world.client(), path_form(f"robot/app-{index}"), "v1", token).status

    statuses = [pull(index) for index in range(6)]
    assert statuses[0] == 404 and statuses[-1] == 503, statuses
    assert len(world.audit_records()) == 3
    assert "wait for 127.0.0.1:6514" in world.broker_readiness()[1]

    syslog.start()
    wait_until(lambda: pull(99) == 404, "tokens are issued again", timeout=60)
