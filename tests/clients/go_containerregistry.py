"""crane and ko: one library, go-containerregistry."""

import os
import subprocess

from client import Client, go
from images import layout_digest
from peers import peer
from testca import write

_TLS = "`config.json`, `SSL_CERT_FILE` names the CA"


class _Ggcr(Client):
    configured_tls = _TLS

    def trust(self):
        return {"SSL_CERT_FILE": self.files.ca} if self.setting.tls else {}


class Crane(_Ggcr):
    name = "crane"
    peer = "crane"
    also = ("append", "mutate")
    configured_plain = "`config.json`, `--insecure`"
    plain_flags = ("--insecure",)

    def push(self, image, reference):
        self._do("push", image.directory, reference)
        return image.digest

    def pull(self, reference):
        directory = self.fresh("pulled")
        self._do("pull", "--format", "oci", reference, directory)
        return layout_digest(directory)

    def mount(self, source, target):
        self._do("copy", source, target)

    def push_index(self, index, repository):
        arguments = []
        for image in index.images:
            name = f"{repository}:{image.architecture}"
            self._do("push", image.directory, name)
            arguments += ["--manifest", name]
        shown = self._do("index append", *arguments, "--tag", f"{repository}:multi").stdout
        return shown.strip().partition("@")[2], "multi"

    def tags(self, repository):
        return self._do("ls", repository).stdout.split()

    def delete(self, repository, tag):
        digest = self._do("digest", f"{repository}:{tag}").stdout.strip()
        self._do("delete", f"{repository}@{digest}")

    def append(self):
        layer = self.fresh("layer.tar")
        subprocess.run(["tar", "-cf", layer, "-C", "/etc", "hostname"], check=True)
        target = self.files.reference("robot/crane-appended")
        base = self.files.reference(self.stand.base())
        shown = self._do("append", "--base", base, "--new_layer", layer, "--new_tag", target)
        digest = shown.stdout.strip().partition("@")[2]
        assert self.stand.digest("robot/crane-appended", "v1") == digest

    def mutate(self):
        target = self.files.reference("robot/crane-mutated")
        base = self.files.reference(self.stand.base())
        shown = self._do("mutate", base, "--label", "made=here", "--tag", target)
        digest = shown.stdout.strip().partition("@")[2]
        assert self.stand.digest("robot/crane-mutated", "v1") == digest

    def _do(self, command, *arguments):
        words = [peer("crane"), *command.split()]
        return self.run(words, *self.plain(), *arguments, options=["--verbose"], env=self.trust())


class Ko(_Ggcr):
    """Builds what it pushes: a program of one line, whose text is the image's content."""

    name = "ko"
    peer = "ko"
    cannot = {
        "pull": "only the base of what it builds",
        "tag pages": "no command lists tags",
        "delete": "no command deletes",
    }
    configured_plain = "`config.json`, `--insecure-registry`"
    plain_flags = ("--insecure-registry",)

    def push(self, image, reference):
        return self._build(self.files.reference(self.stand.base()), image.content.hex()[:64], reference)

    def mount(self, source, target):
        self._build(source, "mounted", target)

    def push_index(self, index, repository):
        base = self.files.reference(self.stand.base())
        both = "--platform=linux/amd64,linux/arm64"
        return self._build(base, "multi", f"{repository}:multi", both), "multi"

    def _build(self, base, text, reference, *options):
        repository, _, tag = reference.rpartition(":")
        module = self.fresh_directory("module")
        write(os.path.join(module, "go.mod"), "module example.com/hello\n\ngo 1.19\n")
        write(os.path.join(module, "main.go"),
              f'package main\n\nfunc main() {{ println("{text}") }}\n')  # fmt: skip
        cache = subprocess.check_output([go(), "env", "GOCACHE"], text=True).strip()
        shown = self.run(
            [peer("ko"), "build"], "--bare", f"--tags={tag}", *self.plain(), *options, ".", cwd=module,
            env={
                **self.trust(), "PATH": f"{os.path.dirname(go())}:{os.environ['PATH']}",
                "KO_DOCKER_REPO": repository, "KO_DEFAULTBASEIMAGE": base, "GOCACHE": cache,
                "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOMODCACHE": self.home,
            },
        )  # fmt: skip
        return shown.stdout.strip().rpartition("@")[2]
