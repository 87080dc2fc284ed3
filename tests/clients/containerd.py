"""containerd, through ctr: directly, and as a node that mirrors the registry."""

import base64
import json
import os
import re
import shutil
import tempfile

from client import Client
from netns import wait_until
from peers import peer
from testca import write

_CONFIG = """version = 3
root = '{root}'
state = '{state}'
disabled_plugins = [
  'io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime', 'io.containerd.grpc.v1.cri',
  'io.containerd.nri.v1.nri', 'io.containerd.podsandbox.controller.v1.podsandbox',
]
[grpc]
  address = '{state}/containerd.sock'
[debug]
  level = 'debug'
"""


class Containerd(Client):
    name = "containerd"
    peer = "ctr"
    cannot = {
        "tag pages": "no command lists tags",
        "delete": "only what is local can be deleted",
    }
    local = ("images import", "images tag", "images rm", "images ls")
    configured_plain = "`hosts.toml`; `--user` as `config.json` has it"
    configured_tls = configured_plain

    def __init__(self, stand, setting):
        super().__init__(stand, setting)
        # The path of a socket may have at most 104 characters.
        self._state = tempfile.mkdtemp(prefix="containerd-")
        self._address = os.path.join(self._state, "containerd.sock")
        config = write(os.path.join(self.home, "config.toml"), _CONFIG.format(
            root=os.path.join(self.home, "root"), state=self._state
        ))  # fmt: skip
        name = os.path.basename(self.home)
        self._daemon = self.start(name, [peer("containerd"), "--config", config])
        argv = [peer("ctr"), "--address", self._address, "version"]
        wait_until(lambda: self.stand.world.run_client(argv).code == 0, "containerd answers", 60,
                   process=self._daemon)  # fmt: skip

    def close(self):
        self._daemon.stop(timeout=30)
        shutil.rmtree(self._state, ignore_errors=True)

    def push(self, image, reference):
        self._import(image, reference)
        self._push(reference)
        return image.digest

    def pull(self, reference):
        self._do("images rm", "--sync", reference)
        self._do("images pull", *self._reach(), "--all-platforms", reference)
        return self._digest(reference)

    def mount(self, source, target):
        self.pull(source)
        self._do("images tag", source, target)
        self._push(target)

    def push_index(self, index, repository):
        self._import(index, f"{repository}:multi")
        self._push(f"{repository}:multi")
        return index.digest, "multi"

    def _import(self, image, reference):
        archive = shutil.make_archive(self.fresh("image"), "tar", image.directory)
        name = reference.rpartition(":")[0]
        self._do("images import", "--local", "--all-platforms", "--no-unpack", "--base-name", name,
                 archive)  # fmt: skip
        self._do("images tag", "--force", f"{name}:latest", reference)

    def _push(self, reference):
        self._do("images push", *self._reach(), reference)

    def _digest(self, reference):
        for line in self._do("images ls").stdout.splitlines():
            if line.startswith(f"{reference} "):
                return re.search(r"sha256:[0-9a-f]{64}", line)[0]
        return None

    def _reach(self):
        return ["--hosts-dir", self.files.file("containerd", "certs.d"), *self._user()]

    def _user(self):
        with open(self.files.file("config.json"), encoding="ascii") as file:
            credential = json.load(file)["auths"][self.files.authority]
        return ["--user", base64.b64decode(credential["auth"]).decode()]

    def _do(self, command, *arguments):
        return self.run([peer("ctr"), *command.split()], *arguments,
                        options=["--address", self._address],
                        env={"CONTAINERD_SNAPSHOTTER": "native"})  # fmt: skip


class ContainerdMirror(Containerd):
    """Names stay those of the registry, which cannot be reached from here: `?ns=` says which."""

    name = "containerd (mirror)"
    configured_plain = configured_tls = "`hosts.toml`, which holds the token"

    def use(self, files):
        return super().use(self.stand.rendered(self.setting, mirror=True))

    def _user(self):
        return []
