"""A small distribution token service for the demonstration: one user, one registry.

Speaks both flows of the distribution token protocol: GET with Basic, and POST with grant_type
password or refresh_token. Tokens are RS256 with an x5c header, live 300 s, and carry what was asked
for. It is not for production: it keeps refresh tokens in memory and grants its one user everything.

One line per request goes to stdout; no line holds a password or a token.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import re
import secrets
import ssl
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

_TOKEN_SECONDS = 300
_MAX_BODY = 16 * 1024
_SCOPE = re.compile(r"repository:([a-z0-9][a-z0-9._/-]*):([a-z*]+(?:,[a-z*]+)*)")


def password_line(user, password):
    """A line of the user file: USER:SALT:SCRYPT, both in hex."""
    salt = secrets.token_bytes(16)
    return f"{user}:{salt.hex()}:{_scrypt(password, salt).hex()}"


class Users:
    """The one user of the file. Reads it at every check, so that a rotation counts at once."""

    def __init__(self, path):
        self._path = path

    def accepts(self, user, password):
        with open(self._path, encoding="utf-8") as file:
            name, salt, expected = file.readline().strip().split(":")
        found = _scrypt(password, bytes.fromhex(salt))
        same_password = hmac.compare_digest(found, bytes.fromhex(expected))
        return same_password and hmac.compare_digest(name.encode(), user.encode())


class Signer:
    def __init__(self, issuer, key_file, certificate_file):
        self._issuer = issuer
        with open(key_file, encoding="ascii") as file:
            self._key = file.read()
        with open(certificate_file, encoding="ascii") as file:
            der = ssl.PEM_cert_to_DER_cert(file.read())
        self._x5c = [base64.b64encode(der).decode()]

    def token(self, user, service, scopes):
        now = datetime.datetime.now(datetime.timezone.utc)
        access = [
            {"type": "repository", "name": name, "actions": actions} for name, actions in scopes
        ]
        claims = {
            "iss": self._issuer,
            "sub": user,
            "aud": service,
            "iat": now,
            "nbf": now - datetime.timedelta(seconds=10),
            "exp": now + datetime.timedelta(seconds=_TOKEN_SECONDS),
            "jti": secrets.token_hex(16),
            "access": access,
        }
        answer = jwt.encode(claims, self._key, algorithm="RS256", headers={"x5c": self._x5c})
        return answer, now


class RefreshTokens:
    def __init__(self):
        self._lock = threading.Lock()
        self._users = {}

    def new(self, user):
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._users[token] = user
        return token

    def user_of(self, token):
        with self._lock:
            return self._users.get(token)


def make_handler(users, signer, service, refresh_tokens):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            query = urllib.parse.parse_qs(url.query)
            user, password = self._basic()
            if url.path != "/token":
                self._answer(404, {"errors": [{"code": "NOT_FOUND", "message": "only /token"}]})
            elif not users.accepts(user, password):
                self._refuse()
            else:
                offline = query.get("offline_token") == ["true"]
                self._grant(user, query, query.get("scope", []), offline)

        def do_POST(self):
            length = int(self.headers.get("Content-Length") or "0")
            if length > _MAX_BODY:
                self._answer(413, {"error": "invalid_request"})
                return
            form = urllib.parse.parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
            field = {name: values[0] for name, values in form.items()}
            if urllib.parse.urlsplit(self.path).path != "/token":
                self._answer(404, {"error": "not_found"})
            elif not (user := self._form_user(field)):
                self._answer(401, {"error": "invalid_grant"})
            else:
                scopes = field.get("scope", "").split()
                self._grant(user, form, scopes, field.get("access_type") == "offline")

        def _form_user(self, field):
            if field.get("grant_type") == "refresh_token":
                return refresh_tokens.user_of(field.get("refresh_token", ""))
            user, password = field.get("username", ""), field.get("password", "")
            if field.get("grant_type") == "password" and users.accepts(user, password):
                return user
            return None

        def _basic(self):
            scheme, _, value = self.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "basic":
                return "", ""
            try:
                user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
            except ValueError:
                return "", ""
            return user, password

        def _grant(self, user, fields, wanted, offline):
            matches = [_SCOPE.fullmatch(scope) for scope in wanted]
            if fields.get("service") != [service] or not all(matches):
                self._answer(400, {"errors": [{"code": "INVALID", "message": "service or scope"}]})
                return
            scopes = [(match[1], match[2].split(",")) for match in matches]
            token, now = signer.token(user, service, scopes)
            answer = {
                "token": token,
                "access_token": token,
                "expires_in": _TOKEN_SECONDS,
                "issued_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            if offline:
                answer["refresh_token"] = refresh_tokens.new(user)
            self._answer(200, answer, f"user={user} scope={','.join(wanted) or '-'}")

        def _refuse(self):
            self._answer(
                401,
                {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user or password"}]},
                extra={"WWW-Authenticate": 'Basic realm="token-service"'},
            )

        def _answer(self, status, body, note="", extra=None):
            data = json.dumps(body).encode()
            print(f"{self.command} /token {status} {note}".rstrip(), flush=True)
            self.send_response_only(status)
            for name, value in (extra or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass  # The default would log the query of failing requests as the client sent it.

    return Handler


def _scrypt(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--tls-certificate", required=True)
    parser.add_argument("--tls-key", required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--service", required=True, help="the registry that tokens are for")
    parser.add_argument("--signing-key", required=True, help="RSA key, PEM")
    parser.add_argument("--signing-certificate", required=True)
    parser.add_argument("--user-file", required=True, help="one line of password_line()")
    options = parser.parse_args()

    host, _, port = options.listen.rpartition(":")
    signer = Signer(options.issuer, options.signing_key, options.signing_certificate)
    handler = make_handler(Users(options.user_file), signer, options.service, RefreshTokens())
    server = ThreadingHTTPServer((host, int(port)), handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls_certificate, options.tls_key)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
