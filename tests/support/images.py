"""Small OCI images made by hand, so that no test needs the network."""

import gzip
import hashlib
import io
import json
import os
import tarfile


class Image:
    """An OCI layout on disk, tagged `latest`."""

    def __init__(self, directory, content=None, size=4096):
        self.directory = directory
        self.content = os.urandom(size) if content is None else content
        os.makedirs(os.path.join(directory, "blobs", "sha256"))
        layer_tar = _tar("hello", self.content)
        self.layer = gzip.compress(layer_tar, mtime=0)
        self.config = _canonical({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer_tar)]},
        })  # fmt: skip
        self.manifest = _canonical({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", self.config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", self.layer)],
        })  # fmt: skip
        for blob in (self.layer, self.config, self.manifest):
            self._write(os.path.join("blobs", "sha256", digest_of(blob)[7:]), blob)
        index = _descriptor("application/vnd.oci.image.manifest.v1+json", self.manifest)
        index["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
        self._write("index.json", _canonical({"schemaVersion": 2, "manifests": [index]}))
        self._write("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')

    @property
    def digest(self):
        return digest_of(self.manifest)

    @property
    def layout(self):
        """As skopeo and buildah name it."""
        return f"oci:{self.directory}:latest"

    def _write(self, path, data):
        with open(os.path.join(self.directory, path), "wb") as file:
            file.write(data)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layout_digest(directory):
    """The digest of the one manifest in the OCI layout `directory`."""
    with open(os.path.join(directory, "index.json"), encoding="utf-8") as file:
        (manifest,) = json.load(file)["manifests"]
    return manifest["digest"]


def _canonical(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _descriptor(media_type, data):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _tar(name, content):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
