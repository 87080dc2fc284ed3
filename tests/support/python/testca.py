"""A certificate authority for test peers (registry, token service). EC P-256, one day."""

import base64
import datetime
import hashlib
import ipaddress
import json
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm


class TestCa:
    __test__ = False  # Not a test case, whatever pytest thinks of the name.

    def __init__(self, directory, name="test-ca"):
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.path = write(os.path.join(directory, f"{name}.crt"), self.pem)

    def issue(self, file_name, *names):
        """(certificate path, key path) of a server called by any of `names`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = (
            _builder(subject, self._name, key.public_key())
            .add_extension(
                x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        base = os.path.join(self.directory, file_name)
        return (
            write(base + ".crt", certificate.public_bytes(serialization.Encoding.PEM).decode()),
            write(base + ".key", _pem_of(key, serialization.PrivateFormat.PKCS8)),
        )


def rsa_signer(directory, name):
    """(key, certificate, JWKS) paths of a token service: RSA 2048, the key in the traditional form."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = _builder(subject, subject, key.public_key()).sign(key, hashes.SHA256())
    base = os.path.join(directory, name)
    return (
        write(base + ".key", _pem_of(key, serialization.PrivateFormat.TraditionalOpenSSL)),
        write(base + ".crt", certificate.public_bytes(serialization.Encoding.PEM).decode()),
        write(base + ".jwks.json", json.dumps({"keys": [_jwk(key.public_key())]})),
    )


def _jwk(public_key):
    """Called as libtrust calls it, because that name stands in the token service's tokens."""
    der = public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kid = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    groups = [kid[at : at + 4] for at in range(0, len(kid), 4)]
    return json.loads(RSAAlgorithm.to_jwk(public_key)) | {"kid": ":".join(groups)}


def write(path, text):
    with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(text)
    return path


def _builder(subject, issuer, public_key):
    now = datetime.datetime.utcnow()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem_of(key, form):
    return key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    ).decode()
