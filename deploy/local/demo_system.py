"""What the plain demonstration runs: registry, token service, broker and data plane on loopback."""

import os
import secrets

import scenario
from demo_vault import DemoVault
from processes import Failure, Processes
from token_service import password_line

_HERE = os.path.dirname(os.path.abspath(__file__))
_ISSUER = "https://local.oci-connector.dev"
_SERVICE = "demo-registry"
_TOKEN_ISSUER = "demo-token-service"
_ROBOT = "robot$demo"


class Demo:
    """Everything that runs, and where a person finds it."""

    def __init__(self, directory, bin_directory, chosen_ports, vault_program=None):
        """`vault_program`: the robot's password is in Vault then, not in a Secret."""
        self.directory = directory
        self.ports = chosen_ports
        self.vault = DemoVault(self, vault_program) if vault_program else None
        self._bin = bin_directory
        self.processes = Processes(directory)
        self.password = secrets.token_urlsafe(24)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def address(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    @property
    def prefix(self):
        """What stands before a repository in the path form."""
        return f"{self.address('proxy')}/namespaces/default/connectors/demo"

    def program(self, name):
        return os.path.join(self._bin, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text)
        return path

    robot = _ROBOT

    def run_client(self, argv):
        return self.processes.run(argv)

    def connectorctl(self, *arguments):
        code, output = self.processes.run([self.program("connectorctl"), *arguments])
        if code != 0:
            raise Failure(f"connectorctl {' '.join(arguments)} exited {code}:\n{output}")
        return output

    def start(self):
        self._make_registry_certificates()
        self.connectorctl("pki", "init", self.path("pki"), "--dataplane", "demo")
        self._start_token_service()
        self._start_registry()
        if self.vault:
            self.vault.start()
            self.vault.put(_ROBOT, self.password)
        self._start_broker()
        self._start_dataplane()
        for account in ("builder", "reader", "stranger"):
            self._mint(account)

    def tls_option(self, side, _account):
        """Of skopeo: how the client speaks to the data plane. Here plain HTTP."""
        return f"--{side}-tls-verify=false"

    def rotate(self):
        """The robot's password, as its owner would: at the registry's users, and in Vault."""
        self.password = secrets.token_urlsafe(24)
        self._write_users()
        self.vault.put(_ROBOT, self.password)

    def _write_users(self):
        staged = self.write("token-users.new", password_line(_ROBOT, self.password) + "\n")
        os.replace(staged, self.path("token-users"))

    def _mint(self, account):
        token = self.connectorctl(
            "token", "mint",
            "--key", self.path("pki", "issuer.jwk.json"),
            "--issuer", _ISSUER,
            "--service-account", f"ci/{account}",
            "--ttl", "8h",
        ).strip()  # fmt: skip
        token_file = self.write(f"{account}/token", token)
        self.connectorctl(
            "render", "all", "--host", self.address("proxy"), "--path-form",
            "--connector", "default/demo", "--token-file", token_file,
            "--out", self.path(account),
        )  # fmt: skip

    def _make_registry_certificates(self):
        """One throw-away CA for the registry and its token service; its own, not our PKI."""
        self.write("openssl.cnf", _OPENSSL)
        ca, server = self.path("registry-ca"), self.path("registry-tls")
        signer = self.path("token-signer")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        common = ["openssl", "req", "-x509", "-nodes", "-days", "30", "-config",
                  self.path("openssl.cnf")]  # fmt: skip
        for argv in (
            [*common, *key, "-subj", "/CN=demo registry CA", "-extensions", "ca",
             "-keyout", ca + ".key", "-out", ca + ".crt"],
            [*common, *key, "-subj", "/CN=demo registry", "-extensions", "server",
             "-CA", ca + ".crt", "-CAkey", ca + ".key",
             "-keyout", server + ".key", "-out", server + ".crt"],
            [*common, "-newkey", "rsa:2048", "-subj", "/CN=demo token signer", "-extensions", "ca",
             "-keyout", signer + ".key", "-out", signer + ".crt"],
        ):  # fmt: skip
            code, output = self.processes.run(argv)
            if code != 0:
                raise Failure(f"openssl failed:\n{output}")

    def _start_token_service(self):
        self._write_users()
        self.processes.start("token service", [
            "/usr/bin/python3", os.path.join(_HERE, "token_service.py"),
            "--listen", self.address("token"),
            "--tls-certificate", self.path("registry-tls.crt"),
            "--tls-key", self.path("registry-tls.key"),
            "--issuer", _TOKEN_ISSUER, "--service", _SERVICE,
            "--signing-key", self.path("token-signer.key"),
            "--signing-certificate", self.path("token-signer.crt"),
            "--user-file", self.path("token-users"),
        ], self.ports["token"])  # fmt: skip

    def _start_registry(self):
        config = self.write("registry.yml", _REGISTRY.format(
            root=self.directory, listen=self.address("registry"), secret=secrets.token_hex(16),
            realm=f"https://{self.address('token')}/token", service=_SERVICE,
            issuer=_TOKEN_ISSUER,
        ))  # fmt: skip
        self.processes.start(
            "registry", ["docker-registry", "serve", config], self.ports["registry"]
        )

    def _start_broker(self):
        with open(self.path("registry-ca.crt"), encoding="ascii") as file:
            ca = "\n".join("    " + line for line in file.read().splitlines())
        secret = _SECRET.format(robot=_ROBOT, password=self.password)
        credential = "vaultRef: {path: secret/data/ci/demo}"
        self.write("resources/demo.yaml", _RESOURCES.format(
            registry=self.address("registry"), token=self.address("token"), ca=ca,
            secret="" if self.vault else secret,
            credential=credential if self.vault else "secretRef: {name: demo-robot}",
        ))  # fmt: skip
        os.makedirs(self.path("audit"), mode=0o700)
        config = self.write("broker.yaml", _BROKER.format(
            listen=self.address("broker"), admin=self.address("broker-status"),
            root=self.directory, issuer=_ISSUER,
        ) + (self.vault.broker_yaml() if self.vault else ""))  # fmt: skip
        argv = [self.program("connector-broker"), "--config", config]
        self.processes.start("broker", argv, self.ports["broker"])

    def _start_dataplane(self):
        config = self.write("dataplane.yaml", _DATAPLANE.format(
            listen=self.address("proxy"), listen_tls=self.address("proxy-tls"),
            admin=self.address("status"), broker=self.address("broker"), root=self.directory,
        ))  # fmt: skip
        argv = [self.program("connector-dataplane"), "--config", config]
        self.processes.start("data plane", argv, self.ports["proxy"])
        scenario.wait_until_ready(self)


_OPENSSL = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
[server]
basicConstraints = critical,CA:FALSE
subjectAltName = IP:127.0.0.1,DNS:localhost
extendedKeyUsage = serverAuth
"""

_REGISTRY = """
version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {root}/registry}}
  delete: {{enabled: true}}
