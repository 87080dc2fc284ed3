"""Which ports the demonstration uses, and who has one that is taken."""

import itertools
import os
import random
import socket
import sys

# name: (default, what listens there)
PORTS = {
    "proxy": (8900, "data plane"),
    "proxy-tls": (8943, "data plane, TLS"),
    "status": (8901, "data plane's status page"),
    "broker": (8902, "broker"),
    "broker-status": (8903, "broker's status page"),
    "registry": (8904, "demo registry"),
    "token": (8905, "demo token service"),
    "vault": (8906, "demo Vault, with --vault"),
    "kubernetes": (8907, "Kubernetes API server, with --kubernetes"),
    "etcd": (8908, "etcd, with --kubernetes"),
    "etcd-peer": (8909, "etcd, with --kubernetes"),
    "controller-status": (8910, "controller's status page, with --kubernetes"),
    "csi-status": (8911, "CSI driver's status page, with --kubernetes"),
}
_OF_VAULT = ("vault",)
_OF_KUBERNETES = ("kubernetes", "etcd", "etcd-peer", "controller-status", "csi-status")


def environment_variable(name):
    return f"OCI_CONNECTOR_{name.upper().replace('-', '_')}_PORT"


def add_options(parser):
    for name, (default, what) in PORTS.items():
        variable = environment_variable(name)
        parser.add_argument(
            f"--{name}-port",
            type=int,
            metavar="N",
            default=os.environ.get(variable, default),
            help=f"{what}; default {default} or ${variable}",
        )
    parser.add_argument("--free-ports", action="store_true", help="use any ports that are free")


def choose(options):
    """{name: port}. Exits with a sentence for each port that is taken."""
    if options.free_ports:
        return dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    ports = {name: getattr(options, f"{name.replace('-', '_')}_port") for name in PORTS}
    unused = () if options.vault else _OF_VAULT
    for name in (*unused, *(() if options.kubernetes else _OF_KUBERNETES)):
        del ports[name]
    complaints = [
        f"Port {port} ({PORTS[name][1]}) is taken{_by_whom(port)}: stop that, or choose another port"
        f" with --{name}-port N or {environment_variable(name)}=N."
        for name, port in ports.items()
        if not _is_free(port)
    ]
    if complaints:
        print("\n".join(complaints), file=sys.stderr)
        sys.exit(1)
    return ports


def free_ports(count):
    """Different ports that nobody has. Below those that the kernel gives to clients: one of them may
    be a client's before the server that it was chosen for listens."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first_of_clients = int(file.read().split()[0])
    below = range(10000, max(first_of_clients, 20000))
    free = (port for port in random.sample(below, len(below)) if _is_free(port))
    return list(itertools.islice(free, count))


def _is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _by_whom(port):
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
                    inodes.add(f"socket:[{fields[9]}]")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for descriptor in os.scandir(f"/proc/{pid}/fd"):
                if os.readlink(descriptor.path) in inodes:
                    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                        return f" by {file.read().strip()} (process {pid})"
        except OSError:
            continue  # Gone, or not ours to read.
    return ""
