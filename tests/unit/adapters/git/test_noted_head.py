"""What this machine noted of a branch stays, whatever becomes of the branch."""

from pathlib import Path

from tests.unit.adapters.git.repositories import Bare, run
from towpath.adapters.git import note_head, noted_head, outside_history


def test_a_note_outlives_a_rewritten_branch(tmp_path: Path) -> None:
    bare = Bare(tmp_path)
    first = bare.fetch()
    assert noted_head(first, "dev") == ""
    note_head(first, "dev")
    run("commit", "-q", "--amend", "-m", "Another", cwd=bare.clone)
    run("push", "-q", "--force", "origin", "main", cwd=bare.clone)
    second = bare.fetch()
    assert (noted_head(second, "dev"), noted_head(second, "prod")) == (first.commit, "")
    assert outside_history(second, [first.commit]) == [first.commit]
    note_head(second, "dev")
    assert noted_head(second, "dev") == second.commit
    assert run("ls-remote", str(bare.path), "refs/noted/*", cwd=tmp_path) == ""
