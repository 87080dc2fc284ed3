"""buildkit: a daemon in the clients' room. It is told what to build, and pushes the outcome itself."""

import json
import os
import shutil
import tempfile

from client import Client
from netns import wait_until
from peers import peer
from testca import write


class Buildkit(Client):
    name = "buildkit"
    peer = "buildkitd"
    cannot = {
        "tag pages": "no command lists tags",
        "delete": "no command deletes",
    }
    local = ("prune",)
    also = ("cache export and import", "pull as a mirror", "build with RUN")
    configured_plain = configured_tls = "`config.json`, `buildkitd.toml`"

    def __init__(self, stand, setting):
        self._daemon = None
        super().__init__(stand, setting)
        self._run_directory = tempfile.mkdtemp(prefix="buildkitd-")
        self._address = f"unix://{self._run_directory}/buildkitd.sock"
        self._begin()

    def use(self, files):
        super().use(files)
        if self._daemon is not None:  # It reads its file when it starts.
            self._end()
            self._begin()
        return files

    def close(self):
        self._end()
        shutil.rmtree(self._run_directory, ignore_errors=True)

    def push(self, image, reference):
        return self._push("FROM scratch\nCOPY content /\n", reference, image.content)

    def pull(self, reference):
        """What it built from: the digest that it resolved, and the layers in a file."""
        self._prune()
        shown = self._build(f"FROM {reference}\nCOPY content /\n", "--output",
                            f"type=oci,dest={self.fresh('pulled.tar')}")  # fmt: skip
        found = [part for part in shown.output.split() if part.startswith(f"{reference}@sha256:")]
        return found[0].rpartition("@")[2]

    def mount(self, source, target):
        self._push(f"FROM {source}\nLABEL mounted=yes\n", target)

    def push_index(self, index, repository):
        both = ["--opt", "platform=linux/amd64,linux/arm64"]
        digest = self._push("FROM scratch\nCOPY content /\n", f"{repository}:multi", b"multi", *both)
        return digest, "multi"

    def cache_export_and_import(self):
        """Twice the same, with nothing kept between: the second time the layer comes from the cache."""
        text = f"FROM {self.files.reference(self.stand.base())}\nCOPY content /one\n"
        repository = "robot/buildkit-cache"
        cache = f"type=registry,ref={self.files.reference(repository)}"
        built = ["--output", f"type=oci,dest={self.fresh('built.tar')}"]
        content = os.urandom(1000)
        self._build(text, *built, "--export-cache", f"{cache},mode=max", content=content)
        self._prune()
        before = self.stand.mark()
        self._build(text, *built, "--import-cache", cache, content=content)
        made = self.stand.layers(repository) - self.stand.layers(self.stand.base())
        blobs = f"/v2/{repository}/blobs/"
        read = {path for method, path, _, _ in self.stand.requests_since(before) if method == "GET"}
        assert made and {blobs + digest for digest in made} <= read

    def build_with_run(self):
        """On a base from the registry; the program that it runs needs no library."""
        with open(peer("crane"), "rb") as file:
            program = file.read()
        base = self.files.reference(self.stand.base())
        text = f'FROM {base}\nCOPY --chmod=755 content /program\nRUN ["/program", "version"]\n'
        repository = "robot/built-by-buildkit"
        pushed = self._push(text, self.files.reference(repository), program)
        assert self.stand.digest(repository, "v1") == pushed

    def _push(self, text, reference, content=b"content", *options):
        metadata = self.fresh("metadata.json")
        self._build(text, "--output", f"type=image,name={reference},push=true",
                    "--metadata-file", metadata, *options, content=content)  # fmt: skip
        with open(metadata, encoding="utf-8") as file:
            return json.load(file)["containerimage.digest"]

    def _build(self, text, *options, content=b"content"):
        context = self.fresh_directory("context")
        write(os.path.join(context, "Dockerfile"), text)
        with open(os.path.join(context, "content"), "wb") as file:
            file.write(content)
        return self.run(
            [peer("buildctl"), "build"], "--frontend", "dockerfile.v0", "--progress", "plain",
            "--local", f"context={context}", "--local", f"dockerfile={context}", *options,
            options=["--addr", self._address],
        )  # fmt: skip

    def _prune(self):
        self.run([peer("buildctl"), "prune"], "--all", options=["--addr", self._address])

    def _begin(self):
        self._daemon = self.start(f"buildkitd-{self.setting.slug}", [
            peer("buildkitd"), "--config", self.files.file("buildkitd.toml"),
            "--addr", self._address, "--root", os.path.join(self.home, "root"),
            "--containerd-worker=false", "--oci-worker-snapshotter=native", "--debug",
        ])  # fmt: skip
        argv = [peer("buildctl"), "--addr", self._address, "debug", "workers"]
        wait_until(lambda: self.stand.world.run_client(argv).code == 0, "buildkitd answers", 60,
                   process=self._daemon)  # fmt: skip

    def _end(self):
        self._daemon.stop(timeout=30)
