"""A second broker beside a world's own: same keys and resources, an audit of its own."""

import json
import os

from netns import wait_until
from upstream import is_listening
from world import BROKER_ADMIN_PORT, BROKER_PORT, program

PORTS = (BROKER_PORT, BROKER_PORT + 1)
BOTH = "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in PORTS)


class Brokers:
    """Brokers 0 and 1 of a world whose data planes know both."""

    def __init__(self, world):
        self.world = world
        self.processes = {}
        self.own_resources = {}  # By broker: another directory than the world's.
        self.own_root_keys = {}  # By broker: another root key file.
        world.broker_address = BOTH
        world.start_broker = self.start_both
        world.at_close.append(self.stop_all)

    def start_both(self):
        for index in range(len(PORTS)):
            self.start(index)

    def config(self, index):
        config = self.world.broker_config()
        directory = self.world.path("audit" if index == 0 else f"audit-{index}")
        os.makedirs(directory, exist_ok=True)
        config["listenAddress"] = f"127.0.0.1:{PORTS[index]}"
        config["adminAddress"] = f"127.0.0.1:{BROKER_ADMIN_PORT + index}"
        config["audit"] = {"directory": directory, "replica": f"broker-{index}"}
        if index in self.own_resources:
            config["resources"] = {"directory": self.own_resources[index]}
        config["rootKeyFile"] = self.own_root_keys.get(index, config["rootKeyFile"])
        return config

    def start(self, index):
        name = f"broker-{index}"
        config = self.world.write_yaml(f"{name}.yaml", self.config(index))
        process = self.world.middle.start(
            name, [program("connector-broker"), "--config", config]
        )  # fmt: skip
        self.processes[index] = process
        wait_until(
            lambda: is_listening(self.world.middle, PORTS[index]), f"{name} listens",
            process=process,
        )  # fmt: skip

    def kill(self, index):
        self.processes.pop(index).kill()

    def drain(self, index):
        """SIGTERM, and waits for its end."""
        self.processes.pop(index).stop()

    def stop_all(self):
        for index in list(self.processes):
            self.drain(index)

    def status(self, index, section):
        """What the status page of broker `index` says in one section, by label."""
        _, text = self.world.ask_admin(BROKER_ADMIN_PORT + index, "/status.json")
        found = [each for each in json.loads(text)["sections"] if each["title"] == section]
        return dict(found[0]["rows"]) if found else {}

    def granted(self, index):
        """How many tokens broker `index` has issued since it started."""
        return self._metric(index, 'connector_broker_issue_total{outcome="granted"}')

    def changes(self, index):
        """How often broker `index` has taken up its resources."""
        return self._metric(index, 'connector_broker_resource_reloads_total{result="ok"}')

    def streams(self, index):
        """How many data planes follow broker `index`."""
        return self._metric(index, "connector_broker_watch_streams")

    def _metric(self, index, name):
        _, text = self.world.ask_admin(BROKER_ADMIN_PORT + index, "/metrics")
        for line in text.splitlines():
            if line.startswith(name + " "):
                return int(float(line.split()[-1]))
        return 0
