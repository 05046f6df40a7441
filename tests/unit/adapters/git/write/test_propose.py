"""Proposals on real repositories: one branch, one commit, never forced, and a person's work is left alone."""

from pathlib import Path

import pytest

from tests.unit.adapters.git.repositories import Bare, run
from towpath.adapters import git
from towpath.errors import ConflictError, TransientError, UnknownNameError

BRANCH = "towpath/adopt-dev-hello"


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "repo")


def propose(
    bare: Bare, edits: dict[str, str], key: str = "1", onto: str = "main", base: str = ""
) -> tuple[str, bool]:
    marker = ("Towpath-Intent", f"adopt-{key}")
    message = f"Adopt\n\nTowpath-Intent: adopt-{key}\n"
    return git.propose_files(
        bare.url,
        BRANCH,
        onto,
        edits,
        message,
        author="Towpath",
        cache=bare.cache,
        marker=marker,
        base=base,
        allow_file=True,
    )


def show(bare: Bare, path: str, revision: str = BRANCH) -> str:
    return run("show", f"{revision}:{path}", cwd=bare.path)


def count(bare: Bare, revisions: str) -> int:
    return int(run("rev-list", "--count", revisions, cwd=bare.path))


def test_a_branch_with_one_commit_and_main_untouched(bare: Bare) -> None:
    head = bare.head
    commit, new = propose(bare, {"a.txt": "two\n", "new/b.txt": "x\n"})
    assert new
    assert run("rev-parse", BRANCH, cwd=bare.path) == commit
    assert (show(bare, "a.txt"), show(bare, "new/b.txt"), show(bare, "b.txt")) == ("two", "x", "one")
    assert (bare.head, count(bare, f"main..{BRANCH}")) == (head, 1)


def test_the_same_again_is_the_same_branch_and_no_second_commit(bare: Bare) -> None:
    first = propose(bare, {"a.txt": "two\n"})
    assert propose(bare, {"a.txt": "two\n"}, "2") == (first[0], False)
    bare.push("b.txt", "main goes on\n")
    assert propose(bare, {"a.txt": "two\n"}, "3") == (first[0], False)


def test_another_proposal_replaces_the_first_without_force(bare: Bare) -> None:
    first, _ = propose(bare, {"a.txt": "two\n", "extra.txt": "x\n"})
    bare.push("b.txt", "main goes on\n")
    second, new = propose(bare, {"a.txt": "three\n"}, "2")
    assert new
    assert count(bare, f"{second}..{first}") == 0, "the first is an ancestor"
    assert (show(bare, "a.txt"), show(bare, "b.txt")) == ("three", "main goes on")
    changed = run("diff", "--name-only", f"main...{BRANCH}", cwd=bare.path)
    assert changed == "a.txt", "what is not proposed any more is gone"


def test_after_a_merge_the_next_one_begins_anew(bare: Bare) -> None:
    propose(bare, {"a.txt": "two\n"})
    run("fetch", "-q", "origin", cwd=bare.clone)
    run("merge", "-q", "--no-ff", "-m", "Merge", f"origin/{BRANCH}", cwd=bare.clone)
    run("push", "-q", "origin", "HEAD:main", cwd=bare.clone)
    assert propose(bare, {"a.txt": "two\n"}, "2") == (bare.head, False)
    commit, new = propose(bare, {"a.txt": "three\n"}, "3")
    assert new
    assert run("rev-parse", f"{commit}^", cwd=bare.path) == bare.head


def test_after_a_squashed_merge_the_branch_goes_on(bare: Bare) -> None:
    propose(bare, {"a.txt": "two\n"})
    bare.push("a.txt", "two\n")
    _, new = propose(bare, {"a.txt": "three\n"}, "2")
    assert new
    assert run("diff", f"main...{BRANCH}", "--stat", cwd=bare.path).count("|") == 1


def test_a_branch_that_a_person_works_on_is_left_alone(bare: Bare) -> None:
    propose(bare, {"a.txt": "two\n"})
    run("fetch", "-q", "origin", cwd=bare.clone)
    run("checkout", "-q", "-b", "mine", f"origin/{BRANCH}", cwd=bare.clone)
    (bare.clone / "a.txt").write_text("by hand\n")
    run("commit", "-q", "-a", "-m", "Better", cwd=bare.clone)
    run("push", "-q", "origin", f"HEAD:{BRANCH}", cwd=bare.clone)
    with pytest.raises(ConflictError, match="has a commit of Ann"):
        propose(bare, {"a.txt": "three\n"}, "2")
    assert show(bare, "a.txt") == "by hand"


def test_a_file_that_changed_meanwhile_is_not_set_back(bare: Bare) -> None:
    base = bare.head
    bare.push("b.txt", "another file\n")
    commit, _ = propose(bare, {"a.txt": "two\n"}, base=base)
    bare.push("a.txt", "a colleague's\n")
    with pytest.raises(ConflictError, match=r"a\.txt has changed on main meanwhile"):
        propose(bare, {"a.txt": "three\n"}, "2", base=base)
    assert run("rev-parse", BRANCH, cwd=bare.path) == commit


def test_nothing_to_propose_makes_no_branch(bare: Bare) -> None:
    assert propose(bare, {"a.txt": "one\n"}) == (bare.head, False)
    assert run("branch", "--list", BRANCH, cwd=bare.path) == ""


def test_other_branches_are_not_ours(bare: Bare) -> None:
    with pytest.raises(ValueError, match="not a branch of ours"):
        git.propose_files(
            bare.url,
            "main",
            "main",
            {},
            "m",
            author="x",
            cache=bare.cache,
            marker=("a", "b"),
            allow_file=True,
        )


def test_a_repository_without_the_branch_below_it(bare: Bare) -> None:
    with pytest.raises(UnknownNameError):
        git.propose_files(
            bare.url,
            BRANCH,
            "gone",
            {},
            "m",
            author="x",
            cache=bare.cache,
            marker=("a", "b"),
            allow_file=True,
        )


def test_a_repository_that_is_away_is_worth_another_try(bare: Bare) -> None:
    propose(bare, {"a.txt": "two\n"})
    bare.path.rename(bare.path.with_name("away"))
    with pytest.raises((TransientError, UnknownNameError)):
        propose(bare, {"a.txt": "three\n"}, "2")
