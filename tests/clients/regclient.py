"""regctl: regclient. Has a configuration file of its own."""

from client import Client
from images import layout_digest
from peers import peer


class Regctl(Client):
    name = "regctl"
    peer = "regctl"
    also = ("referrers",)
    configured_plain = "`config.json`, `regctl.json`"
    configured_tls = "`config.json`, `regctl.json`, `certs.d` in /etc/docker"

    def push(self, image, reference):
        self._do("image copy", f"ocidir://{image.directory}:latest", reference)
        return image.digest

    def pull(self, reference):
        directory = self.fresh("pulled")
        self._do("image copy", reference, f"ocidir://{directory}:x")
        return layout_digest(directory)

    def mount(self, source, target):
        self._do("image copy", source, target)

    def push_index(self, index, repository):
        arguments = []
        for image in index.images:
            name = f"{repository}:{image.architecture}"
            self.push(image, name)
            arguments += ["--ref", name]
        self._do("index create", f"{repository}:multi", *arguments)
        return self._do("image digest", f"{repository}:multi").stdout.strip(), "multi"

    def tags(self, repository):
        return self._do("tag ls", repository).stdout.split()

    def delete(self, repository, tag):
        self._do("tag delete", f"{repository}:{tag}")

    def referrers(self):
        self.stand.seed("robot/regctl-referred")
        name = self.files.reference("robot/regctl-referred")
        note = self.fresh("note")
        with open(note, "w", encoding="ascii") as file:
            file.write(note)
        self._do("artifact put", "--artifact-type", "example/note", "--subject", name, "--file", note)
        listed = self._do("artifact list", name, "--format", "{{range .Descriptors}}{{.Digest}} {{end}}")
        (digest,) = listed.stdout.split()
        assert self.stand.digest("robot/regctl-referred", digest) == digest

    def _do(self, command, *arguments):
        return self.run([peer("regctl"), *command.split()], *arguments,
                        env={"REGCTL_CONFIG": self.files.file("regctl.json")})  # fmt: skip
