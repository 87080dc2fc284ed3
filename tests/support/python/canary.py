"""The canary scan: looks for credentials where they must not be.

What must not be where:
  stored passwords   in nothing that we wrote, sent or keep in a data plane's memory
  upstream tokens    in nothing that clients got, and in no log, metric or audit line
  caller tokens      in no log, metric or audit line
  Vault's own        tokens, secret_ids and lease ids: in nothing but Vault and the broker's memory

Passwords are found raw, in base64 at any alignment, and escaped for URLs and JSON: each has a core of
hexadecimal digits that no escaping touches. Tokens are JSON Web Tokens and are told apart by their
issuer, so that one is found although nobody told the scan about it.
"""

import base64
import binascii
import json
import os
import re

_JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{8,}\.(eyJ[A-Za-z0-9_-]{8,})\.[A-Za-z0-9_-]{16,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{60,}")
_CORE = re.compile(r"[0-9a-f]{24}")
_VAULT_TOKEN = re.compile(rb"\bhv[sbr]\.[A-Za-z0-9_-]{24,}")
_LEASE_ID = re.compile(rb"/creds/[A-Za-z0-9_-]+/[A-Za-z0-9]{24}\b")
_CHUNK = 8 * 1024 * 1024


class Leak(AssertionError):
    pass


def core_of(password):
    return _CORE.search(password).group(0).encode()


def forms_of(password):
    """{name: bytes}: what to look for."""
    return _forms_of_bytes(core_of(password))


def _forms_of_bytes(core):
    forms = {"raw": core, "hexadecimal": binascii.hexlify(core)}
    for shift in range(3):
        # Without the characters that depend on what stands before and after.
        encoded = base64.b64encode(b"\0" * shift + core)
        start, end = (0, 2, 3)[shift], -4 if (len(core) + shift) % 3 else None
        forms[f"base64 at {shift}"] = encoded[start:end]
    return forms


def find_password(data, password):
    """The name of the form in which `data` holds it, or None."""
    for name, form in forms_of(password).items():
        if form in data:
            return name
    return None


def tokens_in(data, depth=2):
    """The issuers of all JSON Web Tokens in `data`, also inside base64."""
    issuers = set()
    for match in _JWT.finditer(data):
        claims = _decoded(match.group(1))
        try:
            issuers.add(json.loads(claims).get("iss"))
        except (ValueError, AttributeError):
            continue
    if depth > 0:
        for match in _BASE64.finditer(data):
            for shift in range(4):
                inner = _decoded(match.group(0)[shift:])
                if b"eyJ" in inner:
                    issuers |= tokens_in(inner, depth - 1)
    return issuers


def check_bytes(where, data, passwords, issuers):
    """`issuers`: {issuer: what its tokens are called} of those that must not be in `data`."""
    for password in passwords:
        form = find_password(data, password)
        if form is not None:
            raise Leak(f"{where} holds a stored password ({form})")
    for issuer in tokens_in(data):
        if issuer in issuers:
            raise Leak(f"{where} holds {issuers[issuer]}")


def check_vault(where, data, credentials=()):
    """`credentials`: those that are known; tokens and lease ids are found without."""
    if _VAULT_TOKEN.search(data):
        raise Leak(f"{where} holds a token of Vault")
    if _LEASE_ID.search(data):
        raise Leak(f"{where} holds the id of a lease")
    for credential in credentials:
        for name, form in _forms_of_bytes(credential.encode()).items():
            if form in data:
                raise Leak(f"{where} holds a credential of Vault ({name})")


def check_file(path, passwords, issuers, vault_credentials=()):
    with open(path, "rb") as file:
        data = file.read()
    check_bytes(path, data, passwords, issuers)
    check_vault(path, data, vault_credentials)


def check_memory(name, pid, passwords):
    """Everything that process `pid` can write to, as it is now."""
    regions = 0
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, \
         open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # fmt: skip
        for line in maps:
            span, permissions, *_ = line.split()
            if not permissions.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            regions += _check_region(name, memory, start, end, passwords)
    assert regions > 0, f"the memory of {name} could not be read"


def _check_region(name, memory, start, end, passwords):
    read = 0
    overlap = 128  # Longer than any form.
    while start < end:
        try:
            memory.seek(start)
            data = memory.read(min(_CHUNK, end - start))
        except OSError:
            break  # A mapping of a device.
        if not data:
            break
        read = 1
        for password in passwords:
            form = find_password(data, password)
            if form is not None:
                raise Leak(f"the memory of {name} holds a stored password ({form})")
        if start + len(data) >= end:
            break
        start += max(len(data) - overlap, 1)
    return read


def check_world(world):
    """Logs, audit, metrics, what clients received, and the memory of running data planes."""
    passwords = world.upstream.passwords
    vault = world.vault.credentials if world.vault else []
    ours = {"test-token-issuer": "an upstream token"}
    callers = {"https://local.oci-connector.dev": "a caller token"}
    for name in sorted(os.listdir(world.directory)):
        if name.endswith(".log") and name.startswith(("broker", "dataplane")):
            check_file(world.path(name), passwords, {**ours, **callers}, vault)
    for name in os.listdir(world.path("audit")):
        check_file(world.path("audit", name), passwords, {**ours, **callers}, vault)
    for name in os.listdir(world.captures):
        unwanted = {**ours, **callers} if name.startswith("metrics") else ours
        check_file(os.path.join(world.captures, name), passwords, unwanted, vault)
    if world.upstream.auth == "token":  # A static password has to reach the data plane.
        for dataplane in world.dataplanes:
            if dataplane.is_running():
                check_memory(dataplane.name, dataplane.pid, passwords)


def _decoded(text):
    text = text.replace(b"-", b"+").replace(b"_", b"/")
    text = text[: len(text) // 4 * 4] if len(text) % 4 == 1 else text + b"=" * (-len(text) % 4)
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
