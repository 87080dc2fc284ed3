"""docker: a daemon of its own in the clients' room, and the classic builder."""

import json
import os
import re
import shutil
import tempfile

from client import Client
from netns import wait_until


class Docker(Client):
    """Packs layers anew, as buildah does."""

    name = "docker"
    debian = "docker.io"
    cannot = {
        "tag pages": "no command lists tags",
        "delete": "only what is local can be deleted",
    }
    also = ("build", "manifest inspect")
    local = ("load", "rmi", "tag")
    not_in = {"plain": ("index", "manifest inspect")}
    configured_plain = (
        "`config.json`, `daemon.json`; `docker manifest`: `--insecure`, and a port in the name"
    )
    configured_tls = "`config.json`, `certs.d` in /etc/docker"
    # `docker manifest` does not ask the daemon, and has no file. It goes on to plain HTTP only where
    # the port answers that it speaks that, and without a port it asks at 443.
    plain_flags = ("--insecure",)

    def __init__(self, stand, setting):
        super().__init__(stand, setting)
        # Not in the world's directory: the path of a socket may have at most 104 characters.
        self._run_directory = tempfile.mkdtemp(prefix="dockerd-")
        self._socket = f"unix://{self._run_directory}/docker.sock"
        self._daemon = self.start(f"dockerd-{setting.slug}", [
            "dockerd", "--data-root", os.path.join(self.home, "data"),
            "--exec-root", os.path.join(self._run_directory, "exec"),
            "--pidfile", os.path.join(self._run_directory, "pid"), "--host", self._socket,
            "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver", "vfs",
        ])  # fmt: skip
        wait_until(self._answers, "dockerd answers", 60, process=self._daemon)

    def close(self):
        self._daemon.stop(timeout=30)
        shutil.rmtree(self._run_directory, ignore_errors=True)

    def push(self, image, reference):
        self._load(image, reference)
        return _digest(self._do("push", reference))

    def pull(self, reference):
        self.try_run(["docker", "rmi"], "--force", reference, options=self._options())
        return _digest(self._do("pull", reference))

    def mount(self, source, target):
        self._do("pull", source)
        self._do("tag", source, target)
        self._do("push", target)

    def push_index(self, index, repository):
        names = []
        for image in index.images:
            name = f"{repository}:{image.architecture}"
            self._load(image, name)
            self._do("push", name)
            names.append(name)
        whole = f"{repository}:multi"
        self._do("manifest create", *self.plain(), whole, *names)
        return self._do("manifest push", *self.plain(), whole).stdout.split()[-1], "multi"

    def manifest_inspect(self):
        index = self.stand.seed_index("robot/docker-inspected")
        name = self.files.reference("robot/docker-inspected")
        shown = self._do("manifest inspect", *self.plain(), name).stdout
        found = {entry["digest"] for entry in json.loads(shown)["manifests"]}
        assert found == {image.digest for image in index.images}

    def build(self):
        context = self.fresh_directory("context")
        with open(os.path.join(context, "Dockerfile"), "w", encoding="ascii") as file:
            base = self.files.reference(self.stand.base())
            file.write(f"FROM {base}\nCOPY Dockerfile /added\nLABEL built=here\n")
        target = self.files.reference("robot/built-by-docker")
        self._do("build", "--pull", "--tag", target, context)
        pushed = _digest(self._do("push", target))
        assert self.stand.digest("robot/built-by-docker", "v1") == pushed

    def _load(self, image, reference):
        """`docker load` reads no OCI layout yet, but the older form, which skopeo writes."""
        archive = self.fresh("image.tar")
        self.stand.world.run_client(
            ["skopeo", "copy", image.layout, f"docker-archive:{archive}:{reference}"]
        ).ok()
        self._do("load", "--input", archive)

    def _answers(self):
        argv = ["docker", *self._options(), "version"]
        return self.stand.world.run_client(argv).code == 0

    def _do(self, command, *arguments):
        return self.run(["docker", *command.split()], *arguments, options=self._options(),
                        env={"DOCKER_BUILDKIT": "0"})  # fmt: skip

    def try_pull(self, reference):
        return self.try_run(["docker", "pull"], reference, options=self._options())

    def _options(self):
        return ["--host", self._socket]


def _digest(ended):
    """What docker says at the end of a push or pull."""
    return re.search(r"[Dd]igest: (sha256:\S+)", ended.stdout)[1]
