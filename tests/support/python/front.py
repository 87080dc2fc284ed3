"""A TCP front for several data planes: one address, and the test says who answers.

Connects each client to the first backend of the list that accepts.
"""

import contextlib
import socket
import threading


class Front:
    def __init__(self, room, address, port, backends):
        """`backends`: [(address, port)]; may be changed at any time, for connections to come."""
        self.backends = backends
        self._room = room
        with room.entered():
            self._listener = socket.create_server((address, port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _accept(self):
        with self._room.entered():
            while True:
                try:
                    client, _ = self._listener.accept()
                except OSError:
                    return
                backend = self._connect()
                if backend is None:
                    client.close()
                    continue
                for source, target in ((client, backend), (backend, client)):
                    threading.Thread(target=_pump, args=(source, target), daemon=True).start()

    def _connect(self):
        for backend in list(self.backends):
            try:
                return socket.create_connection(backend, 5)
            except OSError:
                continue
        return None


def _pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            # Closing alone sends nothing while another thread waits for bytes of it.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
