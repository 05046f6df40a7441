"""`towpath migrate`: one commit in a real repository, a look before it, and what becomes of a race."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.adapters.git.repositories import run
from towpath.cli.main import main
from towpath.cli.migrate import ATTEMPTS
from towpath.config import load_config
from towpath.engine.source import migrate
from towpath.formats.versions import V1, V2
from towpath.release.commit_message import INTENT_TRAILER, parse_trailers

EXAMPLE = Path(__file__).parents[3] / "examples/environments"
OLD = Path(__file__).parents[1] / "formats/v1"
RELEASE = "apps/hello/dev/release.yaml"


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder, self.bare, self.work = folder, folder / "environments.git", folder / "work"
        shutil.copytree(EXAMPLE, self.work)
        config = self.work / "towpath.yaml"
        config.write_text(config.read_text().replace(V2, V1))
        shutil.copy(OLD / "release.yaml", self.work / RELEASE)
        run("init", "-q", "-b", "main", cwd=self.work)
        run("add", "-A", cwd=self.work)
        run("commit", "-q", "-m", "Begin", cwd=self.work)
        run("clone", "-q", "--bare", str(self.work), str(self.bare), cwd=folder)

    def towpath(self, *args: str) -> Result:
        environ = {
            "TOWPATH_ENVIRONMENTS": str(self.bare),
            "TOWPATH_GIT_ALLOW_FILE": "1",
            "TOWPATH_CACHE": str(self.folder / "cache"),
            "TOWPATH_ACTOR": "alice",
        }
        return CliRunner(env=environ).invoke(main, args)

    def push(self, path: str, text: str) -> None:
        (self.work / path).parent.mkdir(parents=True, exist_ok=True)
        (self.work / path).write_text(text)
        run("add", "-A", cwd=self.work)
        run("commit", "-q", "-m", f"Change {path}", cwd=self.work)
        run("push", "-q", str(self.bare), "main", cwd=self.work)

    def git(self, *args: str) -> str:
        return run(*args, cwd=self.bare)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_it_is_one_commit_and_a_second_time_none(repository: Repository) -> None:
    done = repository.towpath("migrate")
    assert done.exit_code == 0, done.output
    assert f"{RELEASE}: towpath.dev/v1 -> towpath.dev/v2\n" in done.output
    assert "2 files rewritten (commit " in done.output
    assert repository.git("rev-list", "--count", "main") == "2"
    assert repository.git("diff", "--name-only", "main~1", "main").split() == [RELEASE, "towpath.yaml"]
    message = repository.git("log", "-1", "--format=%B", "main")
    assert message.startswith("Migrate the files to towpath.dev/v2\n")
    assert INTENT_TRAILER in parse_trailers(message)
    assert repository.git("log", "-1", "--format=%an", "main") == "alice"
    again = repository.towpath("migrate")
    assert again.exit_code == 0
    assert again.output == "All files are of towpath.dev/v2: nothing to migrate.\n"
    assert repository.git("rev-list", "--count", "main") == "2"
    assert repository.towpath("migrate", "--check").exit_code == 0


def test_check_shows_the_diff_and_changes_nothing(repository: Repository) -> None:
    shown = repository.towpath("migrate", "--check")
    assert shown.exit_code == 1
    assert "-apiVersion: towpath.dev/v1\n+apiVersion: towpath.dev/v2\n" in shown.output
    assert f"+++ b/{RELEASE}\n" in shown.output
    assert "2 files to migrate to towpath.dev/v2" in shown.output
    assert repository.git("rev-list", "--count", "main") == "1"


def test_json_tells_each_file_and_the_commit(repository: Repository) -> None:
    before = json.loads(repository.towpath("migrate", "--check", "--output", "json").output)
    assert [each["path"] for each in before["files"]] == [RELEASE, "towpath.yaml"]
    assert (before["commit"], before["written"], before["version"]) == ("", False, V2)
    after = json.loads(repository.towpath("migrate", "--output", "json").output)
    assert after["commit"] == repository.git("rev-parse", "main")
    assert after["written"] is True
    assert {(each["from"], each["to"]) for each in after["files"]} == {(V1, V2)}
    nothing = json.loads(repository.towpath("migrate", "--output", "json").output)
    assert (nothing["files"], nothing["commit"], nothing["written"]) == ([], "", False)


def test_a_folder_is_rewritten_and_left_to_be_committed(repository: Repository) -> None:
    shown = repository.towpath("migrate", "--repo", str(repository.work), "--check")
    assert shown.exit_code == 1
    assert run("status", "--porcelain", cwd=repository.work) == ""
    done = repository.towpath("migrate", "--repo", str(repository.work))
    assert done.exit_code == 0
    assert "Make it one commit" in done.output
    assert load_config(repository.work).api_version == V2
    changed = [line[3:] for line in run("status", "--porcelain", cwd=repository.work).splitlines()]
    assert sorted(each.strip() for each in changed) == sorted(name for name in changed)
    assert len(changed) == 2
    assert repository.git("rev-list", "--count", "main") == "1"


def test_who_changes_a_file_meanwhile_is_not_overwritten(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = (
        (OLD / "release.yaml").read_text().replace("verified_at: '2026-01-03", "verified_at: '2026-02-04")
    )
    original, calls = migrate.migrations, []

    def changed_meanwhile(root: Path) -> tuple[migrate.Migration, ...]:
        found = original(root)
        if not calls:
            calls.append(root)
            repository.push(RELEASE, verified)
            repository.push("apps/hello/prod/release.yaml", verified)
            repository.towpath("status")  # whatever fetches in between
        return found

    monkeypatch.setattr("towpath.engine.source.migrate.migrations", changed_meanwhile)
    done = repository.towpath("migrate")
    assert done.exit_code == 0, done.output
    for path in (RELEASE, "apps/hello/prod/release.yaml"):
        text = repository.git("show", f"main:{path}")
        assert "verified_at: '2026-02-04" in text
        assert f"apiVersion: {V2}" in text
    assert repository.towpath("migrate", "--check").exit_code == 0


def test_who_changes_files_all_the_time_is_named(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, numbers = migrate.migrations, []

    def changed_meanwhile(root: Path) -> tuple[migrate.Migration, ...]:
        found = original(root)
        numbers.append(len(numbers))
        text = (
            (OLD / "release.yaml").read_text().replace("promoted_by: ann", f"promoted_by: ann{len(numbers)}")
        )
        repository.push(RELEASE, text)
        return found

    monkeypatch.setattr("towpath.engine.source.migrate.migrations", changed_meanwhile)
    monkeypatch.setattr("towpath.engine.source.migrate.migration_edits", lambda root: {
        each.path: each.after for each in original(root)
    })  # fmt: skip
    failed = repository.towpath("migrate")
    assert failed.exit_code == 1
    assert len(numbers) == ATTEMPTS
    assert "was changed meanwhile" in str(failed.exception)
    assert f"apiVersion: {V1}" in repository.git("show", "main:towpath.yaml")


def test_a_file_that_cannot_be_read_stops_it(repository: Repository) -> None:
    repository.push("pauses/prod.yaml", "apiVersion: towpath.dev/v3\npauses: []\nwindow: {}\n")
    failed = repository.towpath("migrate")
    assert failed.exit_code == 1
    assert "pauses/prod.yaml:1: is written for towpath.dev/v3" in str(failed.exception)
    assert "`window`" in str(failed.exception)
    assert repository.git("rev-list", "--count", "main") == "2"


def test_pauses_are_written_in_the_version_of_the_repository(repository: Repository) -> None:
    def pause(app: str) -> str:
        done = repository.towpath("pause", "prod", "--app", app, "--until", "2h", "--reason", "migration")
        assert done.exit_code == 0, done.output
        return repository.git("show", "main:pauses/prod.yaml")

    assert not pause("hello").startswith(("apiVersion", "pauses"))
    assert "\n- app: hello\n" in repository.git("show", "main:pauses/prod.yaml")
    assert repository.towpath("migrate").exit_code == 0
    text = repository.git("show", "main:pauses/prod.yaml")
    assert f"\napiVersion: {V2}\npauses:\n- app: hello\n" in text
    assert repository.towpath("resume", "prod", "--app", "hello").exit_code == 0
    assert f"\napiVersion: {V2}\npauses:\n- app: hello\n" in pause("hello")


def test_a_pause_of_a_newer_repository_is_refused_and_changes_nothing(repository: Repository) -> None:
    for path, text in (("pauses/prod.yaml", "pauses: []\n"), ("towpath.yaml", "environments: []\n")):
        repository.push(path, f"apiVersion: towpath.dev/v3\n{text}")
        before = repository.git("rev-parse", "main")
        failed = repository.towpath("pause", "prod", "--until", "2h", "--reason", "x")
        assert failed.exit_code == 1
        assert f"{path}:1: is written for towpath.dev/v3" in str(failed.exception)
        assert repository.git("rev-parse", "main") == before
