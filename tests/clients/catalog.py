"""Which clients there are, in the order of the table."""

from buildkit import Buildkit
from containerd import Containerd, ContainerdMirror
from containers_image import Buildah, Podman, Skopeo
from docker import Docker
from go_containerregistry import Crane, Ko
from helm import Helm
from oras import Oras
from regclient import Regctl

CLIENTS = (
    Docker,
    Buildkit,
    Buildah,
    Podman,
    Skopeo,
    Ko,
    Crane,
    Oras,
    Helm,
    Regctl,
    Containerd,
    ContainerdMirror,
)
