"""An HTTP/1.1 client that hides nothing: exact bytes out, every header in order back.

What comes back is also written to a capture file, where the canary scan finds it.
"""

import base64
import json
import os
import socket
import ssl
import threading


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        """The value of a header that stands there at most once."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} stands there {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def error(self):
        """(code, message) of a body in the distribution format."""
        (error,) = self.json()["errors"]
        return error["code"], error["message"]

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


class Client:
    def __init__(self, room, host, port, capture=None, tls=None, timeout=20.0):
        """`tls`: an SSLContext; `capture`: a directory for what the server sent."""
        self.room, self.host, self.port = room, host, port
        self.capture, self.tls, self.timeout = capture, tls, timeout

    def connect(self):
        with self.room.entered():
            address = self.room.hosts.get(self.host, self.host)
            raw = socket.create_connection((address, self.port), self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(raw, server_hostname=self.host) if self.tls else raw

    def request(self, method, target, headers=None, body=b"", token=None, basic=None, host=None):
        """One request on a connection of its own."""
        with self.connect() as connection:
            return self.on(connection, method, target, headers, body, token, basic, host)

    def on(self, connection, method, target, headers=None, body=b"", token=None, basic=None,
           host=None):  # fmt: skip
        """One request on `connection`. `token` goes as the Basic password, `basic` as user:pass."""
        fields = {"Host": host or f"{self.host}:{self.port}", "User-Agent": "system-test"}
        if token is not None:
            basic = f"token:{token}"
        if basic is not None:
            fields["Authorization"] = "Basic " + base64.b64encode(basic.encode()).decode()
        if body or method in ("POST", "PUT", "PATCH"):
            fields["Content-Length"] = str(len(body))
        fields.update(headers or {})
        head = f"{method} {target} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        connection.sendall(head.encode("latin-1") + b"\r\n" + body)
        return self.read(connection, method)

    def read(self, connection, method="GET"):
        reader = _Recorder(connection)
        try:
            return _parse(reader, method)
        finally:
            self._keep(reader.seen)

    def _keep(self, data):
        if self.capture is None:
            return
        name = f"received-{os.getpid()}-{threading.get_native_id()}.bin"
        with open(os.path.join(self.capture, name), "ab") as file:
            file.write(data + b"\n")


def trusting(ca_pem=None):
    """A TLS client context that trusts only `ca_pem`, or checks nothing without one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_pem is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=ca_pem)
    return context


class _Recorder:
    def __init__(self, connection):
        # Byte arrays: appending to bytes copies all of them each time.
        self._connection, self._buffer, self.seen = connection, bytearray(), bytearray()

    def more(self):
        data = self._connection.recv(65536)
        self.seen += data
        self._buffer += data
        return bool(data)

    def until(self, end):
        while end not in self._buffer:
            if not self.more():
                raise ConnectionError(f"closed after {bytes(self._buffer[:200])!r}")
        at = self._buffer.index(end)
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(end)]
        return found

    def exactly(self, size):
        while len(self._buffer) < size:
            if not self.more():
                raise ConnectionError(f"closed after {len(self._buffer)} of {size} bytes")
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def rest(self):
        while self.more():
            pass
        return bytes(self._buffer)


def _parse(reader, method):
    lines = reader.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ", 2)[1])
    if 100 <= status < 200:
        return _parse(reader, method)
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
    found = {name.lower(): value for name, value in headers}
    if method == "HEAD" or status in (204, 304):
        body = b""
    elif "chunked" in found.get("transfer-encoding", ""):
        body = b""
        while size := int(reader.until(b"\r\n").split(b";")[0], 16):
            body += reader.exactly(size)
            reader.until(b"\r\n")
        reader.until(b"\r\n")
    elif "content-length" in found:
        body = reader.exactly(int(found["content-length"]))
    else:
        body = reader.rest()
    return Response(status, headers, body)
