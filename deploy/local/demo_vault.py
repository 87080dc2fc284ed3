"""HashiCorp Vault in the demonstration: a real server on loopback, set up as an operator would.

Everything goes through Vault's own command line, so that each step can be read and repeated; see
docs/vault.md.
"""

import json
import os
import subprocess

from processes import Failure

POLICY = "connector"
SECRET = "ci/demo"  # In the engine `secret`; for the API secret/data/ci/demo.

_CONFIG = """
disable_mlock = true
api_addr      = "https://{listen}"
storage "inmem" {{}}
listener "tcp" {{
  address       = "{listen}"
  tls_cert_file = "{root}/registry-tls.crt"
  tls_key_file  = "{root}/registry-tls.key"
}}
"""

# The least that the broker needs for a KV secret: its data, and its metadata to see new versions.
_POLICY = f"""
path "secret/data/{SECRET}"     {{ capabilities = ["read"] }}
path "secret/metadata/{SECRET}" {{ capabilities = ["read"] }}
"""

_BROKER = """
vault:
  addresses: ["https://{listen}"]
  caFile: {root}/registry-ca.crt
  login: {{appRole: {{roleId: {role_id}, secretIdFile: {root}/vault-secret-id}}}}
  paths:
  - {{namespaces: [default], paths: ["secret/data/ci/*"]}}
  pollInterval: 2s
"""


class DemoVault:
    def __init__(self, demo, program):
        self._demo, self.program = demo, program
        self._role_id = ""

    @property
    def environment(self):
        return {
            "VAULT_ADDR": f"https://{self._demo.address('vault')}",
            "VAULT_CACERT": self._demo.path("registry-ca.crt"),
            "VAULT_TOKEN": self._token(),
            "HOME": self._demo.directory,  # Where the command line keeps its own files.
        }

    def start(self):
        listen = self._demo.address("vault")
        config = self._demo.write(
            "vault.hcl", _CONFIG.format(listen=listen, root=self._demo.directory)
        )
        self._demo.processes.start(
            "Vault", [self.program, "server", f"-config={config}"], self._demo.ports["vault"]
        )
        made = json.loads(self.run("operator", "init", "-key-shares=1", "-key-threshold=1",
                                   "-format=json"))  # fmt: skip
        self._demo.write("vault-root-token", made["root_token"])
        self.run("operator", "unseal", made["unseal_keys_b64"][0])
        self.run("secrets", "enable", "-path=secret", "-version=2", "kv")
        self.run("policy", "write", POLICY, self._demo.write("vault-policy.hcl", _POLICY))
        self.run("auth", "enable", "approle")
        self.run("write", "auth/approle/role/broker", f"token_policies={POLICY}",
                 "token_ttl=20m", "token_max_ttl=4h", "secret_id_num_uses=0")  # fmt: skip
        self._role_id = self.run("read", "-field=role_id", "auth/approle/role/broker/role-id")
        self._demo.write("vault-secret-id",
                         self.run("write", "-f", "-field=secret_id",
                                  "auth/approle/role/broker/secret-id"))  # fmt: skip

    def put(self, username, password):
        """A new version of the credential. By a file: an argument would show in the process list."""
        path = self._demo.write(
            "vault-credential.json", json.dumps({"username": username, "password": password})
        )
        self.run("kv", "put", "-mount=secret", SECRET, f"@{path}")
        os.unlink(path)

    def broker_yaml(self):
        return _BROKER.format(
            listen=self._demo.address("vault"), root=self._demo.directory, role_id=self._role_id
        )

    def run(self, *arguments):
        done = subprocess.run(
            [self.program, *arguments], capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, env={**os.environ, **self.environment},
        )  # fmt: skip
        if done.returncode != 0:
            raise Failure(f"vault {' '.join(arguments[:2])} failed:\n{done.stderr}")
        return done.stdout.strip()

    def _token(self):
        path = self._demo.path("vault-root-token")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="ascii") as file:
            return file.read()
