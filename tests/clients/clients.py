"""Stock clients, each as: push an OCI layout to a reference, pull it back, both say the digest.

Every client gets a directory with config.json and auth.json, and nothing else: a caller token for
the proxy is its only credential.
"""

import json
import os
import shutil
import tempfile

from images import digest_of, layout_digest
from netns import wait_until
from peers import peer


class Skopeo:
    def __init__(self, world, auth):
        self.world, self.auth = world, auth

    def push(self, image, reference):
        self._run("--dest-tls-verify=false", image.layout, f"docker://{reference}").ok()
        return image.digest

    def pull(self, reference, directory):
        self.try_pull(reference, directory).ok()
        return layout_digest(directory)

    def try_pull(self, reference, directory):
        return self._run("--src-tls-verify=false", f"docker://{reference}", f"oci:{directory}:x")

    def _run(self, *arguments):
        return self.world.run_client(
            ["skopeo", "--debug", "copy", "--authfile", os.path.join(self.auth, "auth.json"),
             *arguments]
        )  # fmt: skip


class Buildah:
    """Packs layers anew, so that the digest that counts is the one that the push printed."""

    def __init__(self, world, auth):
        self.world, self.auth = world, auth

    def push(self, image, reference):
        self._run("pull", image.layout).ok()
        digest_file = self.world.path("buildah-digest")
        self._run("push", *self._options(), "--digestfile", digest_file, _image_id(image),
                  f"docker://{reference}").ok()  # fmt: skip
        with open(digest_file, encoding="ascii") as file:
            return file.read().strip()

    def pull(self, reference, directory):
        self._run("rmi", "--all", "--force").ok()
        self._run("pull", *self._options(), f"docker://{reference}").ok()
        images = json.loads(self._run("images", "--json", "--digests").ok().stdout)
        return images[0]["digest"]

    def _options(self):
        return ["--authfile", os.path.join(self.auth, "auth.json"), "--tls-verify=false"]

    def _run(self, command, *arguments):
        store = self.world.path("buildah")
        return self.world.run_client(
            ["buildah", "--root", f"{store}/root", "--runroot", f"{store}/run",
             "--storage-driver", "vfs", "--log-level", "debug", command, *arguments]
        )  # fmt: skip


class Crane:
    def __init__(self, world, auth):
        self.world, self.auth = world, auth

    def push(self, image, reference):
        self._run("push", "--insecure", image.directory, reference).ok()
        return image.digest

    def pull(self, reference, directory):
        self._run("pull", "--insecure", "--format", "oci", reference, directory).ok()
        return layout_digest(directory)

    def _run(self, *arguments):
        return self.world.run_client(
            [peer("crane"), "--verbose", *arguments], env={"DOCKER_CONFIG": self.auth}
        )


class Docker:
    """A daemon of its own in the clients' room. Packs layers anew, as buildah does."""

    def __init__(self, world, auth, registry):
        self.world, self.auth = world, auth
        # Not in the world's directory: the path of a socket may have at most 104 characters.
        self._run_directory = tempfile.mkdtemp(prefix="dockerd-")
        self.socket = os.path.join(self._run_directory, "docker.sock")
        self.daemon = world.clients.start("dockerd", [
            "dockerd", "--data-root", world.path("docker-data"),
            "--exec-root", os.path.join(self._run_directory, "exec"), "--pidfile", world.path("docker.pid"),
            "--host", f"unix://{self.socket}", "--iptables=false", "--ip6tables=false",
            "--bridge=none", "--insecure-registry", registry, "--storage-driver", "vfs",
        ])  # fmt: skip
        world.at_close.append(self.stop)
        wait_until(
            lambda: self._run("version").code == 0, "dockerd answers", 60, process=self.daemon
        )

    def push(self, image, reference):
        archive = self.world.path("image.tar")
        self.world.run_client(
            ["skopeo", "copy", image.layout, f"docker-archive:{archive}:{reference}"]
        ).ok()
        self._run("load", "--input", archive).ok()
        self._run("push", reference).ok()
        return self._digest(reference)

    def pull(self, reference, directory):
        self._run("rmi", "--force", reference).ok()
        self._run("pull", reference).ok()
        return self._digest(reference)

    def stop(self):
        self.daemon.stop(timeout=30)
        shutil.rmtree(self._run_directory, ignore_errors=True)

    def _digest(self, reference):
        name = reference.rpartition(":")[0]
        found = self._run("image", "inspect", "--format", "{{json .RepoDigests}}", reference).ok()
        (digest,) = [d for d in json.loads(found.stdout) if d.startswith(f"{name}@")]
        return digest.partition("@")[2]

    def _run(self, *arguments):
        return self.world.run_client(
            ["docker", "--host", f"unix://{self.socket}", "--config", self.auth, *arguments]
        )


def _image_id(image):
    """buildah names an image by the digest of its configuration."""
    return digest_of(image.config).partition(":")[2]
