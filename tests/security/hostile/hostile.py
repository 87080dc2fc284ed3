"""Honest callers alone, and then beside everybody who wishes the data plane ill.

Both phases have the same honest callers on the same machine, so that what is compared are ratios.
"""

import dataclasses
import json
import os
import secrets
import shutil
import threading
import time

import yaml

from chart import CHART
from images import Image, digest_of
from netns import wait_until
from push import push_blob, push_image
from testca import write
from world import HTTP_PORT, LOCAL_ISSUER, PROXY, path_form, rule

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 2**20
_TICKS = os.sysconf("SC_CLK_TCK")

_CALLERS = 50
_NETWORK = "10.78"  # All of it is the clients' room: everybody has addresses of their own.
# Fewer than the strangers open, so that they compete for what there is.
_MAX_CONNECTIONS = 1024
_MAX_REQUESTS = 128  # And fewer than the slow caller gets connections for.
_DEFAULT_MAX_CONNECTIONS = 8192  # dataplane/README.md: what the chart's limit of memory is for.
_BLOB_BYTES = 32 * MIB
_TRIES = 3
_BUSY = 0.5  # Processors that others used: more, and the ratio says little about the product.
_LEAST_P99 = 0.01  # Seconds: what is less comes and goes with whoever else has a processor.


@dataclasses.dataclass
class Plan:
    """What is bounded, and why: README.md."""

    quiet_seconds: int
    hostile_seconds: int
    per_second: float = 4  # Of each honest caller.
    new_every: int = 40
    settle_seconds: tuple = (3, 10)  # At least, and at most.
    strangers: int = 2000
    strangers_per_second: int = 1000
    forged_per_second: int = 2000
    slow_readers: int = 300
    invented_per_second: int = 400


LONG = Plan(quiet_seconds=30, hostile_seconds=90)
SHORT = Plan(quiet_seconds=6, hostile_seconds=9)


