"""Signed commits in real repositories: ours, people's, and forged ones. Git judges the same where it can."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.adapters.git.repositories import Bare
from tests.unit.adapters.git.repositories import run as run_git
from towpath.adapters.evidence.key_changes import make_key, retire_key, rotate_key, trust_key
from towpath.adapters.evidence.key_files import KeyFolder, read_trusted_keys
from towpath.adapters.git import propose_files, verify_commits
from towpath.errors import ConflictError, MissingPartError, RefusedError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.signed_commit import CommitVerdict
from towpath.evidence.trusted_keys import TrustedKeys

DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC)


class Signed(Bare):
    """A bare repository, and a folder of keys of two agents."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.keys = KeyFolder(folder / "keys")
        make_key(self.keys, "prod", ("git",))
        make_key(self.keys, "staging", ("git",))
        self.base = self.head

    @property
    def trusted(self) -> TrustedKeys:
        return read_trusted_keys(self.keys.trusted_file)

    def promote(self, text: str, *, by: str = "prod") -> str:
        """A commit by an agent, pushed."""
        marker = ("Towpath-Intent", f"promote-{text}")
        return self.commit({"a.txt": text}, marker=marker, signing_key=self.keys.private_file(by))

    def person(self, text: str, key: Path | None = None, *, at: str | None = None, name: str = "Ann") -> str:
        """A person's commit, pushed, signed by Git itself where there is a key."""
        options = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={key}"] if key else []
        env = {"GIT_AUTHOR_NAME": name, "GIT_COMMITTER_NAME": name}
        env |= {"GIT_AUTHOR_EMAIL": "x@example.com", "GIT_COMMITTER_EMAIL": "x@example.com"}
        env |= {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at} if at else {}
        (self.clone / "b.txt").write_text(text)
        run_git("fetch", "-q", "origin", cwd=self.clone)
        run_git("reset", "-q", "--mixed", "origin/main", cwd=self.clone)
        run_git("checkout", "-q", "--", "a.txt", cwd=self.clone)
        run_git("add", "b.txt", cwd=self.clone)
        command = ["git", *options, "commit", "-q", *(["-S"] if key else []), "-m", f"Change {text}"]
        environ = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull} | env
        subprocess.run(command, cwd=self.clone, env=environ, check=True, capture_output=True)
        run_git("push", "-q", "origin", "HEAD:main", cwd=self.clone)
        return self.head

    def raw(self, change: Callable[[bytes], bytes]) -> str:
        """The newest commit's object, changed and written anew as the branch's newest."""
        content = subprocess.run(
            ["git", "cat-file", "commit", "main"], cwd=self.path, check=True, capture_output=True
        ).stdout
        written = subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
            input=change(content),
            cwd=self.path,
            check=True,
            capture_output=True,
        ).stdout.decode()
        run_git("update-ref", "refs/heads/main", written.strip(), cwd=self.path)
        return written.strip()

    def verify(
        self, *expected: str, base: str | None = None, after: timedelta | None = timedelta(0)
    ) -> list[CommitVerdict]:
        """What is judged of all commits since the first ones; `after` None: when they came is unknown."""
        mirror = self.fetch().mirror
        return verify_commits(
            *(mirror, self.base if base is None else base, self.head, self.trusted, expected or ("prod",)),
            received=None if after is None else now() + after,
        )


@pytest.fixture
def repository(tmp_path: Path) -> Signed:
    return Signed(tmp_path / "repository")


def test_an_agents_commits_are_its_own(repository: Signed) -> None:
    made = [repository.promote("two\n"), repository.promote("three\n", by="staging")]
    verdicts = repository.verify("prod", "staging")
    assert [(each.commit, each.principal) for each in verdicts] == list(
        zip(made, ("prod", "staging"), strict=True)
    )
    assert all(each.committed_at and abs(each.committed_at - now()) < DAY for each in verdicts)


def test_git_itself_judges_the_same(repository: Signed) -> None:
    repository.promote("two\n")
    repository.person("x")
    repository.person("y", stranger(repository))
    told = run_git(
        *("-c", f"gpg.ssh.allowedSignersFile={repository.keys.trusted_file}"),
        *("log", "--reverse", "--format=%G? %GS", f"{repository.base}..main"),
        cwd=repository.path,
    ).splitlines()
    assert [line.split() for line in told] == [["G", "prod"], ["N"], ["U"]]
    assert [each.principal for each in repository.verify()] == ["prod", "", ""]


def stranger(repository: Signed) -> Path:
    """A key that nobody trusts."""
    folder = KeyFolder(repository.keys.path.with_name("strangers"))
    make_key(folder, "mallory", ("git",))
    return folder.private_file("mallory")


