"""What all clients of the matrix have in common."""

import os
import re
import shutil
import subprocess

from peers import version_of
from setting import slug

# What would make a client accept any certificate, or none.
_CARELESS = re.compile(r"insecure|plain-?http|skip|verify")


class Client:
    """One client in one setting. Methods are named after the cells that they fill.

    `push(image, reference)` and `push_index(index, repository)` give the digest that the client says
    it pushed, and the latter the tag; `pull(reference)` the digest that it says it has.
    """

    name = ""
    debian = None  # The package, or:
    peer = None  # the name in peers.txt.
    cannot = {}  # cell: why there is none.
    tag = "v1"
    local = ()  # Sub-commands that reach no registry, and so are not in the table.
    not_in = {}  # setting: cells that the client can fill in others only, as `configured_plain` says.
    also = ()  # Cells of this client alone: methods, with "-" for "_".
    configured_plain = configured_tls = ""
    plain_flags = ()  # Where no file says that a registry speaks plain HTTP.

    def __init__(self, stand, setting):
        self.stand, self.setting = stand, setting
        self.home = stand.world.path("clients", f"{slug(self.name)}-{setting.slug}")
        os.makedirs(self.home, exist_ok=True)
        self.files = self.use(stand.rendered(setting))
        self._count = 0

    @classmethod
    def version(cls):
        if cls.debian is None:
            return version_of(cls.peer)
        shown = subprocess.run(
            ["dpkg-query", "-W", "-f=${source:Upstream-Version}", cls.debian],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        return f"Debian 12 ({shown.partition('+')[0]})"

    def use(self, files):
        """The rendered files that commands find from here on."""
        self.files = files
        return files

    def close(self):
        pass

    def seed(self, repository):
        """Puts something there that the client can pull; its digest."""
        return self.stand.seed(repository).digest

    def pull_as_a_mirror(self):
        """Names stay those of the registry, which cannot be reached from here."""
        repository = f"robot/mirrored-by-{self.name}"
        image = self.stand.seed(repository)
        direct = self.files
        self.use(self.stand.rendered(self.setting, mirror=True))
        try:
            assert self.pull(self.files.reference(repository)) == image.digest
        finally:
            self.use(direct)

    def fresh(self, name):
        """A path that nothing stands at."""
        self._count += 1
        return os.path.join(self.home, f"{name}-{self._count}")

    def fresh_directory(self, name):
        path = self.fresh(name)
        os.makedirs(path)
        return path

    def try_run(self, words, *arguments, env=None, options=(), cwd="/"):
        """Runs the command `words` (program first): `options` stand before its sub-command."""
        self.check_flags([*options, *arguments])
        program, *rest = words
        environment = {
            "HOME": self.home,
            "DOCKER_CONFIG": self.files.tree,
            "REGISTRY_AUTH_FILE": self.files.file("auth.json"),
            **(env or {}),
        }
        argv = self.files.command(["env", "-C", cwd, program, *options, *rest, *arguments])
        shown = " ".join([os.path.basename(program), *rest])
        if " ".join(rest) not in self.local:
            self.stand.matrix.record_command(type(self), shown)
        return self.stand.world.run_client(argv, env=environment)

    def run(self, words, *arguments, **more):
        return self.try_run(words, *arguments, **more).ok()

    def check_flags(self, arguments):
        allowed = () if self.setting.tls else self.plain_flags
        for argument in map(str, arguments):
            if argument.startswith("-") and _CARELESS.search(argument):
                assert argument in allowed, f"{argument} is not what the table says"

    def plain(self, *flags):
        """`flags`, in a setting without TLS."""
        return () if self.setting.tls else (flags or self.plain_flags)

    def start(self, name, argv, env=None):
        """A daemon in the clients' room, with the rendered files in /etc."""
        self.check_flags(argv)
        environment = {"PATH": os.environ["PATH"], "HOME": self.home, **(env or {})}
        return self.stand.world.clients.start(name, self.files.command(argv), env=environment)


def go():
    """Where tests/support/peers/install looks for it, too."""
    for candidate in ("go", "/usr/local/go/bin/go", "/usr/lib/go-1.23/bin/go"):
        if found := shutil.which(candidate):
            return found
    raise AssertionError("Go is missing: run tests/support/peers/install")
