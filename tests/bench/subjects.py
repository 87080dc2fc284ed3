"""The servers that are compared: the data plane (with its broker), nginx and HAProxy.

All stand before the same two upstreams (plain and TLS), use one core, verify the upstream's
certificate, and put the same Authorization value on what they forward. nginx and HAProxy do nothing
else; the data plane also knows its caller, applies the policy, and writes its access log.
"""

import base64
import http.client
import os
import subprocess
import sys
import time

from measure import Process

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(_ROOT, "deploy", "local"))
import ports  # noqa: E402

SERVER_CORE, OTHER_CORE = 0, 1
USER, PASSWORD = "robot", "correct-horse-battery"
UPSTREAM_AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
KINDS = ("plain", "tls")  # Of the upstream.


def program(name):
    return os.path.join(os.environ["CONNECTOR_BIN"], name)


def free_port():
    return ports.free_ports(1)[0]


def wait_for(condition, what, process, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if not process.is_running() or time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not start:\n{process.log()[-3000:]}")
        time.sleep(0.05)


def answers(port, path, authorization=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        headers = {"Authorization": authorization} if authorization else {}
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def write(path, text):
    with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(text)
    return path


class Upstreams:
    """Both upstreams, as `ports` by kind, and the CA of the TLS one."""

    def __init__(self, directory):
        self.ca = os.path.join(directory, "upstream.crt")
        key = os.path.join(directory, "upstream.key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", self.ca,
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
        self.processes, self.ports = [], {}
        for kind in KINDS:
            tls = [self.ca, key] if kind == "tls" else []
            process = Process(
                [program("bench_upstream"), UPSTREAM_AUTHORIZATION, *tls],
                os.path.join(directory, f"upstream-{kind}.log"), OTHER_CORE, speaks=True,
            )  # fmt: skip
            self.processes.append(process)
            self.ports[kind] = int(process.read_line())

    def stop(self):
        for process in self.processes:
            process.stop()


class Subject:
    """One server under test. `where(kind)` is (port, repository's path under /v2/) to ask."""

    name = ""
    authorization = UPSTREAM_AUTHORIZATION  # What clients send; peers replace it.
    seconds_to_start = 20

    def __init__(self, directory, upstreams):
        self.directory = os.path.join(directory, self.name)
        os.makedirs(self.directory, exist_ok=True)
        self.upstreams = upstreams
        self.ports = {kind: free_port() for kind in KINDS}
        self.process = None

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def where(self, kind):
        return self.ports[kind], "/v2/app"

    def start(self):
        # A name for temporary files that must stay empty.
        os.makedirs(self.path("tmp"), exist_ok=True)
        self.process = Process(
            self.argv(), self.path("log"), SERVER_CORE, env={**os.environ, "TMPDIR": self.path("tmp")}
        )
        for kind in KINDS:
            port, repository = self.where(kind)
            target = f"{repository}/manifests/v1"
            wait_for(
                lambda: answers(port, target, self.authorization), f"{self.name} ({kind})",
                self.process, self.seconds_to_start,
            )  # fmt: skip

    def argv(self):
        raise NotImplementedError

    def is_running(self):
        return self.process is None or self.process.is_running()

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None


class Direct(Subject):
    """No proxy: what the upstream and the load generator take by themselves."""

    name = "direct"

    def where(self, kind):
        return self.upstreams.ports[kind], "/v2/app"

    def start(self):
        pass


class Nginx(Subject):
    name = "nginx"

    def argv(self):
        servers = "".join(
            f"""
  upstream {kind} {{
    server 127.0.0.1:{self.upstreams.ports[kind]};
    keepalive 64; keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{self.ports[kind]};
    location / {{ proxy_pass {"https" if kind == "tls" else "http"}://{kind}; }}
  }}"""
            for kind in KINDS
        )
        config = f"""
daemon off; worker_processes 1; worker_rlimit_nofile 20000;
pid {self.path("pid")}; error_log {self.path("log")} error;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_timeout 75s; keepalive_requests 1000000000;
  client_max_body_size 0; client_body_buffer_size 128k;
  client_body_temp_path {self.path("tmp")}; proxy_temp_path {self.path("tmp")};
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header Authorization "{UPSTREAM_AUTHORIZATION}";
  proxy_request_buffering off; proxy_max_temp_file_size 0;
  proxy_buffer_size 16k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;
  proxy_ssl_verify on; proxy_ssl_trusted_certificate {self.upstreams.ca};
  proxy_ssl_name localhost; proxy_ssl_protocols TLSv1.3; {servers}
}}
"""
        return ["nginx", "-c", write(self.path("nginx.conf"), config), "-e", self.path("log")]


class Haproxy(Subject):
    name = "haproxy"

    def argv(self):
        sections = "".join(
            f"""
listen {kind}
  bind 127.0.0.1:{self.ports[kind]}
  http-request set-header Authorization "{UPSTREAM_AUTHORIZATION}"
  server upstream 127.0.0.1:{self.upstreams.ports[kind]}"""
            + (
                f" ssl verify required verifyhost localhost sni str(localhost) "
                f"ca-file {self.upstreams.ca} ssl-min-ver TLSv1.3\n"
                if kind == "tls"
                else "\n"
            )
            for kind in KINDS
        )
        config = f"""
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 75s
  http-reuse always
  option splice-response
  option splice-request
{sections}
"""
        return ["haproxy", "-db", "-f", write(self.path("haproxy.cfg"), config)]
