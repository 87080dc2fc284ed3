"""skopeo, buildah and podman: one library, containers/image."""

import json
import os

from client import Client
from images import digest_of, layout_digest

_PLAIN = "`auth.json`, `registries.conf`"
_TLS = "`auth.json`, `certs.d` in /etc/containers"


class Skopeo(Client):
    name = "skopeo"
    debian = "skopeo"
    also = ("inspect", "sync", "pull as a mirror")
    configured_plain, configured_tls = _PLAIN, _TLS

    def push(self, image, reference):
        self._skopeo("copy", image.layout, f"docker://{reference}")
        return image.digest

    def pull(self, reference):
        directory = self.fresh("pulled")
        self._skopeo("copy", "--all", f"docker://{reference}", f"oci:{directory}:x")
        return layout_digest(directory, "x")

    def try_pull(self, reference):
        return self.try_run(
            ["skopeo", "copy"], f"docker://{reference}", f"oci:{self.fresh('pulled')}:x"
        )

    def mount(self, source, target):
        self.pull(source)  # It mounts what it has seen somewhere, and has noted.
        self._skopeo("copy", f"docker://{source}", f"docker://{target}")

    def push_index(self, index, repository):
        self._skopeo("copy", "--all", index.layout, f"docker://{repository}:multi")
        return index.digest, "multi"

    def tags(self, repository):
        return json.loads(self._skopeo("list-tags", f"docker://{repository}").stdout)["Tags"]

    def delete(self, repository, tag):
        self._skopeo("delete", f"docker://{repository}:{tag}")

    def inspect(self):
        image = self.stand.seed("robot/skopeo-inspect")
        shown = self._skopeo("inspect", f"docker://{self.files.reference('robot/skopeo-inspect')}")
        assert json.loads(shown.stdout)["Digest"] == image.digest

    def sync(self):
        images = {tag: self.stand.seed("robot/skopeo-sync/app", tag) for tag in ("v1", "v2")}
        source = self.files.repository("robot/skopeo-sync/app")
        target = self.files.repository("robot/skopeo-synced")
        self._skopeo("sync", "--src", "docker", "--dest", "docker", source, target)
        for tag, image in images.items():
            assert self.stand.digest("robot/skopeo-synced/app", tag) == image.digest

    def _skopeo(self, command, *arguments):
        return self.run(["skopeo", command], *arguments, options=["--debug"])


class Buildah(Client):
    """Packs layers anew, so that the digest that counts is the one that the push printed."""

    name = "buildah"
    debian = "buildah"
    cannot = {
        "tag pages": "no command lists tags",
        "delete": "only what is local can be deleted",
    }
    local = ("rmi", "images", "manifest add", "manifest create")
    also = ("build", "pull as a mirror")
    configured_plain, configured_tls = _PLAIN, _TLS

    def push(self, image, reference):
        self._do("pull", image.layout)
        return self._push_image(digest_of(image.config).partition(":")[2], reference)

    def pull(self, reference):
        self._do("rmi", "--all", "--force")
        self._do("pull", f"docker://{reference}")
        return json.loads(self._do("images", "--json", "--digests").stdout)[0]["digest"]

    def mount(self, source, target):
        self._do("pull", f"docker://{source}")
        self._push_image(source, target)

    def push_index(self, index, repository):
        name = f"multi-{self._count}"
        self._do("manifest create", name)
        for image in index.images:
            self._do("manifest add", name, image.layout)
        digest_file = self.fresh("digest")
        self._do("manifest push", "--all", "--digestfile", digest_file, name,
                 f"docker://{repository}:multi")  # fmt: skip
        return _read(digest_file), "multi"

    def build(self):
        context = self.fresh_directory("context")
        with open(os.path.join(context, "Dockerfile"), "w", encoding="ascii") as file:
            file.write(f"FROM {self.files.reference(self.stand.base())}\nCOPY Dockerfile /added\n")
        self._do("build", "--tag", "built", context)
        repository = f"robot/built-by-{self.name}"
        pushed = self._push_image("built", self.files.reference(repository))
        assert self.stand.digest(repository, "v1") == pushed

    def _push_image(self, image, reference):
        digest_file = self.fresh("digest")
        self._do("push", "--digestfile", digest_file, image, f"docker://{reference}")
        return _read(digest_file)

    def _do(self, command, *arguments):
        return self.run([self.name, *command.split()], *arguments, options=self._options())

    def _options(self):
        return ["--root", f"{self.home}/root", "--runroot", f"{self.home}/run",
                "--storage-driver", "vfs", "--log-level", "debug"]  # fmt: skip


class Podman(Buildah):
    name = "podman"
    debian = "podman"
    cannot = {"delete": "only what is local can be deleted"}

    def tags(self, repository):
        shown = self._do("search", "--list-tags", "--limit", "1000", "--format", "json", repository)
        (found,) = json.loads(shown.stdout)
        return found["Tags"]

    def pull(self, reference):
        self._do("rmi", "--all", "--force")
        self._do("pull", f"docker://{reference}")
        return json.loads(self._do("images", "--format", "json").stdout)[0]["Digest"]

    def _options(self):
        return ["--root", f"{self.home}/root", "--runroot", f"/run/{os.path.basename(self.home)}",
                "--storage-driver", "vfs", "--log-level", "debug", "--events-backend", "none",
                "--cgroup-manager", "cgroupfs"]  # fmt: skip


def _read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()
