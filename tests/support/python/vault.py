"""HashiCorp Vault beside the registry: real servers, in the upstream's room.

`Vault` is one cluster: a single server in memory, or nodes that keep a raft log. `Front` stands
before one of its servers, counts what is asked, and can be cut.
"""

import http.client
import http.server
import json
import os
import ssl
import threading
import time

from netns import wait_until
from peers import peer
from testca import TestCa, write
from upstream import ADDRESS, is_listening

HOST = "vault.test"
PORT = 8200
FRONT_PORT = 8300
POLICY = "connector"


class Vault:
    """Started, unsealed, with KV version 2 at secret/ and an AppRole of the policy `connector`."""

    def __init__(self, room, directory, nodes=0):
        """`nodes`: 0 is one server in memory, 3 is a raft cluster."""
        self.room, self.directory = room, directory
        self.ca = TestCa(directory, "vault-ca")
        self._certificate = self.ca.issue("vault", HOST, ADDRESS)
        self.ports = [PORT + 10 * index for index in range(max(nodes, 1))]
        self.raft = nodes > 0
        self.processes = {}
        self.root = self._unseal_key = None
        self.credentials = []  # What may stand nowhere: tokens, secret_ids.

    @property
    def addresses(self):
        return [f"https://{HOST}:{port}" for port in self.ports]

    # Life

    def start(self, bare=False):
        """`bare`: only unsealed."""
        self.start_node(self.ports[0])
        made = self.api("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, token="")
        self.root, self._unseal_key = made["root_token"], made["keys"][0]
        self.credentials += [self.root, self._unseal_key]
        self.unseal()
        for port in self.ports[1:]:
            self.api("PUT", "sys/storage/raft/autopilot/configuration",
                     {"server_stabilization_time": "1s"})  # fmt: skip
            self.start_node(port)
            self.unseal(port)
        if self.raft:
            wait_until(lambda: self._voters() == len(self.ports), "all nodes may vote", 60)
        if bare:
            return self
        self.api("PUT", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        self.put_policy('path "secret/data/ci/*" { capabilities = ["read"] }\n'
                        'path "secret/metadata/ci/*" { capabilities = ["read"] }\n')  # fmt: skip
        self.api("PUT", "sys/auth/approle", {"type": "approle"})
        self.audit_log = os.path.join(self.directory, "vault-audit.json")
        self.api("PUT", "sys/audit/file", {"type": "file", "options": {"file_path": self.audit_log}})
        return self

    def start_node(self, port):
        config = {
            "disable_mlock": True,
            "api_addr": f"https://{HOST}:{port}",
            "cluster_addr": f"https://{ADDRESS}:{port + 1}",
            "listener": [{"tcp": {
                "address": f"{ADDRESS}:{port}", "cluster_address": f"{ADDRESS}:{port + 1}",
                "tls_cert_file": self._certificate[0], "tls_key_file": self._certificate[1],
            }}],
            "storage": {"inmem": {}},
        }  # fmt: skip
        if self.raft:
            data = os.path.join(self.directory, f"raft-{port}")
            os.makedirs(data, exist_ok=True)
            joins = [{"leader_api_addr": f"https://{HOST}:{other}",
                      "leader_ca_cert_file": self.ca.path}
                     for other in self.ports if other != port]  # fmt: skip
            raft = {"path": data, "node_id": str(port), "performance_multiplier": 1}
            config["storage"] = {"raft": raft | ({"retry_join": joins} if self.root else {})}
        name = f"vault-{port}"
        path = write(os.path.join(self.directory, f"{name}.json"), json.dumps(config))
        environment = {"PATH": os.environ["PATH"], "HOME": self.directory}
        process = self.room.start(name, [peer("vault"), "server", f"-config={path}"], environment)
        wait_until(lambda: is_listening(self.room, port), f"{name} listens", 60, process)
        self.processes[port] = process

    def unseal(self, port=None):
        """Until the node (all of them by default) serves."""
        for each in [port] if port else self.processes:
            wait_until(lambda each=each: self._unsealed(each), f"the node {each} is unsealed", 60)
        wait_until(self.leader, "a leader is there", 60)

    def _unsealed(self, port):
        # Again and again: a node that joins a raft cluster takes the key only once it has joined.
        status, answer = self.ask("PUT", "sys/unseal", {"key": self._unseal_key}, "", port)
        return status == 200 and not answer["sealed"]

    def seal(self):
        for port in self.processes:
            self.api("PUT", "sys/seal", port=port)

    def leader(self):
        """The port of the node that leads, or None."""
        for port, process in self.processes.items():
            if process.is_running():
                # 200: unsealed and active; 429: a standby.
                if self.ask("GET", "sys/health", None, "", port)[0] == 200:
                    return port
        return None

    def _voters(self):
        servers = self.api("GET", "sys/storage/raft/configuration")["data"]["config"]["servers"]
        return sum(server["voter"] for server in servers)

    # What an operator does

    def put_policy(self, rules, name=POLICY):
        self.api("PUT", f"sys/policies/acl/{name}", {"policy": rules})

    def make_approle(self, policies=POLICY, **settings):
        """(role_id, secret_id) of a new role `broker`; `settings` are the role's."""
        self.api("PUT", "auth/approle/role/broker", {
            "token_policies": policies, "token_ttl": "20m", "token_max_ttl": "30m", **settings,
        })  # fmt: skip
        role_id = self.api("GET", "auth/approle/role/broker/role-id")["data"]["role_id"]
        made = self.api("PUT", "auth/approle/role/broker/secret-id")["data"]
        self.credentials.append(made["secret_id"])
        return role_id, made["secret_id"]

    def put_secret(self, path, data):
        """Of KV version 2, below secret/."""
        return self.api("PUT", f"secret/data/{path}", {"data": data})["data"]["version"]

    def paths_read(self):
        """Everything that anybody tried to read so far, as Vault's own audit log says."""
        with open(self.audit_log, encoding="utf-8") as file:
            requests = [json.loads(line)["request"] for line in file]
        return [each["path"] for each in requests if each["operation"] == "read"]

    def token_accessors(self):
        """Those of all tokens but the root's."""
        keys = self.api("LIST", "auth/token/accessors")["data"]["keys"]
        own = self.api("GET", "auth/token/lookup-self")["data"]["accessor"]
        return [key for key in keys if key != own]

    def api(self, method, path, body=None, token=None, port=None):
        status, answer = self.ask(method, path, body, token, port)
        assert status < 400, f"Vault answers {method} {path} with {status}: {answer}"
        return answer

    def ask(self, method, path, body=None, token=None, port=None):
        """(status, answer); (0, reason) when nobody answers. With the root token by default."""
        token = self.root if token is None else token
        if port is None:
            port = self.ports[0] if len(self.ports) == 1 else self.leader() or self.ports[0]
        headers = {"X-Vault-Token": token} if token else {}
        context = ssl.create_default_context(cafile=self.ca.path)
        with self.room.entered():
            connection = http.client.HTTPSConnection(ADDRESS, port, timeout=30, context=context)
            try:
                connection.request(method, f"/v1/{path}", json.dumps(body) if body else None, headers)
                answer = connection.getresponse()
                text = answer.read()
                return answer.status, json.loads(text) if text else {}
            except OSError as error:
                return 0, str(error)
            finally:
                connection.close()


class Front:
    """TLS before one server: passes every request on, and notes when it came and what it was."""

    def __init__(self, vault, port=FRONT_PORT):
        self.requests = []  # (time, method, path, status)
        self.delay = 0.0  # Of every answer, in seconds: a Vault that is far away or busy.
        self.cut = False  # From now on connections are closed before a byte.
        self._vault, self._port = vault, port
        self.address = f"https://{HOST}:{port}"
        self._upstream_tls = ssl.create_default_context(cafile=vault.ca.path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*vault._certificate)
        with vault.room.entered():
            server = http.server.ThreadingHTTPServer((ADDRESS, port), self._handler())
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # Either side may go away at any time.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._server = server
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def per_second(self, start, end):
        """How many requests came in each second from `start` to `end` (monotonic times)."""
        counts = [0] * max(1, int(end - start))
        for when, *_ in list(self.requests):
            if start <= when < start + len(counts):
                counts[int(when - start)] += 1
        return counts

    def _handler(self):
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def handle_one_request(self):
                if front.cut:
                    self.close_connection = True
                    return
                super().handle_one_request()

            def do_GET(self):
                came = time.monotonic()
                body = self.rfile.read(int(self.headers.get("Content-Length") or "0"))
                if front.cut:
                    self.close_connection = True
                    return
                threading.Event().wait(front.delay)
                status, headers, answer = front._pass_on(self, body)
                front.requests.append((came, self.command, self.path, status))
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_PUT = do_POST = do_LIST = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        return Handler

    def _pass_on(self, handler, body):
        with self._vault.room.entered():
            connection = http.client.HTTPSConnection(
                ADDRESS, self._vault.ports[0], timeout=60, context=self._upstream_tls
            )
            connection.connect()
        headers = {name: value for name, value in handler.headers.items() if name != "Host"}
        connection.request(handler.command, handler.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), content
