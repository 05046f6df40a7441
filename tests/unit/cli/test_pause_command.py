"""`towpath pause` and `resume`: one commit each in a real repository, and what they refuse."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.adapters.git.repositories import run
from towpath.cli.main import main
from towpath.release.commit_message import parse_trailers

EXAMPLE = Path(__file__).parents[3] / "examples/environments"


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder, self.bare = folder, folder / "environments.git"
        work = folder / "work"
        shutil.copytree(EXAMPLE, work)
        run("init", "-q", "-b", "main", cwd=work)
        run("add", "-A", cwd=work)
        run("commit", "-q", "-m", "Begin", cwd=work)
        run("clone", "-q", "--bare", str(work), str(self.bare), cwd=folder)

    def towpath(self, *args: str) -> Result:
        environ = {
            "TOWPATH_ENVIRONMENTS": str(self.bare),
            "TOWPATH_GIT_ALLOW_FILE": "1",
            "TOWPATH_CACHE": str(self.folder / "cache"),
            "TOWPATH_ACTOR": "alice",
        }
        return CliRunner(env=environ).invoke(main, args)

    def git(self, *args: str) -> str:
        return run(*args, cwd=self.bare)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_pause_is_a_commit_with_its_end_and_reason(repository: Repository) -> None:
    done = repository.towpath("pause", "prod", "--until", "2h", "--reason", "database migration")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("prod is paused until 20")
    assert "by alice: database migration (commit " in done.output
    text = repository.git("show", "main:pauses/prod.yaml")
    assert "reason: database migration" in text
    message = repository.git("log", "-1", "--format=%B", "main")
    assert message.startswith("Pause prod\n")
    assert parse_trailers(message)["Towpath-Paused-By"] == ["alice"]
    assert repository.git("diff", "--name-only", "main~1", "main") == "pauses/prod.yaml"


def test_again_is_another_end_and_resume_ends_it(repository: Repository) -> None:
    repository.towpath("pause", "prod", "--until", "2h", "--reason", "one")
    repository.towpath("pause", "prod", "--app", "hello", "--until", "2h", "--reason", "app")
    done = repository.towpath("pause", "prod", "--until", "4h", "--reason", "two", "--output", "json")
    assert json.loads(done.output)["reason"] == "two"
    text = repository.git("show", "main:pauses/prod.yaml")
    assert (text.count("until:"), text.count("reason: one")) == (2, 0)
    assert "prod is resumed" in repository.towpath("resume", "prod").output
    assert "app: hello" in repository.git("show", "main:pauses/prod.yaml")
    done = repository.towpath("resume", "prod", "--app", "hello", "--output", "json")
    assert json.loads(done.output)["resumed"] is True
    assert repository.git("ls-tree", "main", "pauses/") == "", "an empty file says nothing"
    head = repository.git("rev-parse", "main")
    assert "prod was not paused" in repository.towpath("resume", "prod").output
    assert repository.git("rev-parse", "main") == head


def test_an_app_stays_paused_with_its_environment(repository: Repository) -> None:
    repository.towpath("pause", "prod", "--until", "2h", "--reason", "all of it")
    done = repository.towpath("resume", "prod", "--app", "hello")
    assert "hello in prod was not paused\nprod is still paused until" in done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("prod", "--until", "yesterday", "--reason", "x"), "must be a duration such as 2h, or a time"),
        (("prod", "--until", "2020-01-01T00:00Z", "--reason", "x"), "must be in the future"),
        (("prod", "--until", "2h", "--reason", " "), "must say why"),
        (("prod", "--until", "2h"), "Missing option '--reason'"),
        (("prod", "--reason", "x"), "Missing option '--until'"),
    ],
)
def test_wrong_usage_changes_nothing(repository: Repository, args: tuple[str, ...], said: str) -> None:
    head = repository.git("rev-parse", "main")
    done = repository.towpath("pause", *args)
    assert done.exit_code == 2
    assert said in done.output
    assert repository.git("rev-parse", "main") == head


@pytest.mark.parametrize("args", [("prd",), ("prod", "--app", "helo")])
def test_unknown_names_are_refused(repository: Repository, args: tuple[str, ...]) -> None:
    done = repository.towpath("pause", *args, "--until", "2h", "--reason", "x")
    assert done.exit_code == 1
    assert "Did you mean" in str(done.exception)
