"""The verb's door: its options, and what it does without a server."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.forks import AGENTS
from towpath.cli.agent import command


def test_help_has_examples_and_every_option() -> None:
    shown = CliRunner().invoke(command, ["--help"]).output
    for text in ("towpath agent prod", "--interval", "--address", "--notify-token-file", "SIGTERM"):
        assert text in shown


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["dev", "--interval", "0"],
        ["dev", "--notify-token-file", "/none"],
        ["dev", "--address", "4210"],
        ["dev", "--address", "127.0.0.1:none"],
        ["dev", "--address", "127.0.0.1:65536"],
        ["dev", "--address", "127.0.0.1:-1"],
    ],
)
def test_wrong_usage_is_told_also_where_there_is_no_server(
    wrong: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    result = CliRunner().invoke(command, wrong)
    assert (result.exit_code, result.output.startswith("Usage:")) == (2, True), result.output


def test_help_does_not_import_prefect() -> None:
    code = "import sys; from towpath.cli.agent import command; sys.exit('prefect' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def started(repository: Path, environment: str) -> subprocess.Popen[str]:
    """`towpath agent` without a Prefect server and without a cluster."""
    given = {
        "HOME": str(repository.parent),
        "KUBECONFIG": str(repository.parent / "none"),
        "PATH": os.environ["PATH"],
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TOWPATH_ENVIRONMENTS": f"file://{repository}",
        "TOWPATH_GIT_ALLOW_FILE": "1",
    }
    return subprocess.Popen(
        [*AGENTS.command(given), "agent", environment, "--address", "127.0.0.1:0"],
        env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    named = "[{name: dev, namespace: dev}, {name: prod, namespace: prod}]"
    text = f"apiVersion: towpath.dev/v2\nenvironments: {named}\n"
    (folder / "towpath.yaml").write_text(text)
    person = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*person, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


def test_a_prefect_server_that_is_away_at_the_start_does_not_end_the_agent(repository: Path) -> None:
    agent = started(repository, "prod")
    assert agent.stdout
    first = "".join(itertools.takewhile(lambda line: "no kubeconfig" not in line, agent.stdout))
    assert agent.poll() is None, first
    agent.terminate()
    said, errors = agent.communicate(timeout=60)
    assert "stopped" in said
    assert "bug" not in first + said + errors


def test_a_misspelt_environment_ends_the_agent_also_while_the_server_is_away(repository: Path) -> None:
    agent = started(repository, "prd")
    _, errors = agent.communicate(timeout=100)
    assert agent.returncode == 1
    assert errors == "error: unknown environment 'prd' in towpath.yaml\nDid you mean prod?\n"
