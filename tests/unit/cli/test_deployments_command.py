"""`towpath deployments` writes, checks, and leaves other people's files alone."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from towpath.cli.deployments import command
from towpath.errors import ConfigError, RefusedError

CONFIG = "apiVersion: towpath.dev/v2\nenvironments: [{name: test, namespace: test}]\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "towpath.yaml").write_text(CONFIG)
    return tmp_path


def invoke(repo: Path, *options: str) -> str:
    args = ["--repo", str(repo), "--file", str(repo / "prefect.yaml"), *options]
    result = CliRunner().invoke(command, args, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def test_written_then_up_to_date_then_checked(repo: Path) -> None:
    assert "Wrote" in invoke(repo)
    assert "up to date" in invoke(repo)
    assert "fits 1 environments" in invoke(repo, "--check")


def test_what_its_deployments_run_is_said_to_be_missing_where_it_is(repo: Path) -> None:
    assert "there is no flows/ beside it" in invoke(repo)
    (repo / "flows").mkdir()
    (repo / "prefect.yaml").unlink()
    assert "deploy --all` creates" in invoke(repo)


def test_a_new_environment_is_noticed_and_added(repo: Path) -> None:
    invoke(repo)
    (repo / "towpath.yaml").write_text(CONFIG.replace("]", ", {name: live, namespace: live}]"))
    with pytest.raises(ConfigError, match="deployment promote/promote-live is missing"):
        invoke(repo, "--check")
    invoke(repo)
    invoke(repo, "--check")


def test_a_file_of_somebody_else_is_kept_unless_forced(repo: Path) -> None:
    (repo / "prefect.yaml").write_text("deployments: []\n")
    with pytest.raises(RefusedError, match="was not written by"):
        invoke(repo)
    assert (repo / "prefect.yaml").read_text() == "deployments: []\n"
    invoke(repo, "--force")
    invoke(repo, "--check")


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("interval: 180", "interval: 60"),
        lambda text: text + "# mine\n",
        lambda text: text.replace("name: towpath\n", "name: towpath\nmine: 1\n"),
        lambda text: text.rpartition("# As written")[0],
        lambda text: text.replace("[towpath]", "[towpath, mine]"),
    ],
)
def test_a_file_that_was_changed_since_is_kept_unless_forced(repo: Path, edit: Callable[[str], str]) -> None:
    invoke(repo)
    changed = edit((repo / "prefect.yaml").read_text())
    (repo / "prefect.yaml").write_text(changed)
    with pytest.raises(RefusedError, match="was changed since `towpath deployments` wrote it"):
        invoke(repo)
    assert (repo / "prefect.yaml").read_text() == changed
    invoke(repo, "--force")
    assert "up to date" in invoke(repo)


def test_a_file_that_git_has_is_replaced_only_when_asked(repo: Path) -> None:
    invoke(repo)
    for arguments in (["init", "-q"], ["add", "prefect.yaml"]):
        subprocess.run(["git", *arguments], cwd=repo, check=True)
    assert "up to date" in invoke(repo)
    before = (repo / "prefect.yaml").read_text()
    (repo / "towpath.yaml").write_text(CONFIG.replace("]", ", {name: live, namespace: live}]"))
    with pytest.raises(RefusedError, match="is in Git, and would be another one"):
        invoke(repo)
    assert (repo / "prefect.yaml").read_text() == before
    invoke(repo, "--force")
    invoke(repo, "--check")


def test_nothing_to_check_and_no_repository(repo: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        invoke(repo, "--check")
    with pytest.raises(ConfigError, match="no such folder"):
        invoke(repo / "none")


@pytest.mark.parametrize("verb", ["deployments", "init", "history", "check"])
def test_verbs_without_a_server_do_not_import_prefect(repo: Path, verb: str) -> None:
    args = [verb, "--repo", str(repo)] if verb == "deployments" else [verb, "--help"]
    code = (
        f"import sys\nsys.argv = ['towpath', *{args!r}]\n"
        "from towpath.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit: pass\n"
        "heavy = {'prefect', 'kubernetes', 'docker', 'ruamel'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = child_seconds()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repo, env=env, capture_output=True)
    assert child_seconds() - before < 5  # 0.2 s on a quiet machine


def child_seconds() -> float:
    """Processor time of all programs that this process ran: other work on the machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
