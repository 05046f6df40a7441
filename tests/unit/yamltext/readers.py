"""Other readers of YAML: PyYAML, ruamel.yaml for 1.1 and 1.2, and sigs.k8s.io/yaml in a small Go program."""

import hashlib
import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ruamel.yaml import YAML

from towpath.adapters.process import CommandError, run
from towpath.errors import MissingPartError
from towpath.local.programs.golang import BUILD_ENVIRONMENT, find_go, required_version
from towpath.settings import Settings

SOURCE = Path(__file__).parents[2] / "yamlreader"
SETTINGS = Settings.load({"HOME": str(Path.home())})
Read = Callable[[str], Any]
"""The value of the only document; raises ValueError when the reader refuses it."""


def pyyaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, TypeError) as error:
        raise ValueError(str(error)) from error


def ruamel(version: str) -> Read:
    reader = YAML(typ="safe", pure=True)  # one for all texts: it looks for plug-ins in all folders first
    reader.version = version

    def read(text: str) -> Any:
        return reader.load(io.StringIO(text))

    return read


LIBRARIES: dict[str, Read] = {"PyYAML": pyyaml, "ruamel 1.1": ruamel("1.1"), "ruamel 1.2": ruamel("1.2")}


def built_reader() -> Path:
    """The Go program; built once for its sources. Skips the test where there is no Go."""
    files = sorted(SOURCE.iterdir())
    key = hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:12]
    program = SETTINGS.cache / "tools" / f"yamlreader-{key}" / "yamlreader"
    if program.exists():
        return program
    try:
        go, _ = find_go(required_version((SOURCE / "go.mod").read_text()))
    except MissingPartError as error:
        pytest.skip(f"needs Go: {error.message}")
    program.parent.mkdir(parents=True, exist_ok=True)
    made = program.with_name(f".yamlreader-{os.getpid()}")
    try:
        run(
            [go, "build", "-trimpath", "-o", made, "."],
            cwd=SOURCE,
            env={**os.environ, **BUILD_ENVIRONMENT},
            timeout=600,
        )
    except CommandError as error:
        if "proxy" in error.output or "dial tcp" in error.output:
            pytest.skip(f"needs the Go modules of {SOURCE.name}, which cannot be downloaded")
        raise
    made.replace(program)
    return program


@contextmanager
def kubernetes_reader() -> Iterator[Read]:
    """sigs.k8s.io/yaml, with which kubectl, Kustomize and Helm read."""
    with subprocess.Popen(
        [built_reader()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        pipe_in, pipe_out = process.stdin, process.stdout
        assert pipe_in is not None
        assert pipe_out is not None

        def read(text: str) -> Any:
            pipe_in.write(json.dumps(text) + "\n")
            pipe_in.flush()
            answer = json.loads(pipe_out.readline())
            if "error" in answer:
                raise ValueError(answer["error"])
            return answer["value"]

        yield read
        pipe_in.close()
