"""What templates write, read back with real parsers: no value leaves the place it was given."""

import itertools
import json
import os
import random
import subprocess
import tomllib

import pytest
import yaml

_CONNECTORCTL = os.path.join(os.environ["CONNECTOR_BIN"], "connectorctl")
_NASTY = [
    "plain",
    '"',
    "'",
    "\\",
    '\\"',
    "a\nb",
    "a\r\nb\t",
    "}}",
    "{{token}}",
    "{{{token}}}",
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME}",
    "$HOME",
    "'; touch pwned; '",
    '"; touch pwned; "',
    '"\n[injected]\nx = "',
    '", "injected": "',
    "'''",
    '"""',
    "# not a comment",
    " #x",
    "a: b",
    "- a",
    "*a &b !c |",
    "ä€😀",
    "\u0085\u00a0\u2028\u2029\ufeff",
    "\ufffe\uffff",
    "\x01\x1b\x7f",
    "\\u0022",
    "%s%n",
    "  ",
    "true",
    "0x10",
    "~",
    "x" * 900,  # A key of YAML may have 1,024 characters.
]
_CLASS = {
    "apiVersion": "oci-connector.dev/v1alpha1",
    "kind": "ConnectorClass",
    "metadata": {"name": "nasty"},
    "spec": {
        "configurations": [
            {
                "name": "nasty",
                "params": [{"name": "one"}, {"name": "two"}],
                "files": {
                    "a.json": '{"one": "{{params.one}}", "two": ["x{{params.two}}y"]}\n',
                    "a.toml": (
                        '"x" = "y" # {\n[table."{{params.one}}"]\ntwo = ["x{{params.two}}y"]\n'
                    ),
                    "a.yaml": (
                        'one: "{{params.one}}"  # it\'s\ntwo: ["x{{params.two}}y"]\n'
                        '"k{{params.one}}":\n- "{{params.two}}"\n'
                    ),
                    "a.sh": (
                        "# it's\nONE='{{params.one}}'\nTWO=x'{{params.two}}'y\n"
                        'printf "%s\\\\0%s" "$ONE" "$TWO"\n'
                    ),
                },
            }
        ]
    },
}


def _values(seed):
    """Pairs of nasty values, and of random ones from what is special anywhere."""
    alphabet = "\"'\\\n\r\t{}$`()[]#=:,;-!&*|<>%~ \x01\x7f\u0085\u2028äx0"
    generator = random.Random(seed)

    def text():
        return "".join(generator.choice(alphabet) for _ in range(generator.randint(1, 40)))

    return [(text(), text()) for _ in range(60)]


@pytest.fixture(name="class_file", scope="module")
def _class_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("class") / "class.yaml"
    path.write_text(yaml.safe_dump(_CLASS), encoding="utf-8")
    return path


def _render(class_file, out, one, two):
    subprocess.run(
        [_CONNECTORCTL, "render", "all", "--host", "h", "--class", class_file,
         "--configuration", "nasty", f"--param=one={one}", f"--param=two={two}", "--out", out],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "pairs",
    [list(itertools.zip_longest(_NASTY, reversed(_NASTY))), _values(1), _values(2)],
    ids=["nasty", "random", "more"],
)
def test_every_format_gives_every_value_back(class_file, tmp_path, pairs):
    for one, two in pairs:
        _render(class_file, tmp_path, one, two)
        text = {
            name: (tmp_path / f"a.{name}").read_bytes().decode()
            for name in ("json", "toml", "yaml")
        }
        assert json.loads(text["json"]) == {"one": one, "two": [f"x{two}y"]}
        assert tomllib.loads(text["toml"]) == {"x": "y", "table": {one: {"two": [f"x{two}y"]}}}
        assert yaml.safe_load(text["yaml"]) == {"one": one, "two": [f"x{two}y"], f"k{one}": [two]}
        ran = subprocess.run(
            ["sh", "a.sh"], cwd=tmp_path, check=True, capture_output=True, env={"HOME": "/h"}
        )
        assert ran.stdout.decode().split("\0") == [one, f"x{two}y"]
        assert not (tmp_path / "pwned").exists()


def test_the_files_of_the_class_oci_are_what_their_parsers_read(tmp_path):
    token = tmp_path / "token"
    token.write_text("e.y.J", encoding="ascii")
    ca = tmp_path / "ca.crt"
    ca.write_text("ca\n", encoding="ascii")
    for name, flags in {
        "plain": [],
        "tls": ["--tls", "--ca-file", ca],
        "mirror": ["--upstream-host", "docker.io", "--path-form", "--connector", "a/b"],
    }.items():
        out = tmp_path / name
        subprocess.run(
            [_CONNECTORCTL, "render", "all", "--host", "h:1", "--token-file", token, "--out", out,
             *flags],
            check=True, capture_output=True,
        )  # fmt: skip
        for path in out.rglob("*"):
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if path.suffix == ".json":
                assert isinstance(json.loads(text), dict)
            elif path.suffix in (".toml", ".conf"):
                assert tomllib.loads(text)
