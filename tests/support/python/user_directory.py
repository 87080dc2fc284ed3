"""PostgreSQL with a table of users, and the registry's htpasswd file that it writes itself whenever
one comes or goes. So a dynamic engine of Vault makes users whom the registry knows at once.
"""

import os
import shutil
import subprocess
import tempfile

from netns import wait_until
from upstream import is_listening

_BIN = "/usr/lib/postgresql/15/bin"
_PORT = 5432
_ADMIN = "vault"
_AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]

_SCHEMA = """
CREATE EXTENSION pgcrypto;
CREATE TABLE users (name text PRIMARY KEY, hash text, ends timestamptz);
CREATE FUNCTION publish() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  COPY (SELECT name || ':' || hash FROM users)
    TO PROGRAM 'cat > {path}.new && chmod 644 {path}.new && mv {path}.new {path}';
END $$;
CREATE ROLE {admin} SUPERUSER LOGIN PASSWORD '{password}';
SELECT publish();
"""


class UserDirectory:
    def __init__(self, room, password):
        """`password`: of the role that Vault uses."""
        self.room, self.password = room, password
        # Where a user without rights may go; a test's own directory is closed to others.
        self.directory = tempfile.mkdtemp(prefix="user-directory-")
        shutil.chown(self.directory, "postgres", "postgres")
        os.chmod(self.directory, 0o755)
        self.htpasswd = os.path.join(self.directory, "htpasswd")
        data = os.path.join(self.directory, "data")
        subprocess.run(
            [*_AS_POSTGRES, f"{_BIN}/initdb", "-D", data, "-A", "scram-sha-256", "-U", "postgres",
             "--auth-local=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, capture_output=True, cwd=self.directory,
        )  # fmt: skip
        self.process = room.start("postgres", [
            *_AS_POSTGRES, f"{_BIN}/postgres", "-D", data, "-k", self.directory, "-p", str(_PORT),
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB",
        ])  # fmt: skip
        wait_until(lambda: is_listening(room, _PORT), "PostgreSQL listens", 60, self.process)
        wait_until(lambda: self._psql("SELECT 1").returncode == 0, "PostgreSQL answers", 60)
        schema = _SCHEMA.format(path=self.htpasswd, admin=_ADMIN, password=password)
        done = self._psql(schema)
        assert done.returncode == 0, done.stderr

    def close(self):
        self.process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def users(self):
        """{name: when it ends}"""
        lines = self._psql("SELECT name, ends FROM users").stdout.splitlines()
        return dict(line.split("|") for line in lines)

    def enable_in(self, vault, default_ttl, max_ttl):
        """Vault's database engine: `database/creds/registry` makes a user of the registry."""
        vault.api("PUT", "sys/mounts/database", {"type": "database"})
        vault.api("PUT", "database/config/users", {
            "plugin_name": "postgresql-database-plugin", "allowed_roles": ["registry"],
            "connection_url":
                f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{_PORT}/postgres"
                "?sslmode=disable",
            "username": _ADMIN, "password": self.password,
        })  # fmt: skip
        vault.api("PUT", "database/roles/registry", {
            "db_name": "users", "default_ttl": default_ttl, "max_ttl": max_ttl,
            "creation_statements": [
                "INSERT INTO users VALUES"
                " ('{{name}}', crypt('{{password}}', gen_salt('bf', 4)), '{{expiration}}')",
                "SELECT publish()",
            ],
            "renew_statements": ["UPDATE users SET ends = '{{expiration}}' WHERE name = '{{name}}'"],
            "revocation_statements": [
                "DELETE FROM users WHERE name = '{{name}}'", "SELECT publish()",
            ],
        })  # fmt: skip

    def _psql(self, statements):
        return subprocess.run(
            self.room.command(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                               "-h", self.directory, "-p", str(_PORT), "-U", "postgres"]),
            input=statements, capture_output=True, text=True,
        )  # fmt: skip
