"""A name server that knows some addresses and notes what it was asked."""

import socket
import struct
import threading


class NameServer:
    def __init__(self, room, addresses):
        """`addresses`: {name: IPv4 address}. Listens on 127.0.0.1:53 of the room."""
        self.addresses, self.asked = addresses, set()
        with room.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, client = self._socket.recvfrom(4096)
            except OSError:
                return
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
        name = ".".join(labels)
        self.asked.add(name)
        address = self.addresses.get(name)
        found = address is not None and kind == 1
        flags = 0x8180 if address else 0x8183  # No such name.
        head = query[:2] + struct.pack("!HHHHH", flags, 1, int(found), 0, 0)
        answer = head + query[12 : at + 5]
        if found:
            answer += struct.pack("!HHHLH", 0xC00C, 1, 1, 5, 4) + socket.inet_aton(address)
        return answer

    def close(self):
        self._socket.close()
