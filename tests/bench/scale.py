"""Thousands of Connectors with CA bundles of their own, in files: tests/bench/run scale.

One broker and two data planes on this machine. Measures how long all routes take from the broker's start,
how long a change takes while a tenant rewrites its bundle all the time, and what memory that costs. Prints a
table of goals and measurements, and exits 1 when one was missed. With --short it is small, and asserts
counts and bytes alone.
"""

import argparse
import base64
import datetime
import os
import shutil
import sys
import tempfile
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support", "python"))

from goals import Goals  # noqa: E402
from images import Image  # noqa: E402
from netns import wait_until  # noqa: E402
from push import get_manifest, push_image  # noqa: E402
from testca import write  # noqa: E402
from world import World, path_form, rule  # noqa: E402

_BUNDLE_BYTES = 60 * 1024
_DATAPLANES = 2
_NAME = path_form("robot/app")
MIB = 2**20


class Bundles:
    """CA bundles of 60 KiB, each with a certificate that no other has."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._common = []
        size = 0
        while size < _BUNDLE_BYTES - 1024:
            self._common.append(self._certificate())
            size += len(self._common[-1])

    def new(self):
        return "".join([self._certificate(), *self._common])

    def _certificate(self):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"ca {os.urandom(8).hex()}")])
        now = datetime.datetime.utcnow()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )


class Scale:
    def __init__(self, options):
        self.options = options
        self.goals = Goals(digits=2)
        self.directory = tempfile.mkdtemp(prefix="bench-scale-")
        self.world = World(os.path.join(self.directory, "world"))
        self.world.broker_extra = {"logLevel": "info"}
        self.world.dataplane_extra = {"logLevel": "info"}
        self.bundles = Bundles()
        self.token = None

    def run(self):
        try:
            self._prepare()
            self._start()
            self._rewrite()
        finally:
            self.world.close(failed=True)
            shutil.rmtree(self.directory, ignore_errors=True)
        return self.goals.report()

    def _prepare(self):
        world = self.world
        world.upstream.start()
        world.connectorctl("pki", "init", world.path("pki"))
        self.token = world.token("leaver")
        world.put_secret(world.upstream.password)
        world.put_ca(world.upstream.ca.pem)
        self._allow("builder", "leaver")
        for index in range(self.options.bundles):
            self._put_bundle(index)
        for index in range(self.options.connectors):
            tenant = f"tenant-{index % self.options.bundles}"
            self._put(f"connector-{tenant}-{index}.yaml", _CONNECTOR.format(index=index, ns=tenant))

    def _put_bundle(self, index):
        pem = base64.b64encode(self.bundles.new().encode()).decode()
        self._put(f"secret-tenant-{index}.yaml", _SECRET.format(ns=f"tenant-{index}", pem=pem))

    def _put(self, name, text):
        """Whole or not at all, as a mounted volume or `mv` would."""
        staged = write(self.world.path("staging", name), text)
        os.rename(staged, self.world.path("resources", name))

    def _allow(self, *accounts):
        access = [rule("ci", account, ["pull", "push"]) for account in accounts]
        self.world.put_connector(self.world.connector(access=access))

    def _start(self):
        world, wanted = self.world, self.options.connectors + 1
        before = self._bytes_on_loopback()
        began = time.monotonic()
        world.start_broker()
        self._row("the broker listens after", time.monotonic() - began, None, "s")
        for index in range(_DATAPLANES):
            world.start_dataplane(index)
        wait_until(
            lambda: all(self._routes(index) == wanted for index in range(_DATAPLANES)),
            "all routes are in all data planes", 120,
        )  # fmt: skip
        self._row("all routes in every data plane after", time.monotonic() - began, 5, "s")
        self._row("routes in a data plane", self._routes(0), None, "")
        sent = (self._bytes_on_loopback() - before) / _DATAPLANES / MIB
        most = (self.options.bundles * 64 + self.options.connectors * 1) / 1024 + 1
        self._row("sent to each data plane", sent, most, "MiB")

    def _rewrite(self):
        world = self.world
        push_image(world.client(), _NAME, "v1", Image(world.path("image")), world.token())
        self._wait_for(200)
        self._put_bundle(0)  # What is allocated once, is.
        time.sleep(2)
        before = self._memory()
        tenant = Tenant(self)
        worst, changes, began = 0.0, 0, time.monotonic()
        while time.monotonic() < began + self.options.seconds:
            for accounts, status in ((("builder",), 404), (("builder", "leaver"), 200)):
                changed = time.monotonic()
                self._allow(*accounts)
                self._wait_for(status)
                worst = max(worst, time.monotonic() - changed)
                changes += 1
                time.sleep(self.options.pause)
        rewritten = tenant.stop()
        self._row("bundles that the tenant wrote", rewritten, None, "")
        self._row("changes meanwhile", changes, None, "")
        self._row("a change is in every data plane, worst", worst, 1, "s")
        time.sleep(2)
        for name, size in self._memory().items():
            self._row(f"memory of {name}", size / MIB, None, "MiB")
            self._row(f"  more than before, of {name}", (size - before[name]) / MIB, 16, "MiB")

    def _wait_for(self, status):
        for index in range(_DATAPLANES):
            client = self.world.client(port=8080 + index)
            wait_until(
                lambda c=client: get_manifest(c, _NAME, "v1", self.token).status == status,
                f"data plane {index} answers {status}", 60,
            )  # fmt: skip

    def _memory(self):
        programs = {"the broker": self.world.broker.pid}
        programs |= {f"data plane {i}": each.pid for i, each in enumerate(self.world.dataplanes)}
        return {name: _resident_bytes(pid) for name, pid in programs.items()}

    def _routes(self, index):
        return sum(
            int(float(line.rsplit(" ", 1)[1]))
            for line in self.world.metrics(index).splitlines()
            if line.startswith("connector_dataplane_routes{")
        )

    def _bytes_on_loopback(self):
        """Broker and data planes share a room, and hardly anybody else speaks there."""
        shown = self.world.middle.run(["cat", "/proc/net/dev"]).ok().stdout
        (line,) = [line for line in shown.splitlines() if line.strip().startswith("lo:")]
        return int(line.split(":")[1].split()[0])

    def _row(self, what, measured, goal, unit):
        timed = unit == "s" and self.options.short
        self.goals.add(what, measured, None if timed else goal, unit)


class Tenant:
    """Rewrites its CA bundle until stop(), and does nothing else."""

    def __init__(self, scale):
        self._scale, self._written = scale, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.02):
            self._scale._put_bundle(0)
            self._written += 1

    def stop(self):
        """How often it did."""
        self._stop.set()
        self._thread.join()
        return self._written


_CONNECTOR = """
apiVersion: oci-connector.dev/v1alpha1
kind: Connector
metadata: {{name: c{index}, namespace: {ns}}}
spec:
  connectorClassName: oci
  address: https://registry-{index}.example.com
  auth: {{name: anonymous}}
  caCertSecretRef: {{name: ca}}
  access:
  - from: [{{namespace: {ns}}}]
    repositories: ["team/**"]
    actions: [pull, push]
"""
_SECRET = """
apiVersion: v1
kind: Secret
metadata: {{name: ca, namespace: {ns}}}
data: {{ca.crt: {pem}}}
"""


def _resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main():
    parser = argparse.ArgumentParser(
        prog="tests/bench/run scale", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--connectors", type=int)
    parser.add_argument("--bundles", type=int)
    parser.add_argument("--seconds", type=int, help="how long the tenant rewrites its bundle")
    parser.add_argument("--short", action="store_true", help="small, and without goals of time")
    options = parser.parse_args()
    small, whole = (500, 20, 8), (5000, 200, 300)
    for name, few, many in zip(("connectors", "bundles", "seconds"), small, whole):
        if getattr(options, name) is None:
            setattr(options, name, few if options.short else many)
    options.pause = 0.2 if options.short else 2
    sys.exit(Scale(options).run())


if __name__ == "__main__":
    main()
