"""Small OCI images made by hand, so that no test needs the network."""

import gzip
import hashlib
import io
import json
import os
import tarfile


class Image:
    """An OCI layout on disk, tagged `latest`."""

    def __init__(self, directory, content=None, size=4096, architecture="amd64", program=None):
        """`program`: the path of a busybox; the image then starts it, and sleeps unless told else."""
        self.directory, self.architecture = directory, architecture
        if program is not None:
            with open(program, "rb") as file:
                content = file.read()
        self.content = os.urandom(size) if content is None else content
        path, mode = ("hello", 0o644) if program is None else ("bin/busybox", 0o755)
        layer_tar = _tar(path, self.content, mode)
        self.layer = gzip.compress(layer_tar, mtime=0)
        self.config = _canonical({
            "architecture": architecture,
            "os": "linux",
            "config": {} if program is None else {"Entrypoint": [f"/{path}"], "Cmd": ["sleep", "1d"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer_tar)]},
        })  # fmt: skip
        self.manifest = _canonical({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", self.config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", self.layer)],
        })  # fmt: skip
        self.descriptor = _descriptor(
            "application/vnd.oci.image.manifest.v1+json", self.manifest
        )  # fmt: skip
        self.blobs = (self.layer, self.config, self.manifest)
        _write_layout(directory, self.blobs, self.descriptor)

    @property
    def digest(self):
        return digest_of(self.manifest)

    @property
    def layout(self):
        """As skopeo and buildah name it."""
        return f"oci:{self.directory}:latest"


class Index:
    """An OCI layout of one index over `images`, tagged `latest`."""

    media_type = "application/vnd.oci.image.index.v1+json"

    def __init__(self, directory, images):
        self.directory, self.images = directory, images
        manifests = [
            {**image.descriptor, "platform": {"architecture": image.architecture, "os": "linux"}}
            for image in images
        ]
        self.manifest = _canonical({
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "manifests": manifests,
        })  # fmt: skip
        blobs = [blob for image in images for blob in image.blobs]
        _write_layout(
            directory, [*blobs, self.manifest], _descriptor(self.media_type, self.manifest)
        )

    @property
    def digest(self):
        return digest_of(self.manifest)

    @property
    def layout(self):
        return f"oci:{self.directory}:latest"


def _write_layout(directory, blobs, descriptor):
    os.makedirs(os.path.join(directory, "blobs", "sha256"))

    def write(path, data):
        with open(os.path.join(directory, path), "wb") as file:
            file.write(data)

    for blob in blobs:
        write(os.path.join("blobs", "sha256", digest_of(blob)[7:]), blob)
    tagged = {**descriptor, "annotations": {"org.opencontainers.image.ref.name": "latest"}}
    write("index.json", _canonical({"schemaVersion": 2, "manifests": [tagged]}))
    write("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layout_digest(directory, tag=None):
    """The digest of the manifest in the OCI layout `directory` that is called `tag`, or the only one."""
    with open(os.path.join(directory, "index.json"), encoding="utf-8") as file:
        manifests = json.load(file)["manifests"]
    if tag is not None:
        named = "org.opencontainers.image.ref.name"
        manifests = [entry for entry in manifests if entry.get("annotations", {}).get(named) == tag]
    (manifest,) = manifests
    return manifest["digest"]


def _canonical(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _descriptor(media_type, data):
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _tar(name, content, mode=0o644):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), mode
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
