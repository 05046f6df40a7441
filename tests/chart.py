"""Our chart, `deployments/chart`, rendered by the real helm as `helm install` would."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from towpath.objects import Manifest
from towpath.settings import Settings

CHART = Path(__file__).parents[1] / "deployments/chart"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
NAMESPACE = "towpath-system"
TOOLS = Settings.load({"HOME": str(Path.home())}).tools


def helm() -> str | None:
    """The program, once something has built it (`towpath doctor --get --charts`)."""
    return shutil.which("helm", path=f"{TOOLS}:{os.environ['PATH']}")


needs_helm = pytest.mark.skipif(not helm(), reason="needs helm")


class RenderError(Exception):
    """What helm said."""


def rendered(
    *values: Path | Mapping[str, Any], release: str = "towpath", namespace: str = NAMESPACE
) -> list[Manifest]:
    """The objects; later values go before earlier ones."""
    program = helm()
    assert program, "`towpath doctor --get --charts` builds helm"
    command = [program, "template", release, str(CHART), "--namespace", namespace, "--kube-version", "1.35.0"]
    for each in values:
        if isinstance(each, Path):
            command += ["--values", str(each)]
        else:
            command += [
                part for key, value in each.items() for part in ("--set-json", f"{key}={json.dumps(value)}")
            ]
    code, said = _run(tuple(command))
    if code:
        raise RenderError(said)
    return [each for each in yaml.load_all(said, Loader=_LOADER) if each]


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _run(command: tuple[str, ...]) -> tuple[int, str]:
    """The exit code, and the output or what is wrong. Many tests look at the same examples."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr if done.returncode else done.stdout


def example(name: str) -> Path:
    (found,) = [each for each in EXAMPLES if each.stem == name]
    return found


def one(objects: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pods(objects: list[Manifest]) -> dict[str, Manifest]:
    """The pods' specs by the name of their Deployment or StatefulSet."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in objects
        if each["kind"] in ("Deployment", "StatefulSet")
    }