http:
  addr: {listen}
  secret: {secret}
  tls: {{certificate: {root}/registry-tls.crt, key: {root}/registry-tls.key}}
auth:
  token: {{realm: "{realm}", service: {service}, issuer: {issuer}, rootcertbundle: {root}/token-signer.crt}}
"""

_SECRET = """
apiVersion: v1
kind: Secret
metadata: {{name: demo-robot, namespace: default}}
stringData: {{username: "{robot}", password: "{password}"}}
---
"""

_RESOURCES = """
{secret}
apiVersion: v1
kind: Secret
metadata: {{name: demo-ca, namespace: default}}
stringData:
  ca.crt: |
{ca}
---
apiVersion: oci-connector.dev/v1alpha1
kind: Connector
metadata: {{name: demo, namespace: default}}
spec:
  connectorClassName: oci
  address: https://{registry}
  auth:
    name: tokenAuth
    {credential}
  caCertSecretRef: {{name: demo-ca}}
  upstream:
    tokenRealm: https://{token}/token
  access:
  - from: [{{serviceAccount: {{namespace: ci, name: builder}}}}]
    repositories: ["samples/**"]
    actions: [pull, push]
  - from: [{{serviceAccount: {{namespace: ci, name: reader}}}}]
    repositories: ["samples/**"]
    actions: [pull]
"""

_BROKER = """
listenAddress: {listen}
adminAddress: {admin}
tls:
  certificateFile: {root}/pki/broker.crt
  keyFile: {root}/pki/broker.key
  clientCaFile: {root}/pki/ca.crt
peers:
  dataplanes: ["spiffe://oci-connector.local/dataplane/*"]
  operators: ["spiffe://oci-connector.local/operator"]
resources: {{directory: {root}/resources}}
identity:
  audience: oci-connector
  local: {{issuer: "{issuer}", jwksFile: {root}/pki/issuer.jwks.json}}
audit: {{directory: {root}/audit}}
rootKeyFile: {root}/pki/root.key
"""

DATAPLANE_BEHIND_LISTENERS = """
adminAddress: {admin}
broker:
  address: {broker}
  caFile: {root}/pki/ca.crt
  certificateFile: {root}/pki/dataplane-demo.crt
  keyFile: {root}/pki/dataplane-demo.key
  serverName: localhost
drainTimeout: 5s
"""

_DATAPLANE = """
listeners:
- address: {listen}
- address: {listen_tls}
  tls: {{certificateFile: {root}/pki/listener.crt, keyFile: {root}/pki/listener.key}}
""" + DATAPLANE_BEHIND_LISTENERS
