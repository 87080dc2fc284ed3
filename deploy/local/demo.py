"""The local demonstration, of all kinds.

Started by ./deploy/local/up, which installs and builds first. All state is in one temporary
directory, and all processes are children of this one; both are gone when it ends.
"""

import argparse
import shutil
import signal
import sys
import tempfile

import demo_kubernetes
import ports
import scenario
from demo_system import Demo
from processes import Failure


def _parse_options():
    parser = argparse.ArgumentParser(
        prog="up", description="Runs OCI Connector and a demo registry on this machine."
    )
    parser.add_argument("--once", action="store_true", help="run the demonstration and exit")
    parser.add_argument("--bin", metavar="DIR", help="use these programs instead of building")
    parser.add_argument(
        "--vault", action="store_true", help="keep the robot's password in a real HashiCorp Vault"
    )
    parser.add_argument("--vault-program", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument(
        "--kubernetes", action="store_true", help="on a real Kubernetes API server, with kubectl"
    )
    for name in demo_kubernetes.PEERS:
        parser.add_argument(f"--{name}-program", metavar="FILE", help=argparse.SUPPRESS)
    ports.add_options(parser)
    return parser.parse_args()


def _what_starts(options):
    if options.kubernetes:
        return "registry, token service, Kubernetes API server, broker, data plane and controller"
    return "registry, token service, broker and data plane"


def _interrupt(*_):
    raise KeyboardInterrupt


def main():
    options = _parse_options()
    if options.bin is None:
        print("--bin is missing: start this with ./deploy/local/up", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    chosen = ports.choose(options)
    directory = tempfile.mkdtemp(prefix="oci-connector-demo.")
    if options.kubernetes:
        shown = demo_kubernetes
        peers = {name: getattr(options, f"{name.replace('-', '_')}_program")
                 for name in demo_kubernetes.PEERS}  # fmt: skip
        demo = demo_kubernetes.KubernetesDemo(directory, options.bin, chosen, peers)
    else:
        shown = scenario
        vault_program = options.vault_program if options.vault else None
        demo = Demo(directory, options.bin, chosen, vault_program)
    status = 0
    try:
        scenario.say(f"Starting {_what_starts(options)} ({directory}).")
        demo.start()
        if options.once:
            shown.demonstrate(demo)
        else:
            shown.stay_up(demo)
    except KeyboardInterrupt:
        print()
        status = 130 if options.once else 0
    except Failure as failure:
        print(f"\nFAILED: {failure}", file=sys.stderr)
        status = 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        demo.processes.stop()
        shutil.rmtree(directory, ignore_errors=True)
        scenario.say("Everything is stopped; nothing is left behind.")
    return status


if __name__ == "__main__":
    sys.exit(main())
