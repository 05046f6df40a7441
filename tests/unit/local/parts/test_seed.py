"""The example's repositories, made with real Git."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from towpath.adapters.evidence.key_files import read_trusted_keys
from towpath.adapters.process import run
from towpath.errors import MissingPartError
from towpath.gates.policy_statement import POLICY_FILE, SIGNATURE_FILE, verify_policy
from towpath.local.common.stack import Options, Stack
from towpath.local.parts.seed import seed, seed_repositories


@pytest.fixture
def example(tmp_path: Path) -> Path:
    folder = tmp_path / "example"
    folder.mkdir()
    (folder / "towpath.yaml").write_text("image: 127.0.0.1:5000/hello\n")
    (folder / "serve").write_text("#!/bin/sh\n")
    (folder / "serve").chmod(0o755)
    return folder


def git(repository: Path, *arguments: str) -> str:
    return run(["git", "--git-dir", repository, *arguments]).stdout


def test_one_commit_on_main_by_a_neutral_author(example: Path, tmp_path: Path) -> None:
    seed(example, tmp_path / "x.git", "First", registry="127.0.0.1:5000")
    assert git(tmp_path / "x.git", "log", "--format=%an <%ae> %s", "main").strip() == (
        "Towpath example <example@towpath.dev> First"
    )
    assert "100755" in git(tmp_path / "x.git", "ls-tree", "main", "serve")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["example", "x.git"]


def test_another_registry_takes_the_default_s_place(example: Path, tmp_path: Path) -> None:
    seed(example, tmp_path / "x.git", "First", registry="127.0.0.1:5999")
    assert git(tmp_path / "x.git", "show", "main:towpath.yaml") == "image: 127.0.0.1:5999/hello\n"
    assert "5000" in (example / "towpath.yaml").read_text()


def test_what_a_killed_run_left_is_no_obstacle(example: Path, tmp_path: Path) -> None:
    (tmp_path / ".x.git.work").mkdir()
    (tmp_path / ".x.git.new").mkdir()
    seed(example, tmp_path / "x.git", "First", registry="127.0.0.1:5000")
    assert (tmp_path / "x.git" / "HEAD").exists()


def test_a_repository_that_is_there_is_the_user_s(described: Stack) -> None:
    for name in ("hello", "environments"):
        (described.layout.git / f"{name}.git").mkdir(parents=True)
    seed_repositories(described)
    assert list((described.layout.git / "hello.git").iterdir()) == []


def test_without_a_checkout_the_way_out_is_named(described: Stack) -> None:
    with pytest.raises(MissingPartError, match="--environments URL"):
        seed_repositories(described.with_options(Options()))


def test_the_example_begins_with_a_policy_that_its_owner_has_signed(described: Stack) -> None:
    described.layout.git.mkdir(parents=True)
    seed_repositories(replace(described, project=Path(__file__).parents[4]))
    repository = described.layout.git / "environments.git"
    assert git(repository, "log", "--format=%s", "main").splitlines() == [
        "Sign the policy",
        "Desired state of dev, staging and prod",
    ]
    trusted = read_trusted_keys(described.layout.trusted_keys)
    texts = [git(repository, "show", f"main:{name}") for name in (POLICY_FILE, SIGNATURE_FILE)]
    signed = verify_policy(texts[0].encode(), texts[1], trusted, datetime.now(UTC))
    assert signed.signature.owner == "owner"
    assert signed.statement.base == git(repository, "rev-parse", "main~1").strip()
    assert signed.statement.policy.environments["prod"].approvals.required == 1
    private = described.layout.signing_key("owner")
    assert private.stat().st_mode & 0o777 == 0o600
