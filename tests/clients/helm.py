"""helm: charts. A chart is pushed as it was packed, and has one layer."""

import os
import re
import shutil

import yaml

from client import Client
from peers import peer
from stand import TAGS
from testca import write


class Helm(Client):
    name = "helm"
    peer = "helm"
    cannot = {
        "mount": "nothing is copied between repositories",
        "index": "charts have no platforms",
        "delete": "no command deletes",
    }
    tag = "1.0.0"
    local = ("package",)
    also = ("dependency",)
    configured_plain = "`config.json`, `--plain-http`"
    configured_tls = "`config.json`, `--ca-file`"
    plain_flags = ("--plain-http",)

    def seed(self, repository):
        image = self.stand.image("chart")
        return self.push(image, self.files.reference(repository, self.tag))

    def push(self, image, reference):
        """Charts name their own repository and version: the last component, and the tag."""
        repository, _, version = reference.rpartition(":")
        parent, _, name = repository.rpartition("/")
        chart = self._chart(name, version, image.content.hex())
        if not os.path.exists(f"{chart}.tgz"):
            self.run([peer("helm"), "package"], chart, "--destination", f"{chart}.packed")
            (packed,) = os.listdir(f"{chart}.packed")
            shutil.move(os.path.join(f"{chart}.packed", packed), f"{chart}.tgz")
        return _digest(self._do("push", f"{chart}.tgz", f"oci://{parent}"))

    def pull(self, reference):
        name, _, version = reference.rpartition(":")
        return _digest(self._do("pull", f"oci://{name}", "--version", version, cwd=self.home))

    def tags(self, repository):
        """helm lists tags to find the newest version that a range allows; so that is what it tells."""
        shown = self._do("pull", f"oci://{repository}", "--version", ">=0.0.1", cwd=self.home).output
        newest = re.search(r"Pulled: \S+:(\S+)", shown)[1]
        return TAGS[: TAGS.index(newest) + 1]

    def dependency(self):
        parts = self.files.repository("robot/charts")
        self._push_part("part", parts)
        chart = self._chart("whole", "0.1.0", "x", [
            {"name": "part", "version": "~0.1.0", "repository": f"oci://{parts}"}
        ])  # fmt: skip
        self._do("dependency update", chart)
        assert os.listdir(os.path.join(chart, "charts")) == ["part-0.1.0.tgz"]

    def _push_part(self, name, parts):
        image = self.stand.image(f"helm-{self.setting.slug}-{name}")
        self.push(image, f"{parts}/{name}:0.1.0")

    def _chart(self, name, version, text, dependencies=()):
        chart = os.path.join(self.home, "charts", f"{name}-{version}-{text[:16]}", name)
        if not os.path.exists(chart):
            os.makedirs(os.path.join(chart, "templates"))
            about = {"apiVersion": "v2", "name": name, "version": version}
            if dependencies:
                about["dependencies"] = list(dependencies)
            write(os.path.join(chart, "Chart.yaml"), yaml.safe_dump(about))
            write(os.path.join(chart, "values.yaml"), yaml.safe_dump({"text": text}))
        return chart

    def _do(self, command, *arguments, **more):
        reach = ["--ca-file", self.files.ca] if self.setting.tls else ["--plain-http"]
        return self.run([peer("helm"), *command.split()], *arguments, *reach, **more)


def _digest(ended):
    return re.search(r"Digest: (\S+)", ended.output)[1]
