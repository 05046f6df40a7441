"""Asking a branch for its newest commit, without fetching."""

import subprocess
from pathlib import Path

import pytest

from towpath.adapters.git import branch_head
from towpath.errors import RefusedError, TransientError, UnknownNameError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "bare.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
    return path


def git(*args: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.run(
        ["git", *identity, *args], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(repository: Path, branch: str, message: str) -> str:
    tree = git("-C", str(repository), "hash-object", "-t", "tree", "-w", "/dev/null")
    made = git("-C", str(repository), "commit-tree", tree, "-m", message)
    git("-C", str(repository), "update-ref", f"refs/heads/{branch}", made)
    return made


def test_it_is_the_commit_of_exactly_that_branch(repository: Path, tmp_path: Path) -> None:
    first = commit(repository, "main", "one")
    commit(repository, "feature/main", "not this one")
    assert branch_head(str(repository), "main", tmp_path, allow_file=True) == first
    second = commit(repository, "main", "two")
    assert branch_head(str(repository), "main", tmp_path, allow_file=True) == second
    assert not (tmp_path / "git").exists(), "nothing was fetched"


def test_what_is_missing_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="branch 'main'"):
        branch_head(str(repository), "main", tmp_path, allow_file=True)
    with pytest.raises(UnknownNameError, match="Git repository"):
        branch_head(str(tmp_path / "none.git"), "main", tmp_path, allow_file=True)


def test_a_server_that_is_away_is_transient(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="cannot be reached"):
        branch_head("http://127.0.0.1:1/e.git", "main", tmp_path)


@pytest.mark.parametrize("url", ["--upload-pack=touch x", "ext::sh -c touch", "/etc"])
def test_what_may_not_be_asked_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        branch_head(url, "main", tmp_path)


def test_a_branch_is_never_an_option(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        branch_head(str(repository), "--heads", tmp_path, allow_file=True)
