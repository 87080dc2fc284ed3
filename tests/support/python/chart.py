"""The chart as helm renders it."""

import functools
import os
import subprocess

import yaml

from peers import peer, version_of

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
CHART = os.path.join(ROOT, "deploy", "helm", "oci-connector")
NAMESPACE = "oci-connector"
SETS = sorted(name.removesuffix(".yaml") for name in os.listdir(os.path.join(CHART, "ci")))
# What people set for a release that there was: RELEASE/SET.
RELEASES = os.path.join(ROOT, "tests", "data", "chart")
FOLDERS = sorted(each for each in os.listdir(RELEASES) if not each.endswith(".md"))
RELEASED = sorted(
    f"{release}/{name.removesuffix('.yaml')}"
    for release in FOLDERS
    for name in os.listdir(os.path.join(RELEASES, release))
    if name != "defaults.yaml"
)
PROGRAMS = ("broker", "dataplane", "controller")


def values_of(name):
    return os.path.join(CHART, "ci", f"{name}.yaml")


def helm(*arguments, environment=None):
    """(exit code, standard output, standard error)."""
    done = subprocess.run(
        [peer("helm"), *arguments], capture_output=True, text=True, env=environment, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def template(*arguments):
    return helm(
        "template", "oci-connector", CHART, "--namespace", NAMESPACE,
        "--kube-version", version_of("kube-apiserver"), *arguments,
    )  # fmt: skip


@functools.cache
def render(values, *more):
    """All objects that the set of values `values` makes. Not to be changed."""
    code, out, err = template("--values", values_of(values), *more)
    assert code == 0, err
    return [each for each in yaml.safe_load_all(out) if each]


def upgraded(values):
    """What `helm upgrade --reset-then-reuse-values` makes of what was set for a release: the new chart's
    defaults, and that over them."""
    # Such releases served plain HTTP, and docs/kubernetes.md has it said with the upgrade.
    plain = ("--set", "dataplane.plainHttp.enabled=true") if values.startswith("0.1.0/") else ()
    code, out, err = template("--values", os.path.join(RELEASES, f"{values}.yaml"), *plain)
    assert code == 0, err
    return [each for each in yaml.safe_load_all(out) if each]


def of_kind(objects, *kinds):
    return [each for each in objects if each["kind"] in kinds]


def component(each):
    return each["metadata"]["labels"]["app.kubernetes.io/component"]


def the(objects, kind, name):
    (found,) = [each for each in of_kind(objects, kind) if component(each) == name]
    return found


def pod_templates(objects):
    """{kind and name: pod template} of everything that makes pods, and of pods."""
    found = {}
    for each in objects:
        template_of = {
            "Pod": lambda e: e,
            "CronJob": lambda e: e["spec"]["jobTemplate"]["spec"]["template"],
        }.get(each["kind"], lambda e: e["spec"].get("template"))
        if each["kind"] in ("Pod", "CronJob", "Job", "Deployment", "StatefulSet"):
            found[f"{each['kind']} {each['metadata']['name']}"] = template_of(each)
    return found


def program_config(objects, name):
    """The text of a program's configuration file."""
    return the(objects, "ConfigMap", name)["data"][f"{name}.yaml"]


def workload(objects, name):
    return the(objects, "StatefulSet" if name == "broker" else "Deployment", name)
