"""The other side: a registry, and the third-party token service in front of it.

Both are real and live in a room of their own, which clients cannot reach.
"""

import os
import re
import subprocess
import urllib.parse

import yaml

import fault_token_service
from netns import wait_until
from peers import peer
from rawhttp import Client, trusting
from testca import TestCa, rsa_signer, write

ADDRESS = "10.77.1.2"
REGISTRY_HOST, REGISTRY_PORT = "registry.test", 5000
AUTH_HOST, AUTH_PORT = "auth.test", 5001
HOSTS = {REGISTRY_HOST: ADDRESS, AUTH_HOST: ADDRESS, "vault.test": ADDRESS}
USER = "robot"  # The token service lets a user touch only what is under its own name.

DEBIAN, DISTRIBUTION_3 = "debian", "distribution-3"  # Version 2.8 of Debian; 3.1 of peers.txt.
MANIFEST_TYPES = ", ".join((
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
))  # fmt: skip

_ISSUER = "test-token-issuer"
_HIDDEN_PORT = 5002  # Of the real token service behind one with a fault.


class Upstream:
    def __init__(self, room, directory, password, auth="token", tls=True, registry=DEBIAN):
        """`auth`: token or htpasswd; `registry`: DEBIAN or DISTRIBUTION_3."""
        self._program = registry
        self.room, self.directory, self.auth, self.tls = room, directory, auth, tls
        self.ca = TestCa(directory, "upstream-ca")
        self._htpasswd = os.path.join(directory, "htpasswd")
        self._certificate = self.ca.issue("upstream", REGISTRY_HOST, AUTH_HOST, ADDRESS)
        self._signer = rsa_signer(directory, "token-signer")
        self._fault = None
        self.passwords = []
        self.set_password(password)
        self.registry = self.token_server = None

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    @property
    def address(self):
        return f"{self.scheme}://{REGISTRY_HOST}:{REGISTRY_PORT}"

    @property
    def realm(self):
        return f"{self.scheme}://{AUTH_HOST}:{AUTH_PORT}/token/"

    @property
    def password(self):
        return self.passwords[-1]

    def set_password(self, password):
        """From now on only this one is accepted."""
        self.passwords.append(password)
        line = subprocess.run(
            ["htpasswd", "-niB", "-C", "4", USER],
            input=password, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        os.replace(write(self._htpasswd + ".new", line + "\n"), self._htpasswd)

    def start(self):
        if self.auth == "token":
            self.start_token_service()
        self.start_registry()

    def use_htpasswd(self, path):
        """Before start(): the users stand in this file, which somebody else writes."""
        self._htpasswd = path

    def use_fault_service(self, mode):
        """Before start(): puts a token service with a fault in front of the real one."""
        self._fault = mode

    def start_token_service(self):
        port = AUTH_PORT if self._fault is None else _HIDDEN_PORT
        certificate = ["-tlscert", self._certificate[0], "-tlskey", self._certificate[1]]
        self.token_server = self._listening("token-server", port, [
            peer("token-server"), "-debug", "-addr", f"{ADDRESS}:{port}", "-issuer", _ISSUER,
            "-key", self._signer[0], "-passwd", self._htpasswd, "-realm", AUTH_HOST,
            *(certificate if self.tls else []),
        ])  # fmt: skip
        if self._fault is not None:
            self._listening("fault-token-service", AUTH_PORT, [
                "/usr/bin/python3", fault_token_service.__file__, self._fault,
                f"{ADDRESS}:{AUTH_PORT}", f"https://{ADDRESS}:{port}", *self._certificate,
            ])  # fmt: skip

    def _listening(self, name, port, argv):
        # Version 3 of the registry would look for a collector of traces.
        environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
        process = self.room.start(name, argv, env=environment)
        wait_until(lambda: is_listening(self.room, port), f"{name} listens", process=process)
        return process

    def start_registry(self, certificate=None):
        certificate = certificate or self._certificate
        config = {
            "version": 0.1,
            "log": {"level": "info", "accesslog": {"disabled": False}},
            "storage": {
                "filesystem": {"rootdirectory": os.path.join(self.directory, "registry")},
                "delete": {"enabled": True},
            },
            "http": {"addr": f"{ADDRESS}:{REGISTRY_PORT}", "secret": "shared-by-all-registries"},
        }
        if self.tls:
            config["http"]["tls"] = {"certificate": certificate[0], "key": certificate[1]}
        if self.auth == "token":
            config["auth"] = {"token": {
                "realm": self.realm, "service": REGISTRY_HOST, "issuer": _ISSUER,
                "rootcertbundle": self._signer[1],  # What version 2 reads; version 3 the next.
                "jwks": self._signer[2],
            }}  # fmt: skip
        else:
            config["auth"] = {"htpasswd": {"realm": REGISTRY_HOST, "path": self._htpasswd}}
        path = write(os.path.join(self.directory, "registry.yml"), yaml.safe_dump(config))
        binary = "docker-registry" if self._program == DEBIAN else peer("registry")
        self.registry = self._listening("registry", REGISTRY_PORT, [binary, "serve", path])

    def token_requests(self):
        """What the token service was asked, in order: one tuple of scopes a request."""
        requests = []
        for line in self.token_server.log().splitlines():
            if " msg=getToken " not in line:
                continue
            uri = re.search(r'http\.request\.uri="([^"]*)"', line).group(1)
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query)
            requests.append(tuple(query.get("scope", [])))
        return requests

    def manifest_digest(self, repository, tag):
        """As the registry itself says, asked directly with the stored credential."""
        tls = trusting(self.ca.pem) if self.tls else None
        registry = Client(self.room, REGISTRY_HOST, REGISTRY_PORT, tls=tls)
        accept = {"Accept": MANIFEST_TYPES}
        target = f"/v2/{repository}/manifests/{tag}"
        if self.auth == "htpasswd":
            answer = registry.request("HEAD", target, accept, basic=f"{USER}:{self.password}")
        else:
            service = Client(self.room, AUTH_HOST, AUTH_PORT, tls=tls)
            query = f"service={REGISTRY_HOST}&scope=repository:{repository}:pull"
            token = service.request(
                "GET", f"/token/?{query}", basic=f"{USER}:{self.password}"
            ).json()["access_token"]
            answer = registry.request(
                "HEAD", target, accept | {"Authorization": f"Bearer {token}"}
            )
        return answer.header("Docker-Content-Digest") if answer.status == 200 else None


def is_listening(room, port):
    """Whether some program in the room listens on `port`; connects to nothing."""
    hexadecimal = f":{port:04X} "
    with open(f"/proc/{room.holder.pid}/net/tcp", encoding="ascii") as file:
        tcp = file.read()
    with open(f"/proc/{room.holder.pid}/net/tcp6", encoding="ascii") as file:
        tcp += file.read()
    return any(hexadecimal in line and " 0A " in line for line in tcp.splitlines())
