"""`towpath policy` and the commands beside it, by a real key of OpenSSH's ssh-keygen."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.adapters.git.repositories import run
from tests.unit.cli.test_pause_command import Repository
from tests.unit.engine.source.promotions import release
from towpath.adapters.evidence.key_files import read_trusted_keys
from towpath.cli.main import main
from towpath.formats.versions import V2
from towpath.gates.evidence_exception import exception_paths, verify_exception
from towpath.release.model import EnvironmentRelease
from towpath.release.release_file import dump_release_file


class Owned(Repository):
    """A repository whose owner has a key in a file, and a person's clone of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.key, self.keys, self.clone = folder / "olga", folder / "keys", folder / "clone"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)]
        subprocess.run(command, check=True)
        trust = ("keys", "trust", "olga", f"{self.key}.pub", "--use", "policy", "--folder", str(self.keys))
        assert CliRunner().invoke(main, trust).exit_code == 0
        run("clone", "-q", str(self.bare), str(self.clone), cwd=folder)

    def towpath(self, *args: str) -> Result:
        environ = {
            "TOWPATH_ENVIRONMENTS": str(self.bare),
            "TOWPATH_GIT_ALLOW_FILE": "1",
            "TOWPATH_CACHE": str(self.folder / "cache"),
            "TOWPATH_ACTOR": "alice",
            "TOWPATH_TRUSTED_KEYS": str(self.keys / "allowed_signers"),
        }
        return CliRunner(env=environ).invoke(main, args)


@pytest.fixture
def repository(tmp_path: Path) -> Owned:
    return Owned(tmp_path)


def loosen(repository: Owned) -> None:
    config = repository.clone / "towpath.yaml"
    text = config.read_text()
    assert "required: 1" in text
    config.write_text(text.replace("required: 1", "required: 0"))


def test_the_baseline_is_one_command_and_one_commit(repository: Owned) -> None:
    before = repository.towpath("policy", "verify")
    assert (before.exit_code, "no owner has signed one yet" in before.output) == (1, True)
    done = repository.towpath("policy", "sign", "--key", str(repository.key), "--yes")
    assert done.exit_code == 0, done.output
    assert repository.git("diff", "--name-only", "main~1", "main").split() == [
        "policy.json",
        "policy.json.sig",
    ]
    after = repository.towpath("policy", "verify", "--output", "json")
    assert after.exit_code == 0, after.output
    assert json.loads(after.output)["signed_by"] == "olga"
    assert repository.towpath("policy", "diff").exit_code == 0


def test_a_change_is_told_before_it_is_committed_and_signed_with_it(repository: Owned) -> None:
    repository.towpath("policy", "sign", "--key", str(repository.key), "--yes")
    run("pull", "-q", cwd=repository.clone)
    loosen(repository)
    told = repository.towpath("policy", "diff", "--repo", str(repository.clone))
    assert told.exit_code == 1
    assert "approvals.required: 1 -> 0: not in force" in told.output
    found = json.loads(
        repository.towpath("policy", "diff", "--repo", str(repository.clone), "--output", "json").output
    )
    assert [each["what"] for each in found["loosened"]] == ["1 -> 0"]
    checked = repository.towpath("check", "--repo", str(repository.clone))
    assert checked.exit_code == 1
    assert "policy.json: environments.prod.gate.approvals.required: 1 -> 0" in checked.output
    sign = ("policy", "sign", "--repo", str(repository.clone), "--key", str(repository.key), "--yes")
    assert repository.towpath(*sign).exit_code == 0
    assert repository.towpath("policy", "diff", "--repo", str(repository.clone)).exit_code == 0


def test_nobody_signs_without_a_yes_or_as_somebody_else(repository: Owned) -> None:
    done = repository.towpath("policy", "sign", "--key", str(repository.key))
    assert done.exit_code != 0
    other = repository.folder / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    done = repository.towpath("policy", "sign", "--key", str(other), "--yes")
    assert "is not among the 1 trusted keys" in str(done.exception)
    assert repository.git("log", "--format=%s", "main") == "Begin"


