"""A whole system of real processes: registry, token service, broker, data planes, clients' room.

    clients' room  --cable--  middle: data planes, broker  --cable--  upstream: registry, tokens

Clients have no way to the upstream but through a data plane. Everything logs at debug, and when a
world closes, the canary scan goes over all that it left behind.
"""

import base64
import http.client
import json
import os
import secrets
import subprocess
import time

import jwt
import yaml

import canary
import upstream as up
from netns import Room, connect_rooms, wait_until
from rawhttp import Client
from testca import write
from upstream import Upstream, is_listening

LOCAL_ISSUER = "https://local.oci-connector.dev"
PROXY = "10.77.2.1"  # The middle room, as clients see it.
MIDDLE = "10.77.1.1"  # And as the registry sees it.
PROXY_NAME = "proxy.test"
HTTP_PORT, TLS_PORT = 8080, 8443
FRONT_PORT = 8000
BROKER_PORT, BROKER_ADMIN_PORT = 7443, 7480

_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
BIN = os.environ.get("CONNECTOR_BIN", os.path.join(_ROOT, "build", "release", "bin"))


def program(name):
    path = os.path.join(BIN, name)
    assert os.path.exists(path), f"{path} is missing: build it first (tests/run does)"
    return path


def new_password():
    """Unique, and with characters that URLs, JSON, YAML and Basic escape differently."""
    return f'p+{secrets.token_hex(12)}/"&=%41 z'


