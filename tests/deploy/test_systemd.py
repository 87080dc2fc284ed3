"""deploy/systemd and deploy/debian: the units are units, hardened, and start the built programs; the
package has what they need and no secret. Limits, credentials and the filter of system calls are set here; users
and name spaces of the sandbox need a running systemd, and are not."""

import ctypes
import errno
import os
import re
import resource
import signal
import stat
import subprocess
import time
import urllib.error
import urllib.request

import pytest
import yaml

from chart import ROOT
from kube import ports as local_ports
from world import BIN, program

SYSTEMD = os.path.join(ROOT, "deploy", "systemd")
UNITS = ("connector-broker", "connector-dataplane")
each_unit = pytest.mark.parametrize("name", UNITS)
# What `systemd-analyze security` says at most, of 10 points of exposure.
EXPOSURE = 15  # In tenths.


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """(the .deb, the folder that it is unpacked in)"""
    out = tmp_path_factory.mktemp("package")
    build = os.path.join(ROOT, "deploy", "debian", "build")
    made = run(build, "--binaries", BIN, "--out", str(out)).strip()
    tree = out / "tree"
    run("dpkg-deb", "--raw-extract", made, str(tree))
    return made, str(tree)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def settings(name):
    """[(key, value)] of a unit."""
    return re.findall(r"^(\w+)=(.*)$", read(os.path.join(SYSTEMD, f"{name}.service")), re.MULTILINE)


def of(name, key):
    return [value for each, value in settings(name) if each == key]


