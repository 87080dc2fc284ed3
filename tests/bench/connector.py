"""The subject of this repository: connector-dataplane, with a connector-broker beside it."""

import base64
import json
import os
import subprocess

from measure import Process
from subjects import (
    OTHER_CORE, PASSWORD, USER, Subject, answers, free_port, program, wait_for, write,
)  # fmt: skip

_NAMES = {"plain": "bench", "tls": "bench-tls"}  # Of the connectors.


class Broker:
    def __init__(self, directory, upstreams):
        self.directory, self.upstreams = directory, upstreams
        self.port, self.admin_port = free_port(), free_port()
        self.process = None
        for name in ("resources", "audit"):
            os.makedirs(self.path(name))
        self.pki = self.path("pki")
        self._run("pki", "init", self.pki)
        self.token = self._run(
            "token", "mint", "--key", f"{self.pki}/issuer.jwk.json",
            "--service-account", "ci/builder", "--ttl", "12h",
        )  # fmt: skip
        self._write_resources()

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def _run(self, *arguments):
        done = subprocess.run(
            [program("connectorctl"), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def _put(self, kind, name, **members):
        resource = {"kind": kind, "metadata": {"name": name, "namespace": "default"}, **members}
        # JSON is YAML too.
        write(self.path("resources", f"{kind}-{name}.yaml".lower()), json.dumps(resource))

    def _put_secret(self, name, **data):
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self._put("Secret", name, apiVersion="v1", data=encoded)

    def _write_resources(self):
        self._put_secret("robot", username=USER, password=PASSWORD)
        with open(self.upstreams.ca, encoding="ascii") as file:
            self._put_secret("upstream-ca", **{"ca.crt": file.read()})
        for kind, name in _NAMES.items():
            spec = {
                "connectorClassName": "oci",
                "address": f"http://127.0.0.1:{self.upstreams.ports[kind]}",
                "auth": {"name": "basicAuth", "secretRef": {"name": "robot"}, "allowStatic": True},
                "access": [{
                    "from": [{"serviceAccount": {"namespace": "ci", "name": "builder"}}],
                    "repositories": ["**"],
                    "actions": ["pull", "push"],
                }],
            }  # fmt: skip
            if kind == "tls":
                spec["address"] = f"https://localhost:{self.upstreams.ports[kind]}"
                spec["caCertSecretRef"] = {"name": "upstream-ca"}
            else:
                spec["upstream"] = {"allowInsecureUpstream": True}
            self._put("Connector", name, apiVersion="oci-connector.dev/v1alpha1", spec=spec)

    def start(self):
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "adminAddress": f"127.0.0.1:{self.admin_port}",
            "tls": {
                "certificateFile": f"{self.pki}/broker.crt",
                "keyFile": f"{self.pki}/broker.key",
                "clientCaFile": f"{self.pki}/ca.crt",
            },
            "peers": {
                "dataplanes": ["spiffe://oci-connector.local/dataplane"],
                "operators": ["spiffe://oci-connector.local/operator"],
            },
            "resources": {"directory": self.path("resources")},
            "identity": {
                "local": {
                    "issuer": "https://local.oci-connector.dev",
                    "jwksFile": f"{self.pki}/issuer.jwks.json",
                }
            },
            "audit": {"directory": self.path("audit")},
            "rootKeyFile": f"{self.pki}/root.key",
        }
        file = write(self.path("broker.yaml"), json.dumps(config))
        self.process = Process(
            [program("connector-broker"), "--config", file], self.path("broker.log"), OTHER_CORE
        )
        wait_for(lambda: answers(self.admin_port, "/readyz"), "connector-broker", self.process)

    def stop(self):
        if self.process:
            self.process.stop()


class Dataplane(Subject):
    name = "dataplane"

    def __init__(self, directory, upstreams):
        super().__init__(directory, upstreams)
        self.ports = dict.fromkeys(self.ports, self.ports["plain"])  # One listener for both.
        os.makedirs(self.path("broker"))
        self.broker = Broker(self.path("broker"), upstreams)
        self.broker.start()
        pair = f"token:{self.broker.token}"
        self.authorization = "Basic " + base64.b64encode(pair.encode()).decode()

    def where(self, kind):
        return self.ports[kind], f"/v2/namespaces/default/connectors/{_NAMES[kind]}/app"

    def argv(self):
        pki = self.broker.pki
        config = {
            "listeners": [{"address": f"127.0.0.1:{self.ports['plain']}"}],
            "adminAddress": f"127.0.0.1:{free_port()}",
            "broker": {
                "address": f"127.0.0.1:{self.broker.port}",
                "caFile": f"{pki}/ca.crt",
                "certificateFile": f"{pki}/dataplane.crt",
                "keyFile": f"{pki}/dataplane.key",
                "serverName": "localhost",
            },
            "threads": 1,
        }
        file = write(self.path("dataplane.yaml"), json.dumps(config))
        return [program("connector-dataplane"), "--config", file]

    def close(self):
        self.stop()
        self.broker.stop()
