"""A token service that misbehaves as told. For faults only: the real one serves all other tests.

Started with: MODE HOST:PORT REAL-URL CERTIFICATE KEY. In mode `short` it passes requests on to
the real token service and only shortens the lifetime that the answer states, to one second. In mode
`picky` it asks to wait an hour for repositories whose name holds `evil`, and passes on all others.
"""

import json
import ssl
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_FOREVER = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mode = real = ""

    def do_GET(self):
        getattr(self, f"_mode_{self.mode}")()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or "0"))
        if self.mode in ("short", "picky"):
            self._answer(404, b"{}")  # The caller falls back to GET.
        else:
            self.do_GET()

    def _mode_500(self):
        self._answer(500, b'{"errors":[{"code":"UNKNOWN"}]}')

    def _mode_429(self):
        self._answer(429, b'{"detail":"Rate limit exceeded"}', {"Retry-After": "7"})

    def _mode_nonsense(self):
        self._answer(200, b"<html>welcome</html>")

    def _mode_empty(self):
        self._answer(200, b'{"expires_in":300}')

    def _mode_slow(self):
        _FOREVER.wait()

    def _mode_short(self):
        self._pass_on({"expires_in": 1})

    def _mode_picky(self):
        if "evil" in self.path:
            self._answer(429, b'{"detail":"slow down"}', {"Retry-After": "3600"})
        else:
            self._pass_on({})

    def _pass_on(self, changes):
        request = urllib.request.Request(self.real + self.path)
        request.add_header("Authorization", self.headers["Authorization"])
        unchecked = ssl._create_unverified_context()
        with urllib.request.urlopen(request, timeout=20, context=unchecked) as answer:
            body = json.load(answer)
        self._answer(200, json.dumps({**body, **changes}).encode())

    def _answer(self, status, body, headers=None):
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    Handler.mode, listen, Handler.real, certificate, key = sys.argv[1:]
    host, _, port = listen.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