def test_a_pause_ends_before_its_time_when_its_owner_signs_and_nothing_else_is_signed(
    repository: Owned,
) -> None:
    repository.towpath("policy", "sign", "--key", str(repository.key), "--yes")
    run("pull", "-q", cwd=repository.clone)
    loosen(repository)
    run("commit", "-q", "-am", "Loosen", cwd=repository.clone)
    run("push", "-q", cwd=repository.clone)
    assert repository.towpath("pause", "prod", "--until", "2h", "--reason", "x").exit_code == 0
    refused = repository.towpath("resume", "prod")
    assert "only when one of them signs it" in str(refused.exception)
    done = repository.towpath("resume", "prod", "--key", str(repository.key))
    assert done.exit_code == 0, done.output
    assert "prod is resumed" in done.output
    left = json.loads(repository.towpath("policy", "diff", "--output", "json").output)
    assert [each["where"] for each in left["loosened"]] == ["environments.prod.gate.approvals.required"]


def test_without_owners_it_says_that_nothing_is_protected(repository: Owned) -> None:
    (repository.keys / "allowed_signers").write_text("")
    for verb in ("diff", "verify"):
        done = repository.towpath("policy", verb)
        assert "no owner is trusted here, so the policy is not protected" in str(done.exception)


def old_release(repository: Owned) -> str:
    """A release that Git names in dev; the id. No registry answers in this test."""
    state = EnvironmentRelease(release(1), "2026-01-01T00:00:00Z", "ann", verified_at="2026-01-02T00:00:00Z")
    (repository.clone / "apps/hello/dev/release.yaml").write_text(dump_release_file(state, V2))
    run("add", "-A", cwd=repository.clone)
    run("commit", "-q", "-m", "Release", cwd=repository.clone)
    run("push", "-q", "origin", "HEAD:main", cwd=repository.clone)
    return release(1).id


def except_(repository: Owned, *args: str, begin: str = "", owner: str = "olga") -> Result:
    given = ("--until", "30d", "--reason", "of before", "--as", owner, "--key", str(repository.key), "--yes")
    which = begin or release(1).id.removeprefix("sha256:")[:10]
    return repository.towpath("policy", "except", "hello", which, *given, *args)


def test_an_exception_is_one_commit_and_holds_for_the_release_alone(repository: Owned) -> None:
    digest = old_release(repository)
    done = except_(repository, "--author", "Bob <bob@example.com>")
    assert done.exit_code == 0, done.output
    changed = repository.git("diff", "--name-only", "main~1", "main").split()
    assert changed == [*exception_paths("hello", digest)]
    content, signature = (repository.git("show", f"main:{path}") for path in changed)
    trusted = read_trusted_keys(repository.keys / "allowed_signers")
    # What git prints of a file ends before its last line break.
    about = {"app": "hello", "release": digest}
    said = verify_exception(f"{content}\n".encode(), signature, trusted, datetime.now(UTC), **about).statement
    assert (said.release, said.owner) == (release(1), "olga")
    assert said.authors == (release(1).author, "Bob <bob@example.com>")
    assert repository.towpath("policy", "verify").exit_code == 1  # it signs nothing else


def test_an_exception_can_be_reviewed_first_and_check_reads_it(repository: Owned) -> None:
    digest = old_release(repository)
    done = except_(repository, "--repo", str(repository.clone), "--output", "json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["commit"], told["files"]) == ("", [*exception_paths("hello", digest)])
    check = ("check", "--repo", str(repository.clone))
    assert "exceptions/" not in repository.towpath(*check).output
    path, signature = (repository.clone / each for each in exception_paths("hello", digest))
    path.rename(path.with_name("other.json"))
    assert "other.json: is about hello" in repository.towpath(*check).output
    path.with_name("other.json").rename(path)
    signature.unlink()
    assert "has no signature beside it" in repository.towpath(*check).output
    path.write_text("{}")
    assert f"{path.name}: does not count: an exception" in repository.towpath(*check).output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"begin": "f" * 12}, "unknown release"),
        ({"owner": "bob"}, "'bob' is no owner"),
    ],
)
def test_an_exception_that_would_not_count_is_not_written(
    repository: Owned, args: dict[str, str], said: str
) -> None:
    old_release(repository)
    head = repository.git("rev-parse", "main")
    done = except_(repository, **args)
    assert done.exit_code != 0
    assert said in f"{done.output}{done.exception}"
    assert repository.git("rev-parse", "main") == head
