"""Honest callers: each pulls the same manifest a few times a second over one connection, and asks now
and then for something new, with a new token.

    callers.py PLAN.json        prints every request as JSON when the time is over
"""

import asyncio
import json
import os
import sys
import time

_TIMEOUT = 30  # Seconds: longer than any wait that the data plane allows itself.


class Caller:
    def __init__(self, plan, index):
        self.plan, self.source = plan, plan["sources"][index]
        self.token, self.fresh = plan["tokens"][index], list(plan["fresh"][index])
        self.name = index
        self.connection = None
        self.done = []  # [kind, seconds, outcome]; the outcome of one that is well is "".
        self.late = []  # Seconds that each request began after its time.

    async def run(self, begin):
        """Callers begin spread over one period, so that they do not come in waves."""
        loop = asyncio.get_running_loop()
        period = 1 / self.plan["perSecond"]
        at = begin + period * self.name / len(self.plan["tokens"])
        count = 0
        while at < begin + self.plan["seconds"]:
            await asyncio.sleep(at - loop.time())
            self.late.append(max(0, loop.time() - at))
            count += 1
            new = (count + self.name) % self.plan["newEvery"] == 0 and self.fresh
            await (self.something_new(count) if new else self.the_usual())
            at = max(at + period, loop.time())
        if self.connection:
            self.connection[1].transport.abort()

    async def the_usual(self):
        path = f"/v2/{self.plan['repository']}/manifests/v1"
        await self.measured("usual", path, self.token, lambda status, _: status == 200)

    async def something_new(self, count):
        path = f"/v2/{self.plan['repository']}-{self.plan['phase']}-{self.name}-{count}/manifests/v1"
        # The registry's own answer; ours would have another code.
        await self.measured(
            "new", path, self.fresh.pop(),
            lambda status, body: status == 404 and b"MANIFEST_UNKNOWN" in body,
        )  # fmt: skip

    async def measured(self, kind, path, token, well):
        begun = time.perf_counter()
        try:
            status, body = await asyncio.wait_for(self.ask(path, token), _TIMEOUT)
            outcome = "" if well(status, body) else f"{status} {body[:200]!r}"
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            outcome = repr(error)
            self.connection = None
        self.done.append([kind, time.perf_counter() - begun, outcome])

    async def ask(self, path, token):
        """A server may close a connection that waits: the next request then has a new one."""
        if self.connection is not None:
            try:
                return await self.exchange(path, token)
            except (OSError, asyncio.IncompleteReadError) as error:
                if getattr(error, "partial", b""):
                    raise
        self.connection = await asyncio.open_connection(
            *self.plan["target"], local_addr=(self.source, 0)
        )
        return await self.exchange(path, token)

    async def exchange(self, path, token):
        reader, writer = self.connection
        writer.write((
            f"GET {path} HTTP/1.1\r\nHost: {self.plan['target'][0]}\r\n"
            f"Accept: application/vnd.oci.image.manifest.v1+json\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode())  # fmt: skip
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        body = await reader.readexactly(int(length or "0"))
        if "connection: close" in head:
            writer.close()
            self.connection = None
        return int(head.split(" ", 2)[1]), body


async def run(plan):
    callers = [Caller(plan, index) for index in range(len(plan["tokens"]))]
    begin = asyncio.get_running_loop().time() + 0.1
    await asyncio.gather(*(caller.run(begin) for caller in callers))
    late = sorted(seconds for caller in callers for seconds in caller.late)
    print(json.dumps({
        "lateness": late[len(late) * 99 // 100],
        "processorSeconds": time.process_time(),
        "requests": [request for caller in callers for request in caller.done],
    }))  # fmt: skip


def main():
    os.nice(-10)  # Who measures waits for no processor that others have.
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    asyncio.run(run(plan))


if __name__ == "__main__":
    main()
