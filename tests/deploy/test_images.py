"""The images: the same whenever they are built, nothing in them but what the program needs, and they
start from the chart's own arguments to readiness, with a real API server and names from DNS."""

import base64
import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from chart import CHART, NAMESPACE, PROGRAMS, ROOT, pod_templates, program_config, render
from dns import NameServer
from image_root import USER, ImageRoot
from kube import ControlPlane
from netns import Room, wait_until
from world import BIN, program

BUILD = os.path.join(ROOT, "deploy", "images", "build")
IMAGES = (
    "connector-broker",
    "connector-dataplane",
    "connector-controller",
    "connector-csi",
    "connectorctl",
)
ADDRESS = "10.99.0.1"
FULLNAME = "oci-connector"


def build(binaries, out, *more, **environment):
    return subprocess.run(
        [BUILD, "--binaries", str(binaries), "--out", str(out), *more],
        capture_output=True, text=True, env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    out = tmp_path_factory.mktemp("images")
    done = build(BIN, out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def roots(images, tmp_path_factory):
    directory = tmp_path_factory.mktemp("roots")
    return {name: ImageRoot(str(images / name), str(directory / name)) for name in IMAGES}


def digests(out):
    return json.loads((out / "digests.json").read_text())


def test_the_table_names_these_images(images):
    assert set(digests(images)) == set(IMAGES)


def test_a_second_build_gives_the_same_digests(images, tmp_path):
    """Elsewhere, later, with other permissions, in another time zone."""
    binaries = tmp_path / "elsewhere"
    binaries.mkdir()
    for name in IMAGES:
        shutil.copy(program(name), binaries / name)
        os.chmod(binaries / name, 0o700)

    some = IMAGES[-2:]  # Half of the time; all are made in one way.
    done = build(
        binaries, tmp_path / "out", "--only", ",".join(some), TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7"
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "out") == {name: digests(images)[name] for name in some}
    for name in some:
        for file in (f"{name}.tar", f"{name}.spdx.json"):
            assert (tmp_path / "out" / file).read_bytes() == (images / file).read_bytes(), file


def test_another_program_is_another_image(images, tmp_path):
    """That the digests say something."""
    shutil.copy(program("connectorctl"), tmp_path / "connectorctl")
    text = (tmp_path / "connectorctl").read_bytes()
    (tmp_path / "connectorctl").write_bytes(
        text.replace(b"Ask whether broker", b"Ask whether brokex")
    )

    done = build(tmp_path, tmp_path / "out", "--only", "connectorctl")

    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "out")["connectorctl"] != digests(images)["connectorctl"]


def test_a_missing_program_is_named(tmp_path):
    done = build(tmp_path, tmp_path / "out", "--only", "broker")

    assert done.returncode == 1
    assert (
        done.stderr
        == f"images: {tmp_path}/connector-broker is missing: build it, or leave it out with --only\n"
    )


def test_an_unknown_image_is_named(tmp_path):
    done = build(tmp_path, tmp_path / "out", "--only", "nginx")

    assert done.returncode == 1
    assert "nginx: not in images.toml" in done.stderr


@pytest.mark.parametrize("name", IMAGES)
def test_skopeo_reads_all_three_forms(images, name, tmp_path):
    def inspect(reference):
        done = subprocess.run(["skopeo", "inspect", reference], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    version = re.search(
        r"project\(\S+ VERSION (\S+)",
        open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8").read(),
    )[1]
    layout = inspect(f"oci:{images}/{name}:{version}")
    assert layout["Digest"] == digests(images)[name]
    assert layout["Labels"]["org.opencontainers.image.title"] == name
    assert layout["Labels"]["org.opencontainers.image.version"] == version
    assert {f"org.opencontainers.image.{each}" for each in
            ("title", "description", "version", "licenses", "created")} <= set(layout["Labels"])  # fmt: skip
    assert inspect(f"oci-archive:{images}/{name}.tar:{version}")["Digest"] == layout["Digest"]
    # What `docker load` reads. It has digests of unpacked layers.
    assert (
        inspect(f"docker-archive:{images}/{name}.tar:{name}:{version}")["Labels"]
        == layout["Labels"]
    )


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_holds_only_what_its_program_needs(roots, name):
    root = roots[name]
    assert root.config["config"]["User"] == f"{USER}:{USER}"
    assert root.config["config"]["Entrypoint"] == [f"/usr/bin/{name}"]
    files = {path: member for path, member in root.names.items() if member.isfile()}
    executables = {path for path in files if "/bin" in path or "/sbin" in path}
    assert executables == {f"/usr/bin/{name}"}
    places = r"/usr/lib(64)?/.*\.so[.\d]*|/usr/share/(doc/.*/copyright|sbom/.*)|/var/lib/dpkg/status\.d/.*"
    other = {path for path in files if not re.fullmatch(places, path)} - executables
    assert other == {
        "/etc/passwd",
        "/etc/group",
        "/etc/nsswitch.conf",
        "/etc/ssl/certs/ca-certificates.crt",
    }
    for path, member in root.names.items():
        assert (member.uid, member.gid) == (0, 0), path
        assert member.issym() or member.mode & 0o6022 == 0 or path == "/tmp", path
        assert member.mtime == root.names["/etc/passwd"].mtime, path


@pytest.mark.parametrize("name", IMAGES)
def test_the_bill_of_materials_names_each_library(images, roots, name):
    bill = json.loads((images / f"{name}.spdx.json").read_text())
    assert bill["spdxVersion"] == "SPDX-2.3"
    told = {package["name"]: package for package in bill["packages"]}
    assert told[name]["licenseDeclared"] == "Apache-2.0"
    files = {
        path
        for package in bill["packages"]
        for path in package.get("comment", "").removeprefix("Files: ").split(", ")
    }
    libraries = {
        path
        for path, member in roots[name].names.items()
        if re.search(r"\.so[.\d]*$", path) and member.isfile()
    }
    assert libraries and libraries <= files
    dpkg = subprocess.run(
        ["dpkg-query", "-W", "-f=${Version}", "libc6"], capture_output=True, text=True, check=True
    )
    assert told["libc6"]["versionInfo"] == dpkg.stdout
    inside = roots[name].names[f"/usr/share/sbom/{name}.spdx.json"]
    assert inside.size == (images / f"{name}.spdx.json").stat().st_size


# In a cluster


class Cluster:
    """An API server with the chart's objects, and the room in which its pods' programs run."""

    def __init__(self, directory):
        self.directory = str(directory)
        names = {
            f"{FULLNAME}-{each}.{NAMESPACE}.svc.cluster.local": ADDRESS
            for each in ("broker", "dataplane")
        }
        self.room = Room(self.directory, "cluster", {"kubernetes.default.svc": ADDRESS})
        self.room.run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"]).ok()
        self.names = NameServer(self.room, names)
        self.control = ControlPlane(self.directory, self.room, ADDRESS, 6443).start()
        self.control.new_namespace(NAMESPACE)
        self.objects = [each for each in render("default") if each["kind"] != "Pod"]
        self.control.apply(*self.objects)

    def pod(self, roots, name, component):
        """The root of a pod's image with the pod's volumes, and its container."""
        pod = pod_templates(render("default"))[name]["spec"]
        (container,) = pod["containers"]
        image = container["image"].split("/")[-1].split(":")[0]
        shutil.rmtree(f"{self.directory}/{component}", ignore_errors=True)
        root = ImageRoot(roots[image].layout, f"{self.directory}/{component}")
        sources = {volume["name"]: volume for volume in pod["volumes"]}
        for mount in container["volumeMounts"]:
            files = self.files(sources.get(mount["name"], {}), pod.get("serviceAccountName"))
            root.volume(mount["mountPath"], files, writable=not mount.get("readOnly"))
        root.file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions ndots:5 timeout:1\n")
        root.file("/etc/hosts", "127.0.0.1 localhost\n")
        return root, container

    def files(self, volume, account):
        if "configMap" in volume:
            name = volume["configMap"]["name"]
            return self.control.must("GET", f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}")[
                "data"
            ]
        if "secret" in volume:
            data = json.loads(self.control.kubectl(
                "get", "secret", volume["secret"]["secretName"], "-n", NAMESPACE, "-o", "json").ok().stdout)["data"]  # fmt: skip
            decode = base64.b64decode
            paths = {item["key"]: item["path"] for item in volume["secret"].get("items", [])}
            return {paths.get(key, key): decode(data[key]) for key in paths or data}
        if "projected" in volume:
            token = self.control.token(account, NAMESPACE, audience=None, duration=3607)
            return {"token": token, "ca.crt": self.control.ca.pem, "namespace": NAMESPACE}
        return {}

    def start(self, roots, name, component):
        root, container = self.pod(roots, name, component)
        return self.room.start(component, root.command(*container["args"], env=self.environment()))

    def run(self, roots, name, component):
        root, container = self.pod(roots, name, component)
        return self.room.run(root.command(*container["args"], env=self.environment()))

    @staticmethod
    def environment():
        return {"KUBERNETES_SERVICE_HOST": ADDRESS, "KUBERNETES_SERVICE_PORT": "6443"}

    def ready(self, port):
        return self.room.run(["curl", "-sS", "-m", "5", f"http://127.0.0.1:{port}/readyz"]).stdout

    def close(self):
        self.names.close()
        self.control.close()
        self.room.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, roots):
    """Installed, and its Secrets filled by the Job's image."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        (job,) = [each for each in made.objects if each["kind"] == "Job"]
        said = made.run(roots, f"Job {job['metadata']['name']}", "job").ok().stdout
        assert said.count("(was empty)") == 6, said
        yield made
    finally:
        made.close()


def test_all_programs_start_from_the_charts_arguments_to_readiness(roots, cluster):
    admin = {"broker": 7480, "dataplane": 8480, "controller": 9480}
    processes = {}
    for name in PROGRAMS:
        kind = "StatefulSet" if name == "broker" else "Deployment"
        processes[name] = cluster.start(roots, f"{kind} {FULLNAME}-{name}", name)
        wait_until(
            lambda name=name: cluster.ready(admin[name]).startswith("ready"),
            f"{name} is ready",
            30,
            processes[name],
        )
    # Not from /etc/hosts: the data plane asked the cluster's DNS for the brokers.
    assert f"{FULLNAME}-broker.{NAMESPACE}.svc.cluster.local" in cluster.names.asked

    # What `helm test` runs. Port 443 of the Service is 8443 of the pod, and there is no kube-proxy.
    root, container = cluster.pod(roots, f"Pod {FULLNAME}-test", "test")
    arguments = [re.sub(r"^(--dataplane=.*)$", r"\1:8443", each) for each in container["args"]]
    assert (
        cluster.room.run(root.command(*arguments)).ok().stdout
        == "ok      broker\nok      dataplane\n"
    )
    assert f"{FULLNAME}-dataplane.{NAMESPACE}.svc.cluster.local" in cluster.names.asked


@pytest.mark.parametrize("name", PROGRAMS)
def test_check_passes_in_the_image(roots, cluster, name):
    kind = "StatefulSet" if name == "broker" else "Deployment"
    root, container = cluster.pod(roots, f"{kind} {FULLNAME}-{name}", f"check-{name}")

    done = cluster.room.run(root.command(*container["args"], "--check", env=cluster.environment()))

    assert done.output == "the configuration is valid\n"
    assert done.code == 0


def test_the_root_cannot_be_written_and_the_user_is_nobody(roots, cluster):
    root, _ = cluster.pod(roots, f"Deployment {FULLNAME}-dataplane", "nobody")
    script = root.command()
    script[-1] = script[-1].rsplit("\n", 1)[0] + f"\ntouch {root.directory}/etc/x"

    assert "Read-only file system" in cluster.room.run(script).stderr
    # ctl has no configuration: it tells by writing where it may not.
    ctl, _ = cluster.pod(roots, f"Pod {FULLNAME}-test", "write")
    refused = cluster.room.run(ctl.command("pki", "init", "/tmp/pki"))
    assert refused.code == 2
    assert "/tmp/pki" in refused.stderr


def test_charts_images_are_those_of_the_table():
    named = {
        image["repository"]
        for section in yaml.safe_load(open(os.path.join(CHART, "values.yaml"), encoding="utf-8")).values()
        if isinstance(section, dict)
        for image in (section.get("image"), section.get("job", {}).get("image") if isinstance(section.get("job"), dict) else None)
        if isinstance(image, dict) and "repository" in image
    }  # fmt: skip

    assert named == set(IMAGES)
    assert program_config(render("default"), "broker")
