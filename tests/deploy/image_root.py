"""An image as a container would have it: its layers unpacked, read-only, its user, no shell, volumes
where the pod has them. In namespaces of its own, since there is no container runtime here."""

import functools
import json
import os
import shlex
import tarfile

USER = 65532


class ImageRoot:
    def __init__(self, layout, directory):
        """`layout`: an OCI layout of one image."""
        self.directory = directory
        self.layout = layout
        (manifest,) = self._json("index.json")["manifests"]
        self.manifest = self._json(_blob(manifest["digest"]))
        self.config = self._json(_blob(self.manifest["config"]["digest"]))
        for layer in self.manifest["layers"]:
            with tarfile.open(os.path.join(layout, _blob(layer["digest"]))) as archive:
                archive.extractall(directory)
        self.volumes = {}

    @functools.cached_property
    def names(self):
        """{path: TarInfo} of everything in the image."""
        found = {}
        for layer in self.manifest["layers"]:
            with tarfile.open(os.path.join(self.layout, _blob(layer["digest"]))) as archive:
                found.update({"/" + member.name: member for member in archive})
        return found

    def volume(self, path, files=None, writable=False):
        """A volume at `path`, its files as the kubelet gives them to the pod's group."""
        source = os.path.join(f"{self.directory}.volumes", path.strip("/").replace("/", "-"))
        os.makedirs(source)
        for name, content in (files or {}).items():
            with open(os.path.join(source, name), "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
            os.chmod(file.name, 0o440)
            os.chown(file.name, 0, USER)
        os.chown(source, 0, USER)
        os.chmod(source, 0o2775 if writable else 0o755)
        os.makedirs(f"{self.directory}{path}", exist_ok=True)
        self.volumes[path] = (source, writable)
        return source

    def file(self, path, content):
        """One file over the image's, as /etc/resolv.conf."""
        source = os.path.join(f"{self.directory}.volumes", os.path.basename(path))
        os.makedirs(os.path.dirname(source), exist_ok=True)
        with open(source, "w", encoding="utf-8") as file:
            file.write(content)
        if not os.path.exists(f"{self.directory}{path}"):
            open(f"{self.directory}{path}", "w", encoding="utf-8").close()
        self.volumes[path] = (source, False)

    def command(self, *arguments, env=None):
        """What runs the image's entry point. Whoever kills it, kills all that it started."""
        root = shlex.quote(self.directory)
        lines = ["set -e", f"mount --bind {root} {root}"]
        for path, (source, writable) in self.volumes.items():
            lines.append(f"mount --bind {shlex.quote(source)} {root}{path}")
            if not writable:
                lines.append(f"mount -o remount,bind,ro {root}{path}")
        lines += [f"mount -t proc proc {root}/proc", f"mount -o remount,bind,ro {root}"]
        environment = [*self.config["config"]["Env"], *(f"{k}={v}" for k, v in (env or {}).items())]
        program = [
            "env", "-i", *environment, "/usr/bin/setpriv", "--no-new-privs",
            "/usr/sbin/chroot", f"--userspec={USER}:{USER}", f"--groups={USER}", self.directory,
            *self.config["config"]["Entrypoint"], *arguments,
        ]  # fmt: skip
        # Not exec: the shell is the first of its process namespace, which ends with it.
        lines += [shlex.join(program) + " & wait $!"]
        return [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            "\n".join(lines),
        ]

    def _json(self, path):
        with open(os.path.join(self.layout, path), "rb") as file:
            return json.load(file)


def _blob(digest):
    return "blobs/" + digest.replace(":", "/")
