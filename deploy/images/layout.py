"""OCI image layouts, and tar archives that `docker load` takes as well. Nothing in them depends on
when, where or by whom they were written: names are sorted, owners and times are fixed, and gzip
notes neither."""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile

_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


class Tree:
    """Files of one layer: {path without a leading slash: (mode, content or link target)}."""

    def __init__(self):
        self._entries = {}

    def add_file(self, path, content, mode=0o444):
        self._add_parents(path)
        self._entries[path.strip("/")] = (tarfile.REGTYPE, mode, content)

    def add_link(self, path, target):
        self._add_parents(path)
        self._entries[path.strip("/")] = (tarfile.SYMTYPE, 0o777, target)

    def add_folder(self, path, mode=0o755):
        self._add_parents(path)
        self._entries[path.strip("/")] = (tarfile.DIRTYPE, mode, b"")

    def _add_parents(self, path):
        parent = os.path.dirname(path.strip("/"))
        if parent and parent not in self._entries:
            self.add_folder(parent)

    def tar(self, mtime):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for path, (kind, mode, content) in sorted(self._entries.items()):
                member = tarfile.TarInfo(path)
                member.type, member.mode, member.mtime = kind, mode, mtime
                if kind == tarfile.SYMTYPE:
                    member.linkname = content
                    archive.addfile(member)
                else:
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        return out.getvalue()


class Image:
    """An OCI layout being written into `directory`, which is made anew."""

    def __init__(self, directory):
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(os.path.join(directory, "blobs", "sha256"))
        self._layers, self._diff_ids = [], []

    def add_layer(self, tree, mtime):
        tar = tree.tar(mtime)
        self._diff_ids.append("sha256:" + hashlib.sha256(tar).hexdigest())
        self._layers.append(self._blob(gzip.compress(tar, 6, mtime=0), _LAYER))

    def finish(self, reference, created, architecture, settings):
        """Writes the rest; the digest of the manifest. `settings`: the config's `config`."""
        config = self._json({
            "created": created,
            "architecture": architecture,
            "os": "linux",
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": self._diff_ids},
            "history": [{"created": created, "created_by": "deploy/images/build"}
                        for _ in self._diff_ids],
        }, _CONFIG)  # fmt: skip
        manifest = self._json({
            "schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": self._layers,
            "annotations": settings["Labels"],
        }, _MANIFEST)  # fmt: skip
        name, tag = reference
        named = {**manifest, "platform": {"architecture": architecture, "os": "linux"},
                 "annotations": {"org.opencontainers.image.ref.name": tag}}  # fmt: skip
        self._write("index.json", {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [named]})
        self._write("oci-layout", {"imageLayoutVersion": "1.0.0"})
        # What `docker load` reads; other tools read index.json.
        self._write("manifest.json", [{
            "Config": _blob_path(config["digest"]), "RepoTags": [f"{name}:{tag}"],
            "Layers": [_blob_path(layer["digest"]) for layer in self._layers],
        }])  # fmt: skip
        return manifest["digest"]

    def archive(self, path, mtime):
        """The whole layout as one tar file."""
        tree = Tree()
        for folder, _, names in os.walk(self.directory):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    inside = os.path.relpath(os.path.join(folder, name), self.directory)
                    tree.add_file(inside, file.read(), 0o644)
        with open(path, "wb") as file:
            file.write(tree.tar(mtime))

    def _write(self, name, document):
        with open(os.path.join(self.directory, name), "wb") as file:
            file.write(_encode(document))

    def _json(self, document, media_type):
        return self._blob(_encode(document), media_type)

    def _blob(self, content, media_type):
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        with open(os.path.join(self.directory, _blob_path(digest)), "wb") as file:
            file.write(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _blob_path(digest):
    return "blobs/" + digest.replace(":", "/")


def _encode(document):
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
