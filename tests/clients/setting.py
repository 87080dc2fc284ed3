"""Where a client finds the data plane: the address form, and the files that connectorctl renders."""

import os
import re
import shutil

from upstream import REGISTRY_HOST, REGISTRY_PORT
from world import HTTP_PORT, PROXY_NAME, TLS_PORT


def slug(name):
    """As a part of repositories and of paths."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


class Setting:
    """`host` is the data plane's in the path form, and names the connector in the host form.

    Without a port the scheme's own is meant. Behind a host that speaks plain HTTP there no one
    listens at the port of TLS: clients would try that first, and stay with it.
    """

    def __init__(self, name, tls, host, ca="listener-ca.crt"):
        self.name, self.tls, self.ca = name, tls, ca
        self.path_form = "{}" not in host
        self._host = host

    def authority(self, connector):
        return self._host.format(connector)

    @property
    def slug(self):
        return slug(self.name)


SETTINGS = (
    Setting("plain", False, "c-{}.default.svc"),
    Setting("TLS", True, "c-{}.default.svc.cluster.local"),
    Setting("plain, path form, port", False, f"{PROXY_NAME}:{HTTP_PORT}"),
    Setting("TLS, port", True, f"c-{{}}.default.svc:{TLS_PORT}"),
)
STRANGE_CA = Setting(
    "TLS, another CA", True, SETTINGS[1].authority("{}"), ca="upstream/upstream-ca.crt"
)


class Rendered:
    """One run of `connectorctl render all`, with its files where the clients look for them."""

    def __init__(self, world, setting, connector="demo", mirror=False):
        self.setting = setting
        self.authority = setting.authority(connector)
        self.names = f"{REGISTRY_HOST}:{REGISTRY_PORT}" if mirror else self.authority
        kind = "mirror" if mirror else connector
        name = f"{setting.slug}-{kind}"
        self.tree = world.path("rendered", name)
        arguments = ["--host", self.authority]
        if setting.tls:
            arguments += ["--tls", "--ca-file", world.path(setting.ca)]
        if setting.path_form:
            arguments += ["--path-form", "--connector", f"default/{connector}"]
            if not mirror:
                self.names += f"/namespaces/default/connectors/{connector}"
        if mirror:
            arguments += ["--upstream-host", self.names]
        token = world.path("rendered", f"{name}.token")
        os.makedirs(self.tree)
        with open(token, "w", encoding="ascii") as file:
            file.write(world.token())
        world.connectorctl("render", "all", *arguments, "--token-file", token, "--out", self.tree)
        self.ca = os.path.join(self.tree, "certs.d", self.authority, "ca.crt")
        self.etc = world.path("rendered", f"{name}-etc")
        self._install()

    def reference(self, repository, tag="v1"):
        return f"{self.repository(repository)}:{tag}"

    def repository(self, repository):
        return f"{self.names}/{repository}"

    def file(self, *parts):
        return os.path.join(self.tree, *parts)

    def command(self, argv):
        """`argv` with the files in /etc; nobody else sees them there."""
        script = " && ".join(
            f"mount --bind '{self.etc}/{name}' /etc/{name}" for name in ("containers", "docker")
        )
        return ["unshare", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh", *argv]

    def _install(self):
        """As the table in cli/README.md says."""
        docker, containers = (os.path.join(self.etc, name) for name in ("docker", "containers"))
        os.makedirs(docker)
        shutil.copytree("/etc/containers", containers)  # Debian's policy.json, and no more matters.
        shutil.copy(self.file("daemon.json"), docker)
        shutil.copy(self.file("registries.conf"), containers)
        if self.setting.tls:
            shutil.copytree(self.file("certs.d"), os.path.join(docker, "certs.d"))
            shutil.copytree(self.file("certs.d"), os.path.join(containers, "certs.d"))
