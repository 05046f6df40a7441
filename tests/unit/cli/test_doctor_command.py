import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from towpath.cli.doctor import command
from towpath.local.programs import debian, tools
from towpath.local.programs.tools import TOOLS


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Everything is given, and nothing answers."""
    return {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "none"),
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
        "PREFECT_API_URL": "http://127.0.0.1:1/api",
        "TOWPATH_HOME": "",
    }


def test_what_is_missing_is_told_with_a_remedy_and_exit_code_1(environ: dict[str, str]) -> None:
    result = CliRunner().invoke(command, env=environ)
    assert result.exit_code == 1
    assert "✗ prefect server" in result.output
    assert "Start it, or correct KUBECONFIG." in result.output


def test_json_has_every_tool(environ: dict[str, str]) -> None:
    result = CliRunner().invoke(command, ["--output", "json"], env=environ)
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert set(TOOLS) <= set(checks)
    assert checks["python"]["status"] == "ok"


def test_getting_what_nobody_may_install_says_so(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "obstacle", lambda *_, has_apt: "only root may install them")
    monkeypatch.setattr(debian.DebianPackage, "missing", lambda self: list(self.programs))
    result = CliRunner().invoke(command, ["--get"], env=environ)
    assert result.exit_code == 1
    assert "only root may install them" in str(result.exception)


def test_the_verb_is_cheap_to_import() -> None:
    code = "import sys, towpath.cli.doctor, towpath.local.programs.doctor; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"prefect", "kubernetes", "docker", "git", "rich"} & set(modules.split())


@pytest.mark.parametrize(("options", "helm"), [([], False), (["--charts"], True)])
def test_helm_is_for_who_asks_for_it(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, options: list[str], helm: bool
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tools, "ensure_tools", lambda names, *_: asked.extend(names))
    assert CliRunner().invoke(command, ["--get", *options], env=environ).exit_code == 0
    assert ("helm" in asked) == helm


def test_charts_without_get_is_wrong_usage(environ: dict[str, str]) -> None:
    result = CliRunner().invoke(command, ["--charts"], env=environ)
    assert result.exit_code == 2
    assert "--get" in result.output
