"""What the user of a stock client sees of our errors: docs/errors.md against their real output."""

import concurrent.futures
import os
import re
import shutil
import tempfile

import pytest

from images import Image
from netns import wait_until
from peers import peer
from push import get_manifest
from testca import write
from world import HTTP_PORT, PROXY_NAME, World, path_form, rule

PROXY_HOST = f"{PROXY_NAME}:{HTTP_PORT}"
HOST_FORM = f"c-demo.default.svc:{HTTP_PORT}"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIENTS = ("docker", "skopeo", "buildkit", "helm")
TAG = "0.1.0"


class Clients:
    """Each as: pull or push host/repository:0.1.0 with a directory of credentials; what it said."""

    def __init__(self, world):
        self.world = world
        # Not in the world's directory: the path of a socket may have at most 104 characters.
        self.run_directory = tempfile.mkdtemp(prefix="errors-")
        world.at_close.append(lambda: shutil.rmtree(self.run_directory, ignore_errors=True))
        self.image = Image(world.path("image"))
        self.archive = world.path("image.tar")
        world.run_client(
            ["skopeo", "copy", self.image.layout, f"docker-archive:{self.archive}:local:1"]
        ).ok()
        self.chart = self._pack_chart()
        self.docker_socket = f"unix://{self.run_directory}/docker.sock"
        self.buildkit_socket = f"unix://{self.run_directory}/buildkit.sock"
        self._start_dockerd()
        self._start_buildkitd()

    def _pack_chart(self):
        os.makedirs(self.world.path("ch", "templates"))
        write(self.world.path("ch", "Chart.yaml"), f"apiVersion: v2\nname: ch\nversion: {TAG}\n")
        self.world.run_client(
            [peer("helm"), "package", self.world.path("ch"), "--destination", self.world.directory]
        ).ok()
        return self.world.path(f"ch-{TAG}.tgz")

    def _start_dockerd(self):
        daemon = self.world.clients.start("dockerd", [
            "dockerd", "--data-root", self.world.path("docker-data"), "--exec-root",
            os.path.join(self.run_directory, "exec"), "--pidfile", self.world.path("docker.pid"),
            "--host", self.docker_socket, "--iptables=false", "--ip6tables=false",
            "--bridge=none", "--storage-driver", "vfs", "--insecure-registry", PROXY_HOST,
            "--insecure-registry", HOST_FORM,
        ])  # fmt: skip
        self.world.at_close.append(lambda: daemon.stop(timeout=30))
        wait_until(lambda: self._docker(None, "version").code == 0, "dockerd answers", 60,
                   process=daemon)  # fmt: skip
        self._docker(None, "load", "--input", self.archive).ok()

    def _start_buildkitd(self):
        plain = "".join(f'[registry."{host}"]\n  http = true\n' for host in (PROXY_HOST, HOST_FORM))
        daemon = self.world.clients.start("buildkitd", [
            peer("buildkitd"), "--config", write(self.world.path("buildkitd.toml"), plain), "--root",
            self.world.path("buildkit"), "--addr", self.buildkit_socket,
            "--oci-worker-snapshotter", "native", "--containerd-worker=false",
        ])  # fmt: skip
        self.world.at_close.append(lambda: daemon.stop(timeout=30))
        wait_until(lambda: self._buildctl(None, "debug", "workers").code == 0, "buildkitd answers",
                   60, process=daemon)  # fmt: skip

    def _docker(self, auth, *arguments):
        config = ["--config", auth] if auth else []
        return self.world.run_client(["docker", "--host", self.docker_socket, *config, *arguments])

    def _buildctl(self, auth, *arguments):
        env = {"DOCKER_CONFIG": auth} if auth else {}
        return self.world.run_client(
            [peer("buildctl"), "--addr", self.buildkit_socket, *arguments], env=env
        )

    def _build(self, auth, dockerfile, *arguments):
        context = tempfile.mkdtemp(dir=self.run_directory)
        write(os.path.join(context, "Dockerfile"), dockerfile)
        return self._buildctl(
            auth, "build", "--progress=plain", "--frontend=dockerfile.v0", "--no-cache",
            f"--local=context={context}", f"--local=dockerfile={context}", *arguments,
        )  # fmt: skip

    def _skopeo(self, auth, *arguments):
        return self.world.run_client(
            ["skopeo", "copy", "--authfile", os.path.join(auth, "auth.json"), *arguments]
        )

    def _helm(self, auth, *arguments):
        return self.world.run_client([
            peer("helm"), *arguments, "--plain-http", "--registry-config",
            os.path.join(auth, "config.json"),
        ])  # fmt: skip

    def docker_pull(self, auth, name):
        return self._docker(auth, "pull", f"{name}:{TAG}")

    def docker_push(self, auth, name):
        self._docker(auth, "tag", "local:1", f"{name}:{TAG}").ok()
        return self._docker(auth, "push", f"{name}:{TAG}")

    def skopeo_pull(self, auth, name):
        target = tempfile.mkdtemp(dir=self.run_directory)
        return self._skopeo(auth, "--src-tls-verify=false", f"docker://{name}:{TAG}", f"dir:{target}")

    def skopeo_push(self, auth, name):
        return self._skopeo(
            auth, "--dest-tls-verify=false", self.image.layout, f"docker://{name}:{TAG}"
        )

    def buildkit_pull(self, auth, name):
        return self._build(auth, f"FROM {name}:{TAG}\n")

    def buildkit_push(self, auth, name):
        return self._build(
            auth, "FROM scratch\nCOPY Dockerfile /\n",
            f"--output=type=image,name={name}:{TAG},push=true",
        )  # fmt: skip

    def helm_pull(self, auth, name):
        target = tempfile.mkdtemp(dir=self.run_directory)
        return self._helm(auth, "pull", f"oci://{name}", "--version", TAG, "--destination", target)

    def helm_push(self, auth, name):
        return self._helm(auth, "push", self.chart, f"oci://{name.rpartition('/')[0]}")

    def all(self, verb, auth, name):
        """{client: what it printed}, all at once; every one has failed."""
        with concurrent.futures.ThreadPoolExecutor(len(CLIENTS)) as pool:
            under_way = {
                client: pool.submit(getattr(self, f"{client}_{verb}"), auth, name)
                for client in CLIENTS
            }
            ended = {client: future.result() for client, future in under_way.items()}
        for client, end in ended.items():
            assert end.code != 0, f"{client} {verb} went through: {end.output}"
        return {client: end.output for client, end in ended.items()}


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("errors") / "world")
    failed = True
    try:
        world.start(access=[
            rule("ci", "builder", ["pull", "push"]), rule("ci", "reader", ["pull"]),
        ])  # fmt: skip
        yield Clients(world)
        failed = False
    finally:
        world.close(failed)