def test_no_configuration_of_git_is_needed_or_changed(
    repository: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text(
        "[gpg]\n\tformat = openpgp\n\tprogram = false\n[user]\n\tsigningkey = none\n"
    )
    before = (tmp_path / ".gitconfig").read_bytes()
    repository.promote("two\n")
    assert repository.verify()[0].trusted
    assert (tmp_path / ".gitconfig").read_bytes() == before
    assert "gpg" not in (repository.fetch().mirror / "config").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda each: each.replace(b"Towpath-App: hello", b"Towpath-App: shop"), "does not hold"),
        (lambda each: each.replace(b"author Alice", b"author Bobby"), "does not hold"),
        (lambda each: each.replace(b"tree ", b"tree ", 1) + b"\n", "does not hold"),
        (lambda each: each.replace(b"gpgsig", b"gpgsig-sha256"), "unknown form"),
        (lambda each: each.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"), "does not begin"),
        (lambda each: each.replace(b"\n\n", b"\nencoding UTF-16\n\n", 1), "does not hold"),
        (lambda each: each.partition(b"\n\n")[0] + b"\n\n", "does not hold"),
        (lambda each: each.replace(b"committer Towpath", b"committer Bobby", 1), "does not hold"),
    ],
)
def test_a_forged_commit_counts_for_nothing(
    repository: Signed, change: Callable[[bytes], bytes], said: str
) -> None:
    repository.promote("two\n")
    commit = repository.raw(change)
    (verdict,) = repository.verify()
    assert (verdict.commit, verdict.principal) == (commit, "")
    assert said in verdict.reason
    assert verdict.remedy


def test_a_commit_under_anothers_name_is_its_signers(repository: Signed) -> None:
    repository.person("x", repository.keys.private_file("staging"), name="prod")
    (verdict,) = repository.verify("prod")
    assert "is staging's, and only prod may sign this" in verdict.reason
    assert repository.verify("staging")[0].principal == "staging"


def test_a_commit_that_is_not_signed_is_named(repository: Signed) -> None:
    first, second = repository.promote("two\n"), repository.person("x")
    verdicts = repository.verify()
    assert [(each.commit, each.trusted) for each in verdicts] == [(first, True), (second, False)]
    assert verdicts[1].reason == "it is not signed"


def test_a_merge_brings_its_other_side_along(repository: Signed) -> None:
    run_git("checkout", "-q", "-b", "side", cwd=repository.clone)
    (repository.clone / "c.txt").write_text("x")
    run_git("add", "c.txt", cwd=repository.clone)
    run_git("commit", "-q", "-m", "On the side", cwd=repository.clone)
    side = run_git("rev-parse", "HEAD", cwd=repository.clone)
    run_git("checkout", "-q", "-", cwd=repository.clone)
    run_git("merge", "-q", "--no-ff", "-m", "Merge", "side", cwd=repository.clone)
    run_git("push", "-q", "origin", "HEAD:main", cwd=repository.clone)
    assert [each.commit for each in repository.verify()] == [side, repository.head]
    assert not any(each.trusted for each in repository.verify())


def test_a_retired_key_signs_no_new_commits(repository: Signed) -> None:
    old = repository.keys.private_file("prod").read_bytes()
    repository.promote("two\n")
    rotate_key(repository.keys, "prod", timedelta(seconds=1))
    retired = repository.keys.path / "retired"
    retired.write_bytes(old)
    retired.chmod(0o600)
    repository.person("late", retired, at=(now() + timedelta(minutes=2)).isoformat())
    before, late = repository.verify()
    assert before.principal == "prod"
    assert "was valid until" in late.reason


def test_a_date_in_the_future_is_refused(repository: Signed) -> None:
    repository.person("x", repository.keys.private_file("prod"), at=(now() + DAY).isoformat())
    (verdict,) = repository.verify()
    assert "in the future" in verdict.reason
    assert repository.verify(after=None)[0].trusted  # where it is not known when it came


def test_a_clock_that_is_a_little_ahead_is_no_harm(repository: Signed) -> None:
    repository.person(
        "x", repository.keys.private_file("prod"), at=(now() + timedelta(minutes=4)).isoformat()
    )
    assert repository.verify()[0].trusted


def test_a_commit_that_is_dated_back_by_a_key_that_ended_long_ago_is_refused(repository: Signed) -> None:
    repository.promote("two\n")
    retire = retire_key(repository.keys, "prod")
    repository.keys.write_trusted(
        repository.keys.trusted_text().replace(
            f"{retire.end:%Y%m%d%H%M%S}Z", f"{retire.end + timedelta(minutes=1):%Y%m%d%H%M%S}Z"
        )
    )
    assert repository.verify(after=6 * DAY)[0].trusted
    (verdict,) = repository.verify(after=8 * DAY)
    assert "and this arrived at" in verdict.reason
    assert repository.verify(after=None)[0].trusted  # was verified when it arrived


