"""The Dockerfile of our images builds what the rest of the repository names."""

import re
import tomllib
from pathlib import Path

import pytest

from towpath.adapters.images.dockerfile import stages
from towpath.adapters.images.dockerignore import sent_files
from towpath.local.programs.golang import GoProgram
from towpath.local.programs.tools import TOOLS

ROOT = Path(__file__).parents[3]
PATH = "deployments/image/Dockerfile"
TEXT = re.sub(r"\\\n\s*", "", (ROOT / PATH).read_text())


def test_it_has_the_targets_that_the_chart_needs() -> None:
    assert [stage for stage in stages(TEXT) if stage in ("server", "agent", "build-agent")] == [
        "server",
        "agent",
        "build-agent",
    ]


@pytest.mark.parametrize("name", ["kustomize", "helm"])
def test_renderers_are_built_as_the_local_stack_builds_them(name: str) -> None:
    program = TOOLS[name].source
    assert isinstance(program, GoProgram)
    command = re.search(rf"FROM go AS {name}\n.*?\nRUN (go build .*?) && ", TEXT, re.DOTALL)
    assert command is not None
    trimpath, buildvcs, flag, linker, package = program.arguments
    wanted = f'go build {trimpath} {buildvcs} {flag} "{linker}" -o /out/{name} {package}'
    assert command[1].split() == wanted.split()


def test_all_that_a_stage_copies_is_sent_to_the_engine() -> None:
    sent = set(sent_files(ROOT, PATH))
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", TEXT, re.MULTILINE)
    for path in " ".join(copied).split():
        assert any(file == path or file.startswith(f"{path}/") for file in sent), path
    assert not [file for file in sent if file.startswith(("tests", ".git", "docs"))]


def test_each_stage_that_runs_has_a_user_that_is_not_root() -> None:
    bodies = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", TEXT, re.MULTILINE | re.DOTALL))
    assert all("USER 10001:10001" in bodies[name] for name in ("server", "agent-base"))
    assert "FROM agent-base AS agent" in TEXT
    assert "FROM agent AS build-agent" in TEXT


def test_the_packages_left_out_are_in_the_lock() -> None:
    """A package that has another name now would stay in the image."""
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    for names in re.findall(r"uv pip uninstall --quiet --python \S+ (.*?)(?: &&|$)", TEXT, re.MULTILINE):
        assert set(names.split()) <= locked


def test_what_builds_the_wheel_is_in_the_lock() -> None:
    built_by = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert [re.split(r"\W", each)[0] for each in built_by] == ["hatchling"]
    assert re.search(r"^hatchling==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