def documented(situation, verb):
    """{client: cell} of the table in docs/errors.md."""
    with open(os.path.join(ROOT, "docs", "errors.md"), encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if cells[:2] == [situation, verb]:
                return dict(zip(CLIENTS, cells[-len(CLIENTS) :]))
    raise AssertionError(f"docs/errors.md has no row for: {situation}, {verb}")


def asked(world, verb, name, token):
    """What the data plane answers to the same thing."""
    host, _, repository = name.partition("/")
    client = world.client(host.partition(":")[0])
    if verb == "pull":
        return get_manifest(client, repository, TAG, token)
    return client.request("POST", f"/v2/{repository}/blobs/uploads/", token=token)


def seen(output, status, sentences):
    """The best that a user can read: "sentence", "status", or the client's "own words"."""
    text = re.sub(r"\s+", " ", output)
    if any(sentence in text for sentence in sentences):
        return "sentence"
    return "status" if re.search(rf"\b{status}\b", text) else "own words"


def check(stand, situation, verb, name, token, status):
    world = stand.world
    # A push looks first whether something is there, and may be told of that.
    answers = [asked(world, each, name, token) for each in {"pull", verb}]
    assert asked(world, verb, name, token).status == status
    auth = world.auth_file(token, PROXY_HOST, HOST_FORM) if token else world.auth_file("", "none")
    outputs = stand.all(verb, auth, name)
    sentences = [answer.error()[1] for answer in answers if answer.status == status]
    shown = {client: seen(outputs[client], status, sentences) for client in CLIENTS}
    assert shown == documented(situation, verb), outputs


DEMO = f"{PROXY_HOST}/{path_form('robot/ch')}"
CASES = {
    "no token": (401, DEMO, lambda world: None),
    "an expired token": (401, DEMO, lambda world: world.forged_token(iat=1000, nbf=1000, exp=2000)),
    "a repository without a rule": (
        403, f"{PROXY_HOST}/{path_form('other/ch')}", lambda world: world.token(),
    ),
    "an unknown connector": (
        404, f"{PROXY_HOST}/{path_form('robot/ch', 'nothing')}", lambda world: world.token(),
    ),
    "no connector in the name": (404, f"{PROXY_HOST}/robot/ch", lambda world: world.token()),
    "two connectors in the name": (
        400, f"{HOST_FORM}/{path_form('robot/ch', 'other')}", lambda world: world.token(),
    ),
}  # fmt: skip


# Not the push of a name that is not valid, nor one without a broker: docker repeats it for a minute.
@pytest.mark.parametrize(
    ("situation", "verb"),
    [(case, "pull") for case in CASES]
    + [(case, "push") for case, (status, _, _) in CASES.items() if status != 400],
)
def test_clients_show_what_the_page_says(situation, verb, stand):
    status, name, token = CASES[situation]
    check(stand, situation, verb, name, token(stand.world), status)


def test_clients_show_that_a_reader_may_not_push(stand):
    check(stand, "a rule for pull only", "push", DEMO, stand.world.token("reader"), 403)


@pytest.mark.parametrize("verb", ["pull", "push"])
def test_clients_show_that_the_stored_credential_was_refused(verb, stand):
    world = stand.world
    world.put_secret("wrong")
    try:
        wait_until(lambda: asked(world, verb, DEMO, world.token()).status == 403, "it is refused")
        check(stand, "a stored credential that the registry refuses", verb, DEMO, world.token(), 403)
    finally:
        world.put_secret(world.upstream.password)
        wait_until(
            lambda: get_manifest(world.client(), path_form("robot/ch"), TAG, world.token()).status
            == 404, "it is accepted again",
        )  # fmt: skip


def test_clients_show_that_there_are_too_many_requests(stand):
    world = stand.world
    limits = {"limits": {"maxConcurrentRequests": 1}, "tokenRealm": world.upstream.realm}
    world.put_connector(world.connector("busy", upstream=limits))
    name, token = path_form("robot/ch", "busy"), world.token()
    wait_until(lambda: get_manifest(world.client(), name, TAG, token).error()[0]
               == "MANIFEST_UNKNOWN", "the connector is in force")  # fmt: skip
    upload = world.client().request("POST", f"/v2/{name}/blobs/uploads/", token=token)
    assert upload.status == 202, "the answer before gave its slot back"
    with world.clients.entered():
        holder = world.client().connect()
        holder.sendall(
            f"PATCH {upload.header('Location')} HTTP/1.1\r\nHost: {PROXY_HOST}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/octet-stream\r\n"
            "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n".encode()
        )
    try:
        # It has the slot: a request that came in between could have taken it otherwise.
        assert holder.recv(1024).startswith(b"HTTP/1.1 100 ")
        holder.sendall(b"1")
        check(stand, "too many requests at once", "pull", f"{PROXY_HOST}/{name}", token, 429)
        # It has been under way all the time, and was answered by nobody but the registry.
        holder.sendall(b"234567890")
        assert holder.recv(1024).startswith(b"HTTP/1.1 202 ")
    finally:
        holder.close()


def test_clients_show_that_the_broker_is_away(stand):
    world = stand.world
    world.broker.kill()
    try:
        check(stand, "no broker", "pull", DEMO, world.token(), 503)
    finally:
        world.start_broker()
        wait_until(lambda: get_manifest(world.client(), path_form("robot/ch"), TAG, world.token())
                   .status == 404, "the broker is heard again", 60)  # fmt: skip
