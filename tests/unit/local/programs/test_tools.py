import re
from pathlib import Path

import pytest

from towpath.errors import MissingPartError, UnknownNameError
from towpath.local.programs import debian, golang, tools
from towpath.local.programs.golang import GoProgram
from towpath.local.programs.tools import TOOLS
from towpath.progress import SilentProgress
from towpath.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"HOME": str(tmp_path)})


def go_programs() -> list[GoProgram]:
    return [tool.source for tool in TOOLS.values() if isinstance(tool.source, GoProgram)]


def test_every_kind_of_source_has_its_provider() -> None:
    assert {type(tool.source) for tool in TOOLS.values()} == set(tools.PROVIDERS)


def test_no_two_tools_bring_the_same_program() -> None:
    names = [program for tool in TOOLS.values() for program in tool.programs]
    assert len(names) == len(set(names))


def test_the_cluster_is_made_of_tools() -> None:
    assert set(tools.CLUSTER) <= set(TOOLS)


@pytest.mark.parametrize("program", go_programs(), ids=lambda program: program.module)
def test_every_go_module_is_there_pinned_and_checked(program: GoProgram) -> None:
    folder = golang.MODULES / program.module
    assert golang.cache_key(program)
    assert " h1:" in (folder / "go.sum").read_text()
    if program.package != ".":
        assert f"tool {program.package}\n" in (folder / "go.mod").read_text()


def test_the_version_that_kubernetes_reports_is_the_one_of_the_module() -> None:
    text = (golang.MODULES / "kubernetes" / "go.mod").read_text()
    assert re.search(rf"^\tk8s.io/kubernetes {re.escape(tools.KUBERNETES)}$", text, re.MULTILINE)
    staging = set(re.findall(r"^\t\S+ => \S+ (\S+)$", text, re.MULTILINE))
    assert staging == {tools.KUBERNETES.replace("v1.", "v0.")}


def test_an_unknown_tool_gets_the_nearest_name(settings: Settings) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean kustomize"):
        tools.ensure("kustomise", settings, SilentProgress())


def test_what_cannot_be_installed_is_told_before_anything_is_built(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "obstacle", lambda *_, has_apt: "only root may install them")
    monkeypatch.setattr(debian.DebianPackage, "missing", lambda self: list(self.programs))
    monkeypatch.setattr(golang, "build", lambda *_: pytest.fail("began to build"))
    with pytest.raises(MissingPartError, match="dockerd"):
        tools.ensure_tools(["kubernetes", "docker"], settings, SilentProgress())


def test_what_we_built_comes_before_the_path(settings: Settings) -> None:
    settings.tools.mkdir(parents=True)
    own = settings.tools / "git"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert tools.find("git", settings) == own
    own.unlink()
    assert tools.find("git", settings) not in (None, own)


def test_iproutes_bridge_is_no_network_plugin(settings: Settings) -> None:
    found = tools.find("bridge", settings)
    assert found is None or str(found.parent) in tools.CNI


def test_a_required_program_that_is_not_here_points_to_up(settings: Settings) -> None:
    with pytest.raises(MissingPartError, match="lacks surely-not-a-program") as caught:
        tools.require("surely-not-a-program", settings)
    assert caught.value.remedy and "towpath local up" in caught.value.remedy


def test_nothing_is_built_in_an_empty_cache(settings: Settings) -> None:
    assert not tools.is_here("kubernetes", settings)