def test_of_a_stolen_key_nothing_counts(repository: Signed) -> None:
    repository.promote("two\n")
    retire_key(repository.keys, "prod", stolen=True)
    assert "not among" in repository.verify()[0].reason


def test_a_key_for_approvals_signs_no_commits(repository: Signed) -> None:
    folder = KeyFolder(repository.keys.path.with_name("people"))
    key = make_key(folder, "alice", ("towpath",))
    trust_key(repository.keys, "alice", key, ("towpath",))
    repository.person("x", folder.private_file("alice"))
    assert "may sign towpath only, not git" in repository.verify("alice")[0].reason


def test_a_rewritten_branch_is_no_range(repository: Signed) -> None:
    seen = repository.promote("two\n")
    repository.fetch()
    run_git("update-ref", "refs/heads/main", repository.base, cwd=repository.path)
    repository.person("x")
    with pytest.raises(ConflictError, match="was rewritten"):
        repository.verify(base=seen)


def test_a_range_has_an_end(repository: Signed) -> None:
    for number in range(3):
        repository.promote(f"{number}\n")
    mirror = repository.fetch().mirror
    with pytest.raises(RefusedError, match="more than 2 commits"):
        verify_commits(mirror, repository.base, repository.head, repository.trusted, ["prod"], limit=2)
    with pytest.raises(RefusedError, match="not a range"):
        verify_commits(mirror, "--all", repository.head, repository.trusted, ["prod"])
    assert len(verify_commits(mirror, "", repository.head, repository.trusted, ["prod"])) == 5
    assert verify_commits(mirror, repository.head, repository.head, repository.trusted, ["prod"]) == []


def test_a_huge_commit_is_not_read(repository: Signed) -> None:
    repository.promote("two\n")
    repository.raw(lambda each: each + b"x" * 2_000_000)
    repository.promote("three\n")
    huge, after = repository.verify()
    assert "more than the 1048576" in huge.reason
    assert after.trusted


def test_bytes_that_are_no_text_are_verified(repository: Signed) -> None:
    key = repository.keys.private_file("prod")
    (repository.clone / "m").write_bytes(b"caf\xe9\n\n\xff\0"[:-1])
    run_git("fetch", "-q", "origin", cwd=repository.clone)
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "-c", "i18n.commitEncoding=latin1")
    run_git(*options, "commit", "-q", "--allow-empty", "-S", "-F", "m", cwd=repository.clone)
    run_git("push", "-q", "origin", "HEAD:main", cwd=repository.clone)
    assert repository.verify()[0].trusted


def test_a_proposal_is_signed(repository: Signed) -> None:
    commit, new = propose_files(
        *(repository.url, "towpath/adopt", "main", {"a.txt": "two\n"}, "Adopt\n\nTowpath-Intent: adopt-1\n"),
        author="Towpath",
        cache=repository.cache,
        marker=("Towpath-Intent", "adopt-1"),
        signing_key=repository.keys.private_file("prod"),
        allow_file=True,
    )
    mirror = repository.fetch("towpath/adopt").mirror
    (verdict,) = verify_commits(mirror, repository.base, commit, repository.trusted, ["prod"])
    assert new
    assert verdict.trusted


def encrypted(path: Path) -> None:
    command = ["ssh-keygen", "-q", "-p", "-N", "canary-passphrase", "-f", path]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize(
    "spoil", [encrypted, lambda path: path.chmod(0o644), lambda path: path.write_text("junk"), Path.unlink]
)
def test_a_key_that_cannot_sign_pushes_nothing(repository: Signed, spoil: Callable[[Path], object]) -> None:
    spoil(repository.keys.private_file("prod"))
    with pytest.raises(MissingPartError, match="cannot be signed") as caught:
        repository.promote("two\n")
    assert "Nothing was pushed" in (caught.value.remedy or "")
    assert "canary" not in str(caught.value)
    assert repository.head == repository.base


def test_a_missing_ssh_keygen_is_told(
    repository: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(run_git("--exec-path", cwd=tmp_path) + "/git")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(MissingPartError, match="lacks ssh-keygen"):
        repository.promote("two\n")


def test_a_key_of_another_kind_signs_too(repository: Signed) -> None:
    for kind in ("ecdsa", "rsa"):
        path = repository.keys.path / kind
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path], check=True, capture_output=True
        )
        trust_key(repository.keys, kind, PrivateKey.parse(path.read_bytes()).public, ("git",))
        repository.promote(f"{kind}\n", by=kind)
    assert [each.principal for each in repository.verify("ecdsa", "rsa")] == ["ecdsa", "rsa"]