@dataclasses.dataclass
class Phase:
    requests: list  # [kind, seconds, outcome]
    lateness: float  # Seconds, the p99 of the callers' own: a caller without a processor measures nothing.
    audit_mib_per_minute: float
    peak: dict  # {program: bytes of memory}
    cores: dict  # {who: processors in use}

    @property
    def errors(self):
        return [outcome for _, _, outcome in self.requests if outcome]

    def p99(self, *kinds):
        took = sorted(seconds for kind, seconds, _ in self.requests if not kinds or kind in kinds)
        return took[len(took) * 99 // 100] if took else 0.0


@dataclasses.dataclass
class Row:
    """One line of the table. `most`: None where a figure is only told."""

    what: str
    value: float
    most: float | None
    unit: str = ""

    @property
    def holds(self):
        return self.most is None or self.value <= self.most

    def __str__(self):
        most = "" if self.most is None else f"at most {self.most:g}"
        verdict = "" if self.most is None else "holds" if self.holds else "FAILS"
        return f"{self.what:54} {self.value:9.2f} {self.unit:10} {most:14} {verdict}"


class Hostile:
    """A world with honest and hostile callers, who have not begun."""

    def __init__(self, world, plan):
        self.world, self.plan = world, plan
        self.seen = {}  # {kind of attack: what it did}
        world.broker_extra = {"logLevel": "info"}
        world.dataplane_extra = {
            "logLevel": "info",
            "limits": {"maxConnections": _MAX_CONNECTIONS},
        }
        # A volume of its own, as in a cluster: what all others write into logs is synced elsewhere.
        world.middle.run(["mount", "-t", "tmpfs", "audit", world.path("audit")]).ok()
        honest = [rule("ci", f"honest-{index}", ["pull"]) for index in range(_CALLERS)]
        access = [
            rule("ci", "builder", ["pull", "push"]),
            rule("ci", "slow", ["pull"], ["robot/big"]),
            rule("ci", "greedy", ["pull"], ["robot/sandbox/**"]),
            *honest,
        ]
        limits = {"maxConcurrentRequests": _MAX_REQUESTS}
        upstream = {"tokenRealm": world.upstream.realm, "limits": limits}
        world.start(access=access, upstream=upstream)
        world.clients.run(["ip", "route", "add", "local", f"{_NETWORK}.0.0/16", "dev", "lo"]).ok()
        world.middle.run(["ip", "route", "add", f"{_NETWORK}.0.0/16", "via", "10.77.2.2"]).ok()
        self._push()
        self.tokens = [self._token(f"honest-{index}") for index in range(_CALLERS)]

    def run(self):
        """The table's rows, of the first try that holds, or in which others left the machine alone."""
        for number in range(1, _TRIES + 1):
            quiet = self._phase(f"quiet-{number}", self.plan.quiet_seconds, [])
            hostile = self._phase(f"hostile-{number}", self.plan.hostile_seconds, self._attacks())
            self.errors = quiet.errors + hostile.errors
            rows = self._rows(quiet, hostile)
            busy = max(quiet.cores["others"], hostile.cores["others"])
            if busy < _BUSY or all(row.holds for row in rows):
                break
            print(f"Others used {busy:.1f} processors.", *rows, sep="\n")
        # For the canary scan, which does not see what a room mounts.
        shutil.copytree(self._audit(), self.world.path("audit"), dirs_exist_ok=True)
        return rows

    def check_attacks(self):
        """A machine that is too busy for the attackers shows nothing."""
        plan, seconds = self.plan, self.plan.hostile_seconds
        least = {
            "anonymous": plan.strangers,
            "forged": plan.forged_per_second * seconds / 2,
            "slow": plan.slow_readers,
            "greedy": plan.invented_per_second * seconds / 2,
        }
        for kind, seen in self.seen.items():
            assert sum(seen.values()) >= least[kind], f"{kind}: too few for a test, {seen}"

    def _push(self):
        token, client = self.world.token(), self.world.client(timeout=60)
        push_image(client, path_form("robot/app"), "v1", Image(self.world.path("image")), token)
        blob = os.urandom(_BLOB_BYTES)
        push_blob(client, path_form("robot/big"), blob, token)
        self._digest = digest_of(blob)

    def _token(self, account):
        return self.world.forged_token(
            sub=f"system:serviceaccount:ci:{account}", jti=secrets.token_hex(8)
        )

    # Phases

    def _phase(self, name, seconds, attacks):
        memory = Memory(self._programs())
        attackers = [
            self.world.clients.start(f"{name}-{plan['kind']}", self._script(name, "attack", plan))
            for plan in attacks
        ]
        for attacker in attackers:
            wait_until(attacker.log, f"{attacker.name} has begun", 60, attacker)
        if attackers:
            self._wait_for_bursts({plan["kind"]: each for plan, each in zip(attacks, attackers)})
        audit_before, began = self._audit_bytes(), time.monotonic()
        processors = Processors({**self._processes(), "hostile callers": attackers})
        process = self.world.clients.start(
            f"{name}-callers", self._script(name, "callers", self._honest(name, seconds))
        )
        assert process.wait(seconds + 90) == 0, process.log()[-4000:]
        took, grown = time.monotonic() - began, self._audit_bytes() - audit_before
        done = json.loads(process.log())
        cores = processors.stop({"honest callers": done["processorSeconds"]})
        for plan, attacker in zip(attacks, attackers):
            attacker.kill()
            self.seen[plan["kind"]] = json.loads(attacker.log().splitlines()[-1])
        growth = grown / MIB * 60 / took
        return Phase(done["requests"], done["lateness"], growth, memory.stop(), cores)

    def _wait_for_bursts(self, attackers):
        """Until the budgets refuse: what they allow at first is over. Without a budget, a while."""
        least, most = self.plan.settle_seconds
        time.sleep(least)
        until = time.monotonic() + most - least
        limited = [attackers["forged"], attackers["greedy"]]
        while time.monotonic() < until and not all('"429"' in each.log() for each in limited):
            time.sleep(0.2)

    def _script(self, phase, name, plan):
        label = f"{phase}-{plan.get('kind', name)}.json"
        path = write(self.world.path(label), json.dumps(plan))
        return ["/usr/bin/python3", os.path.join(HERE, f"{name}.py"), path]

    def _honest(self, phase, seconds):
        new = int(seconds * self.plan.per_second / self.plan.new_every) + 1
        return {
            "target": [PROXY, HTTP_PORT],
            "phase": phase,
            "seconds": seconds,
            "perSecond": self.plan.per_second,
            "newEvery": self.plan.new_every,
            "repository": path_form("robot/app"),
            "sources": [f"{_NETWORK}.1.{index + 1}" for index in range(_CALLERS)],
            "tokens": self.tokens,
            "fresh": [
                [self._token(f"honest-{index}") for _ in range(new)] for index in range(_CALLERS)
            ],
        }

    def _attacks(self):
        def of(kind, subnet, addresses, connections, per_second, repository, **more):
            sources = [f"{_NETWORK}.{subnet}.{index + 1}" for index in range(addresses)]
            return {
                "kind": kind, "target": [PROXY, HTTP_PORT], "sources": sources,
                "connections": connections, "perSecond": per_second,
                "repository": path_form(repository), **more,
            }  # fmt: skip

        plan = self.plan
        with open(self.world.path("pki", "issuer.jwks.json"), encoding="ascii") as file:
            (key,) = json.load(file)["keys"]
        claims = {"iss": LOCAL_ISSUER, "aud": "oci-connector", "exp": 2**32}
        return [
            of("anonymous", 2, 20, plan.strangers, plan.strangers_per_second, "robot/app"),
            of("forged", 3, 8, 64, plan.forged_per_second, "robot/app", claims=claims,
               header={"alg": "ES256", "typ": "JWT", "kid": key["kid"]}),
            of("slow", 4, 8, plan.slow_readers, 200, "robot/big", digest=self._digest,
               token=self._token("slow")),
            of("greedy", 5, 8, 32, plan.invented_per_second, "robot/sandbox",
               forbidden=path_form("robot/elsewhere"), token=self._token("greedy")),
        ]  # fmt: skip

    # Measuring

    def _programs(self):
        return {"dataplane": self.world.dataplanes[0].pid, "broker": self.world.broker.pid}

    def _processes(self):
        upstream = self.world.upstream
        return {
            "data plane": [self.world.dataplanes[0]],
            "broker": [self.world.broker],
            "registry": [upstream.registry],
            "token service": [upstream.token_server],
        }

    def _audit(self):
        return f"/proc/{self.world.broker.pid}/root{self.world.path('audit')}"

    def _audit_bytes(self):
        with os.scandir(self._audit()) as entries:
            return sum(entry.stat().st_size for entry in entries)

    def _rows(self, quiet, hostile):
        with open(os.path.join(CHART, "values.yaml"), encoding="utf-8") as file:
            values = yaml.safe_load(file)
        phases = (("quiet", quiet), ("hostile", hostile))
        rows = [
            Row("honest requests that failed", len(quiet.errors) + len(hostile.errors), 0),
            Row("honest p99, ratio to the quiet run", hostile.p99() / max(quiet.p99(), _LEAST_P99), 2, "x"),
            *(Row(f"  p99 of what is {kind}: {name}", phase.p99(kind) * 1000, None, "ms")
              for kind in ("usual", "new") for name, phase in phases),
            *(Row(f"  the callers themselves were late: {name}", phase.lateness * 1000, None, "ms")
              for name, phase in phases),
            Row("audit growth", hostile.audit_mib_per_minute, 1, "MiB/min"),
            Row("  of it in the quiet run", quiet.audit_mib_per_minute, None, "MiB/min"),
        ]  # fmt: skip
        for program in quiet.peak:
            limit = _mebibytes(values[program]["resources"]["limits"]["memory"])
            rows.append(Row(f"memory of the {program}", hostile.peak[program] / MIB, limit, "MiB"))
        grown = hostile.peak["dataplane"] - quiet.peak["dataplane"]
        rows.append(Row(
            "  the data plane's at the default limit of connections",
            (quiet.peak["dataplane"] + grown * _DEFAULT_MAX_CONNECTIONS / _MAX_CONNECTIONS) / MIB,
            _mebibytes(values["dataplane"]["resources"]["limits"]["memory"]), "MiB",
        ))  # fmt: skip
        rows.extend(
            Row(f"  processors of the {who}: {name}", phase.cores[who], None, "cores")
            for who in quiet.cores for name, phase in phases
        )  # fmt: skip
        return rows


class Processors:
    """How many processors each group of processes uses from here to stop(), and everybody else."""

    def __init__(self, groups):
        self._groups = groups  # {who: processes}
        self._began, self._busy = time.monotonic(), _busy_seconds()
        self._before = self._seconds()

    def stop(self, ended):
        """`ended`: {who: seconds} of those who have ended meanwhile."""
        took, busy = time.monotonic() - self._began, _busy_seconds() - self._busy
        used = {who: now - self._before[who] for who, now in self._seconds().items()} | ended
        used["others"] = busy - sum(used.values())
        return {who: seconds / took for who, seconds in used.items()}

    def _seconds(self):
        return {
            who: sum(_processor_seconds(process.pid) for process in processes)
            for who, processes in self._groups.items()
        }


def _busy_seconds():
    """Of all processors, since the machine started."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS


def _processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


class Memory:
    """The peaks of programs' resident memory from here to stop()."""

    def __init__(self, programs):
        self._programs, self._peak = programs, dict.fromkeys(programs, 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            for name, pid in self._programs.items():
                self._peak[name] = max(self._peak[name], resident_bytes(pid))
            if self._stop.wait(0.2):
                return

    def stop(self):
        self._stop.set()
        self._thread.join()
        return self._peak


def resident_bytes(pid):
    """0 once the program has ended."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _mebibytes(quantity):
    assert quantity.endswith("Mi"), quantity
    return int(quantity[:-2])
