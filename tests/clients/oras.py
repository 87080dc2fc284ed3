"""oras: artifacts, and images as any other artifact."""

import json
import os

from client import Client
from images import layout_digest
from peers import peer
from testca import write


class Oras(Client):
    name = "oras"
    peer = "oras"
    also = ("push of files", "attach", "discover")
    configured_plain = "`config.json`, `--plain-http`"
    configured_tls = "`config.json`, `--ca-file`"
    plain_flags = ("--plain-http", "--from-plain-http", "--to-plain-http")

    def push(self, image, reference):
        self._cp([f"{image.directory}:latest", "--from-oci-layout"], [reference, *self._reach("to-")])
        return image.digest

    def pull(self, reference):
        directory = self.fresh("pulled")
        self._cp([reference, *self._reach("from-")], [f"{directory}:x", "--to-oci-layout"])
        return layout_digest(directory, "x")

    def mount(self, source, target):
        self._cp([source, *self._reach("from-")], [target, *self._reach("to-")])

    def push_index(self, index, repository):
        for image in index.images:
            self.push(image, f"{repository}:{image.architecture}")
        names = [image.architecture for image in index.images]
        self._do("manifest index create", f"{repository}:multi", *names)
        shown = self._do("resolve", f"{repository}:multi").stdout
        return shown.strip(), "multi"

    def tags(self, repository):
        return self._do("repo tags", repository).stdout.split()

    def delete(self, repository, tag):
        self._do("manifest delete", "--force", f"{repository}:{tag}")

    def push_of_files(self):
        directory = self.fresh_directory("files")
        write(os.path.join(directory, "note.txt"), "a file\n")
        shown = self._do("push", self.files.reference("robot/oras-files"), "note.txt:text/plain",
                         "--artifact-type", "example/note", "--format", "json", cwd=directory)  # fmt: skip
        digest = json.loads(shown.stdout)["digest"]
        assert self.stand.digest("robot/oras-files", "v1") == digest
        into = self.fresh("out")
        self._do("pull", self.files.reference("robot/oras-files"), "--output", into)
        with open(os.path.join(into, "note.txt"), encoding="ascii") as file:
            assert file.read() == "a file\n"

    def attach(self):
        self._attached("robot/oras-attached")

    def discover(self):
        digest = self._attached("robot/oras-discovered")
        shown = self._do("discover", self.files.reference("robot/oras-discovered"), "--format", "json")
        assert [found["digest"] for found in json.loads(shown.stdout)["referrers"]] == [digest]

    def _attached(self, repository):
        self.stand.seed(repository)
        directory = self.fresh_directory("files")
        write(os.path.join(directory, "sbom.json"), json.dumps({"made": directory}))
        shown = self._do("attach", self.files.reference(repository), "sbom.json:application/json",
                         "--artifact-type", "example/sbom", "--format", "json", cwd=directory)  # fmt: skip
        digest = json.loads(shown.stdout)["digest"]
        assert self.stand.digest(repository, digest) == digest
        return digest

    def _cp(self, source, target):
        self.run([peer("oras"), "cp"], *source, *target)

    def _reach(self, prefix=""):
        return [f"--{prefix}ca-file", self.files.ca] if self.setting.tls else [f"--{prefix}plain-http"]

    def _do(self, command, *arguments, **more):
        return self.run([peer("oras"), *command.split()], *arguments, *self._reach(), **more)