class World:
    host_suffixes = {"svc": PROXY, "svc.cluster.local": PROXY}

    def __init__(self, directory, auth="token", tls=True, registry=up.DEBIAN):
        """`auth`: token or htpasswd; `tls`: of registry and token service; `registry`: which one."""
        self.directory = str(directory)
        os.makedirs(self.directory)
        self.captures = self.path("captures")
        for name in ("resources", "staging", "audit", "captures"):
            os.makedirs(self.path(name))
        clients_hosts = {PROXY_NAME: PROXY}
        for suffix, address in self.host_suffixes.items():
            for name in ("demo", "other", "open", "paged"):
                clients_hosts[f"c-{name}.default.{suffix}"] = address
        self.up = Room(self.directory, "up", up.HOSTS)
        self.middle = Room(self.directory, "middle", {**up.HOSTS, PROXY_NAME: PROXY})
        self.clients = Room(self.directory, "clients", clients_hosts)
        connect_rooms(self.middle, f"{MIDDLE}/24", self.up, f"{up.ADDRESS}/24")
        connect_rooms(self.middle, f"{PROXY}/24", self.clients, "10.77.2.2/24")
        self.upstream = Upstream(
            self.up, self.made("upstream"), new_password(), auth, tls, registry
        )
        self.vault = None  # See vault_world.py.
        self.broker_extra = {}  # Joins the broker's configuration.
        self.dataplane_extra = {}  # And that of every data plane.
        self.broker = None
        self.broker_address = f"127.0.0.1:{BROKER_PORT}"  # As data planes know it.
        self.dataplanes = []
        self.tokens = []
        self.at_close = []  # What tests started beside the rooms.
        self.leaks_on_purpose = False  # Of a test of the canary scan: none at the end.

    # Life

    def start(self, dataplanes=1, **spec):
        """Everything, with the connector default/demo of `connector(**spec)`."""
        self.upstream.start()
        self.connectorctl("pki", "init", self.path("pki"), "--ip", PROXY, "--dns", PROXY_NAME)
        if self.vault is None:
            self.put_secret(self.upstream.password)
        self.put_ca(self.upstream.ca.pem)
        self.put_connector(self.connector(**spec))
        self.start_broker()
        for index in range(dataplanes):
            self.start_dataplane(index)
        return self

    def close(self, failed):
        """Ends all processes. A world whose test did not fail must also pass the canary scan."""
        try:
            if not failed and not self.leaks_on_purpose:
                self.scan()
        finally:
            for stop in reversed(self.at_close):
                stop()
            for room in (self.clients, self.middle, self.up):
                room.close()

    def scan(self):
        for index, dataplane in enumerate(self.dataplanes):
            if dataplane.is_running():
                write(self.path("captures", f"metrics-dataplane-{index}"), self.metrics(index))
        if self.broker is not None and self.broker.is_running():
            write(self.path("captures", "metrics-broker"), self.broker_metrics())
            write(self.path("captures", "metrics-broker-status"), json.dumps(self.broker_status()))
        canary.check_world(self)

    def restart_broker(self):
        self.broker.kill()
        self.start_broker()

    def start_broker(self):
        config = self.write_yaml("broker.yaml", self.broker_config())
        argv = [program("connector-broker"), "--config", config]
        self.broker = self.middle.start("broker", argv)
        wait_until(
            lambda: is_listening(self.middle, BROKER_PORT), "the broker listens",
            process=self.broker,
        )  # fmt: skip

    def start_dataplane(self, index=0):
        config = self.write_yaml(f"dataplane-{index}.yaml", self.dataplane_config(index))
        argv = [program("connector-dataplane"), "--config", config]
        dataplane = self.middle.start(f"dataplane-{index}", argv)
        self.dataplanes[index:] = [dataplane]
        wait_until(
            lambda: self.readiness(index)[0] == 200, f"data plane {index} is ready",
            process=dataplane,
        )  # fmt: skip
        return dataplane

    # Configuration

    def broker_config(self):
        return {
            "listenAddress": f"127.0.0.1:{BROKER_PORT}",
            "adminAddress": f"127.0.0.1:{BROKER_ADMIN_PORT}",
            "tls": {
                "certificateFile": self.path("pki", "broker.crt"),
                "keyFile": self.path("pki", "broker.key"),
                "clientCaFile": self.path("pki", "ca.crt"),
            },
            "peers": {
                "dataplanes": ["spiffe://oci-connector.local/dataplane"],
                "operators": ["spiffe://oci-connector.local/operator"],
            },
            "resources": {"directory": self.path("resources")},
            "identity": {
                "audience": "oci-connector",
                "local": {
                    "issuer": LOCAL_ISSUER,
                    "jwksFile": self.path("pki", "issuer.jwks.json"),
                },
            },
            "audit": {"directory": self.path("audit")},
            "rootKeyFile": self.path("pki", "root.key"),
            "logLevel": "debug",
            **self.broker_extra,
        }

    def dataplane_config(self, index):
        return {
            "listeners": [
                {"address": f"{PROXY}:{HTTP_PORT + index}"},
                {
                    "address": f"{PROXY}:{TLS_PORT + index}",
                    "tls": {
                        "certificateFile": self.path("pki", "listener.crt"),
                        "keyFile": self.path("pki", "listener.key"),
                    },
                },
            ],
            "adminAddress": f"127.0.0.1:{_admin_port(index)}",
            "broker": {
                "address": self.broker_address,
                "caFile": self.path("pki", "ca.crt"),
                "certificateFile": self.path("pki", "dataplane.crt"),
                "keyFile": self.path("pki", "dataplane.key"),
                "serverName": "localhost",
            },
            "threads": 2,
            "logLevel": "debug",
            **self.dataplane_extra,
        }

    def connector(self, name="demo", access=None, **spec):
        """The usual Connector; `spec` replaces whole members of its spec."""
        basic = self.upstream.auth == "htpasswd"
        auth = {"name": "tokenAuth", "secretRef": {"name": "robot"}}
        if basic:
            auth = {"name": "basicAuth", "secretRef": {"name": "robot"}, "allowStatic": True}
        members = {"connectorClassName": "oci", "address": self.upstream.address, "auth": auth}
        settings = {} if basic else {"tokenRealm": self.upstream.realm}
        if self.upstream.tls:
            members["caCertSecretRef"] = {"name": "upstream-ca"}
        else:
            settings["allowInsecureUpstream"] = True
        if settings:
            members["upstream"] = settings
        members["access"] = access or [rule("ci", "builder", ["pull", "push", "delete"])]
        members.update(spec)
        return {
            "apiVersion": "oci-connector.dev/v1alpha1",
            "kind": "Connector",
            "metadata": {"name": name, "namespace": "default"},
            "spec": members,
        }

    def put_connector(self, connector):
        self._put(f"connector-{connector['metadata']['name']}.yaml", connector)

    def put_class(self, connector_class):
        self._put(f"class-{connector_class['metadata']['name']}.yaml", connector_class)

    def put_secret(self, password, name="robot", user=up.USER):
        self._put_secret(name, {"username": user, "password": password})

    def put_ca(self, pem):
        self._put_secret("upstream-ca", {"ca.crt": pem})

    def _put_secret(self, name, data):
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self._put(f"secret-{name}.yaml", {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "default"},
            "data": encoded,
        })  # fmt: skip

    def _put(self, file_name, resource):
        staged = self.write_yaml(os.path.join("staging", file_name), resource)
        os.rename(staged, self.path("resources", file_name))

    # Callers

    def token(self, account="builder", namespace="ci"):
        """A fresh caller token for a service account."""
        token = self.connectorctl(
            "token", "mint", "--key", self.path("pki", "issuer.jwk.json"),
            "--issuer", LOCAL_ISSUER, "--service-account", f"{namespace}/{account}", "--ttl", "1h",
        ).strip()  # fmt: skip
        self.tokens.append(token)
        return token

    def forged_token(self, key=None, algorithm="ES256", header=None, **claims):
        """A token of our own making: by default signed by the right key, with odd claims."""
        if key is None:
            with open(self.path("pki", "issuer.jwk.json"), encoding="ascii") as file:
                jwk = json.load(file)
            key = jwt.PyJWK(jwk, algorithm="ES256").key
            header = {"kid": jwk["kid"], **(header or {})}
        now = int(time.time())
        body = {
            "iss": LOCAL_ISSUER,
            "aud": "oci-connector",
            "sub": "system:serviceaccount:ci:builder",
            "iat": now,
            "nbf": now - 5,
            "exp": now + 600,
            **claims,
        }
        token = jwt.encode(body, key, algorithm=algorithm, headers=header)
        self.tokens.append(token)
        return token

    def connectorctl(self, *arguments, expect=0):
        done = subprocess.run(
            [program("connectorctl"), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == expect, (
            f"connectorctl {' '.join(arguments)} exited {done.returncode}:\n"
            f"{done.stdout}{done.stderr}"
        )
        return done.stdout

    def listener_ca(self):
        """What clients verify certificates of the broker's listener authority by."""
        return self.middle.run([
            program("connectorctl"), "listener-ca", "--broker", f"127.0.0.1:{BROKER_PORT}",
            "--pki", self.path("pki"),
        ]).ok().stdout  # fmt: skip

    def verify_audit(self, directory=None, expect=0):
        """What connectorctl says of a broker's audit chain, with the key."""
        return self.connectorctl(
            "audit", "verify", directory or self.path("audit"),
            "--root-key-file", self.path("pki", "root.key"), expect=expect,
        )  # fmt: skip

    def check(self, connector="default/demo"):
        """What an operator sees of connectorctl check; kept for the canary scan."""
        done = self.middle.run([
            program("connectorctl"), "check", connector, "--broker", f"127.0.0.1:{BROKER_PORT}",
            "--pki", self.path("pki"),
        ])  # fmt: skip
        with open(self.path("captures", "metrics-check.txt"), "a", encoding="utf-8") as file:
            file.write(done.output)
        return done

    def client(self, host=PROXY_NAME, port=HTTP_PORT, tls=None, timeout=20.0):
        return Client(self.clients, host, port, capture=self.captures, tls=tls, timeout=timeout)

    def auth_file(self, token, *hosts):
        """A directory with config.json and auth.json for these host:port."""
        directory = self.made(os.path.join("clients", secrets.token_hex(4)))
        credential = base64.b64encode(f"token:{token}".encode()).decode()
        text = json.dumps({"auths": {host: {"auth": credential} for host in hosts}})
        for name in ("config.json", "auth.json"):
            write(os.path.join(directory, name), text)
        return directory

    def run_client(self, argv, env=None, timeout=120):
        """A client program in the clients' room; what it prints is kept for the canary scan."""
        environment = {"PATH": os.environ["PATH"], "HOME": self.directory, **(env or {})}
        done = self.clients.run(argv, env=environment, timeout=timeout)
        with open(self.path("captures", "client-output.txt"), "a", encoding="utf-8") as file:
            file.write(done.output)
        return done

    # What the programs say about themselves

    def metrics(self, index=0):
        return self.ask_admin(_admin_port(index), "/metrics")[1]

    def broker_metrics(self):
        return self.ask_admin(BROKER_ADMIN_PORT, "/metrics")[1]

    def broker_status(self):
        return json.loads(self.ask_admin(BROKER_ADMIN_PORT, "/status.json")[1])

    def broker_readiness(self):
        return self.ask_admin(BROKER_ADMIN_PORT, "/readyz")

    def readiness(self, index=0):
        """(status, text) of /readyz; (0, reason) when nobody answers."""
        return self.ask_admin(_admin_port(index), "/readyz")

    def status_page(self, index=0):
        return self.ask_admin(_admin_port(index), "/")[1]

    def ask_admin(self, port, path):
        with self.middle.entered():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except OSError as error:
                return 0, str(error)
            finally:
                connection.close()

    def audit_records(self):
        records = []
        for name in sorted(os.listdir(self.path("audit"))):
            if name.endswith(".jsonl"):
                with open(self.path("audit", name), encoding="utf-8") as file:
                    records += [json.loads(line) for line in file if line.endswith("\n")]
        return records

    def logs(self):
        """Everything that our own programs logged."""
        names = ["broker", *(f"dataplane-{index}" for index in range(len(self.dataplanes)))]
        texts = []
        for name in names:
            if os.path.exists(self.path(f"{name}.log")):
                with open(self.path(f"{name}.log"), encoding="utf-8", errors="replace") as file:
                    texts.append(file.read())
        return "\n".join(texts)

    # Files

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def write_yaml(self, name, value):
        return write(self.path(name), yaml.safe_dump(value))

    def made(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        return self.path(name)


def rule(namespace, account, actions, repositories=("robot/**",)):
    return {
        "from": [{"serviceAccount": {"namespace": namespace, "name": account}}],
        "repositories": list(repositories),
        "actions": actions,
    }


def path_form(repository, connector="demo"):
    """The repository as it stands after /v2/ in the path form."""
    return f"namespaces/default/connectors/{connector}/{repository}"


def _admin_port(index):
    return 7500 + index
