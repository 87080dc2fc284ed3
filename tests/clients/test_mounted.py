"""Each client with nothing but the files that the CSI driver mounts into a pod: the real driver, called
as a kubelet does, a real data plane and a real registry."""

import json
import os
import shutil

import pytest

from buildkit import Buildkit
from catalog import CLIENTS
from containerd import ContainerdMirror
from containers_image import Buildah
from docker import Docker
from go_containerregistry import Ko
from matrix import Matrix
from setting import SETTINGS, Rendered, Setting
from stand import Stand

# What docs/clients tells a pod to ask for, all at once.
NAMES = "registry-config,auth,buildkitd,dockerd,containerd,registries,helm,regctl"
PLAIN, TLS = SETTINGS[:2]
# What users of the older product have written down. The status of no Connector has this name.
OLDER = Setting("plain, older name", False, "c-{}.default.svc.local")
# The mirror's names are the registry's; what is mounted for it is the same as for containerd.
KINDS = [kind for kind in CLIENTS if kind is not ContainerdMirror]


class Mounted(Rendered):
    """A volume in place of what connectorctl renders."""

    def __init__(self, world, setting, tree):
        self.setting = setting
        self.authority = self.names = setting.authority("demo")
        self.tree = tree
        self.ca = os.path.join(self.tree, "ca.crt")
        self.etc = world.path(f"mounted-{setting.slug}-etc")
        self._install()


class OlderBuildah(Buildah):
    """As the older product's pages had it called."""

    plain_flags = ("--tls-verify=false",)

    def _do(self, command, *arguments):
        flags = self.plain() if command in ("pull", "push") else ()
        return super()._do(command, *flags, *arguments)


class MountedStand(Stand):
    def __init__(self, directory, matrix):
        from csi import CsiNode

        super().__init__(directory, matrix)
        self.node = CsiNode(self.world.made("node"), room=self.world.clients)
        self.world.at_close.append(self.node.close)
        self.node.start(driver=False)
        self._mounted = {}
        for setting in (PLAIN, TLS):
            ca = self.world.listener_ca() if setting.tls else None
            self.node.new_connector("default", setting.slug, host=setting.authority("demo"), ca=ca)
            self.node.grant("ci", "builder", "default", setting.slug)
        self.node.start_driver()
        for setting in (PLAIN, TLS):
            self._mount(setting)
        self._mounted[OLDER.name] = Mounted(self.world, OLDER, self._mounted[PLAIN.name].tree)

    def rendered(self, setting, connector="demo", mirror=False):
        return self._mounted[setting.name]

    def _mount(self, setting):
        path = self.world.made(f"registries-{setting.slug}")
        volume = self.node.volume("ci", "builder", {
            "connectors": f"default/{setting.slug}", "configuration.names": NAMES,
            "configuration.params": json.dumps({"mountPath": path}),
        })  # fmt: skip
        volume.publish(token=self.world.token())
        # As the container's runtime does.
        self.node.run(["mount", "--rbind", volume.target, path]).ok()
        self._mounted[setting.name] = Mounted(self.world, setting, self.node.see(path))


@pytest.fixture(scope="module")
def mounted_stand(tmp_path_factory, request):
    failed_before, passed = request.session.testsfailed, False
    made = MountedStand(tmp_path_factory.mktemp("mounted") / "world", Matrix(CLIENTS, SETTINGS))
    try:
        yield made
        passed = request.session.testsfailed == failed_before
    finally:
        made.close(failed=not passed)
    if passed:
        shutil.rmtree(made.world.directory, ignore_errors=True)


@pytest.mark.parametrize("setting", (PLAIN, TLS), ids=lambda setting: setting.slug)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_pushes_and_pulls_with_what_is_mounted(kind, setting, mounted_stand, request):
    push_and_pull(kind, setting, mounted_stand, request)


@pytest.mark.parametrize("kind", (Docker, Buildkit, OlderBuildah, Ko), ids=lambda kind: kind.name)
def test_pushes_and_pulls_under_the_older_name(kind, mounted_stand, request):
    push_and_pull(kind, OLDER, mounted_stand, request)


def push_and_pull(kind, setting, mounted_stand, request):
    request.node.worlds = [mounted_stand.world]
    repository = f"robot/mounted-{kind.name}-{setting.slug}"
    client = kind(mounted_stand, setting)
    try:
        reference = client.files.reference(repository, client.tag)
        digest = client.push(mounted_stand.image(repository.replace("/", "-")), reference)

        assert mounted_stand.digest(repository, client.tag) == digest
        if "pull" not in client.cannot:
            assert client.pull(reference) == digest
    finally:
        client.close()