@each_unit
def test_the_unit_is_one(name, tmp_path):
    """With the programs where they are here, since systemd looks whether they are executable."""
    text = read(os.path.join(SYSTEMD, f"{name}.service")).replace("/usr/bin/", f"{BIN}/")
    unit = tmp_path / f"{name}.service"
    unit.write_text(text.replace("Documentation=", "#"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if name in line]

    assert (done.returncode, said) == (0, []), done.stderr


@each_unit
def test_the_unit_is_hardened(name):
    unit = os.path.join(SYSTEMD, f"{name}.service")
    run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", unit)


@each_unit
def test_the_unit_allows_secret_memory_and_no_change_of_user(name):
    allowed = allowed_calls(name)
    assert {"memfd_secret", "mlock2"} <= allowed
    assert not {"setuid", "chown", "capset", "ptrace", "mount"} & allowed


def test_the_package_has_the_units_their_files_and_no_secret(package):
    made, tree = package
    found = {os.path.relpath(os.path.join(folder, each), tree)
             for folder, _, names in os.walk(tree) for each in names}  # fmt: skip

    assert found == {
        *(f"DEBIAN/{each}" for each in ("control", "conffiles", "postinst", "prerm")),
        *(f"usr/bin/{each}" for each in (*UNITS, "connectorctl")),
        *(f"usr/lib/systemd/system/{each}.service" for each in UNITS),
        "usr/lib/sysusers.d/oci-connector.conf", "usr/lib/tmpfiles.d/oci-connector.conf",
        "etc/oci-connector/broker.yaml", "etc/oci-connector/dataplane.yaml",
        "usr/share/doc/oci-connector/copyright", "usr/share/doc/oci-connector/systemd.md",
    }  # fmt: skip
    conffiles = read(os.path.join(tree, "DEBIAN", "conffiles")).split()
    assert conffiles == ["/etc/oci-connector/broker.yaml", "/etc/oci-connector/dataplane.yaml"]
    for path in found:
        mode = os.stat(os.path.join(tree, path)).st_mode
        runs = path.startswith("usr/bin/") or path in ("DEBIAN/postinst", "DEBIAN/prerm")
        assert stat.S_IMODE(mode) == (0o755 if runs else 0o644), path
        with open(os.path.join(tree, path), "rb") as file:
            assert path.startswith("usr/bin/") or b"PRIVATE KEY" not in file.read(), path
    control = dict(re.findall(r"^([A-Z][\w-]*): (.*)$", read(os.path.join(tree, "DEBIAN", "control")), re.MULTILINE))
    assert (control["Package"], control["Architecture"]) == ("oci-connector", run("dpkg", "--print-architecture").strip())
    assert "libc6" in control["Depends"] and "systemd" in control["Depends"]
    owners = {line.split()[1] for line in run("dpkg-deb", "--contents", made).splitlines()}
    assert owners == {"root/root"}


def test_the_packages_users_and_folders_are_those_of_the_units(package):
    _, tree = package
    users = set(re.findall(r"^u (\S+)", read(f"{tree}/usr/lib/sysusers.d/oci-connector.conf"), re.MULTILINE))
    folders = read(f"{tree}/usr/lib/tmpfiles.d/oci-connector.conf")

    assert users == {user for name in UNITS for user in of(name, "User")}
    assert set(re.findall(r"^d \S+ +\d+ \S+ (\S+)", folders, re.MULTILINE)) <= users | {"root"}
    for script in ("postinst", "prerm"):
        run("sh", "-n", f"{tree}/DEBIAN/{script}")


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def bytes_of(limit):
    number, unit = re.fullmatch(r"(\d+)([KMG]?)", limit).groups()
    return int(number) << {"": 0, "K": 10, "M": 20, "G": 30}[unit]


def system_calls(group):
    """The names in one of systemd's groups."""
    found = set()
    for line in run("systemd-analyze", "--no-pager", "syscall-filter", group).splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            found |= system_calls(name)
        elif name and not name.startswith("#"):
            found.add(name)
    return found


def allowed_calls(name):
    """In the order of the lines, as systemd.exec(5) says; the first allows, so that the rest is refused."""
    found = set()
    for line in of(name, "SystemCallFilter"):
        calls = {line.removeprefix("~")} if "@" not in line else system_calls(line.removeprefix("~"))
        found = found - calls if line.startswith("~") else found | calls
    return found | system_calls("@default")


def filter_calls(allowed):
    """The kernel's filter, as systemd sets it: of this process and what it starts. EPERM for the rest."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(0x00050000 | errno.EPERM))
    for each in allowed:
        number = library.seccomp_syscall_resolve_name(each.encode())
        if number >= 0:
            library.seccomp_rule_add(context, 0x7FFF0000, number, 0)
    if library.seccomp_load(context) != 0:
        raise OSError("no filter of system calls can be set")


def start(name, root, log):
    """What the unit starts, as root's own process below `root`: its arguments, credentials, limits and filter
    of system calls."""
    credentials = os.path.join(root, "run", "credentials", f"{name}.service")
    os.makedirs(credentials)
    for each in of(name, "LoadCredential"):
        target, source = each.split(":")
        with open(os.path.join(credentials, target), "w", opener=lambda p, f: os.open(p, f, 0o400), encoding="latin-1") as file:
            with open(f"{root}{source}", encoding="latin-1") as key:
                file.write(key.read())
    for each in of(name, "StateDirectory"):
        os.makedirs(os.path.join(root, "var", "lib", each), mode=0o700)

    def limit():
        for key, which in (("LimitNOFILE", resource.RLIMIT_NOFILE), ("LimitMEMLOCK", resource.RLIMIT_MEMLOCK),
                           ("LimitCORE", resource.RLIMIT_CORE)):  # fmt: skip
            (value,) = of(name, key)
            hard = resource.getrlimit(which)[1]
            wanted = bytes_of(value)
            wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(which, (wanted, wanted))
        filter_calls(allowed)

    allowed = allowed_calls(name)
    (command,) = of(name, "ExecStart")
    argv = command.replace("/etc/", f"{root}/etc/").split()
    argv[0] = program(os.path.basename(argv[0]))
    return subprocess.Popen(argv, stdout=log, stderr=log, preexec_fn=limit)


def test_the_packages_programs_start_take_sighup_and_stop(package, tmp_path):
    _, tree = package
    root, etc = str(tmp_path), tmp_path / "etc" / "oci-connector"
    (etc / "resources").mkdir(parents=True)
    run(program("connectorctl"), "pki", "init", str(etc / "pki"))
    ports = dict(zip(("7443", "7480", "8443", "8480"), local_ports.free_ports(4)))
    for name in ("broker", "dataplane"):
        text = read(f"{tree}/etc/oci-connector/{name}.yaml").replace("0.0.0.0:", "127.0.0.1:")
        assert yaml.safe_load(text)
        for old, new in ports.items():
            text = text.replace(f":{old}", f":{new}")
        text = re.sub(r"(?<=[ :{])/(run|etc|var)/", rf"{root}/\1/", text)
        (etc / f"{name}.yaml").write_text(text)
    admin = (ports["7480"], ports["8480"])
    logs = {name: open(tmp_path / f"{name}.log", "w+", encoding="utf-8") for name in UNITS}
    running = []
    try:
        for name, port in zip(UNITS, admin):
            running.append(start(name, root, logs[name]))
            deadline = time.monotonic() + 20
            while not answers(port):
                assert running[-1].poll() is None and time.monotonic() < deadline, read(logs[name].name)
                time.sleep(0.05)
        for name, process in zip(UNITS, running):
            process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 5
            while "nothing to do for SIGHUP" not in read(logs[name].name):
                assert process.poll() is None, f"{name} was stopped by SIGHUP"
                assert time.monotonic() < deadline, read(logs[name].name)
                time.sleep(0.02)
        assert all(answers(port) for port in admin)
        for process in reversed(running):
            process.terminate()
            assert process.wait(timeout=30) == 0
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
        for log in logs.values():
            log.close()
