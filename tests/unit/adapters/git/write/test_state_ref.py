"""A ref of its own beside the branches: replaced, signed, verified, and refused clearly."""

import os
import time
from pathlib import Path

import pytest

from tests.unit.adapters.git.repositories import Bare, run
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder, read_trusted_keys
from towpath.adapters.git.write import state_ref
from towpath.adapters.git.write.state_ref import StateFile, read_state_ref, write_state_ref
from towpath.errors import MalformedEvidenceError, RefusedError, TransientError, UnknownNameError

REF = "refs/towpath/prod/state"


class StateRepository(Bare):
    """A bare repository, and the keys of two agents."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.keys = KeyFolder(folder / "keys")
        for name in ("prod", "dev"):
            make_key(self.keys, name, ("git",))

    def write(self, text: str, *, by: str = "prod", ref: str = REF, url: str | None = None) -> str:
        return write_state_ref(
            url or self.url, ref, "state.json", text.encode(), "State of prod\n",
            author="Towpath <towpath@localhost>", signing_key=self.keys.private_file(by),
            cache=self.cache, allow_file=True, timeout=20.0,
        )  # fmt: skip

    def read(self, *, verified: bool = True, ref: str = REF) -> StateFile | None:
        trusted = read_trusted_keys(self.keys.trusted_file) if verified else None
        return read_state_ref(
            self.url, ref, "state.json", trusted=trusted, signers=("prod",), cache=self.cache, allow_file=True
        )

    def push_tree(self, ref: str = REF, **files: str) -> None:
        """A person puts a commit with these files at the ref, on top of main."""
        for name, text in files.items():
            (self.clone / name).write_text(text)
        run("add", "-A", cwd=self.clone)
        run("commit", "-q", "-m", "By hand", cwd=self.clone)
        run("push", "-q", "origin", f"+HEAD:{ref}", cwd=self.clone)


@pytest.fixture
def place(tmp_path: Path) -> StateRepository:
    return StateRepository(tmp_path / "place")


def test_what_was_written_last_is_read_with_its_signer(place: StateRepository) -> None:
    place.write("one\n")
    commit = place.write("zwei ü\n")
    found = place.read()
    assert found is not None
    assert (found.commit, found.content.decode()) == (commit, "zwei ü\n")
    assert found.verdict is not None
    assert found.verdict.principal == "prod"


@pytest.mark.parametrize("first", [True, False])
def test_what_was_held_up_does_not_replace_what_another_one_wrote_meanwhile(
    place: StateRepository, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """As the agent that led before, whose push is still under way."""
    if not first:
        place.write("one\n")
    commit = state_ref._commit

    def late(*args: object) -> str:
        monkeypatch.setattr(state_ref, "_commit", commit)
        place.write("of the other\n")
        return commit(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(state_ref, "_commit", late)
    with pytest.raises(TransientError, match=f"{REF} was written by somebody else meanwhile"):
        place.write("late\n")
    found = place.read()
    assert found
    assert found.content == b"of the other\n"
    place.write("next\n")


def test_nothing_was_written_yet(place: StateRepository) -> None:
    assert place.read() is None


def test_a_longer_name_of_another_ref_is_not_taken_for_it(place: StateRepository) -> None:
    place.write("other\n", ref="refs/towpath/prod/state/more")
    assert place.read() is None


def test_neither_branches_nor_history_nor_the_cache_grow(place: StateRepository) -> None:
    before = run("for-each-ref", "refs/heads", "refs/tags", cwd=place.path)
    for number in range(3):
        place.write(f"{number}\n")
    assert run("for-each-ref", "refs/heads", "refs/tags", cwd=place.path) == before
    assert run("rev-list", "--count", REF, cwd=place.path) == "1"
    assert list(place.cache.iterdir()) == []
    run("clone", "-q", place.url, str(place.clone.parent / "again"), cwd=place.path)
    assert "towpath" not in run("for-each-ref", cwd=place.clone.parent / "again")


def test_what_a_killed_process_left_is_cleared_and_another_s_work_is_not(place: StateRepository) -> None:
    place.cache.mkdir()
    for name, age in (("state-old", 2 * 24 * 3600), ("state-new", 60)):
        (place.cache / name).mkdir()
        at = time.time() - age
        os.utime(place.cache / name, (at, at))
    place.write("one\n")
    assert [each.name for each in place.cache.iterdir()] == ["state-new"]


@pytest.mark.parametrize("by", ["dev", "stranger"])
def test_another_agents_signature_does_not_count(place: StateRepository, by: str) -> None:
    if by == "stranger":
        other = KeyFolder(place.path.parent / "others")
        make_key(other, "stranger", ("git",))
        other.private_file("stranger").rename(place.keys.private_file("stranger"))
    place.write("forged\n", by=by)
    found = place.read()
    assert found is not None
    assert found.verdict is not None
    assert not found.verdict.trusted
    assert found.verdict.reason


def test_without_trusted_keys_nothing_is_said_about_who_wrote_it(place: StateRepository) -> None:
    place.write("one\n")
    found = place.read(verified=False)
    assert found is not None
    assert found.verdict is None


def test_a_commit_with_parents_is_refused_whoever_signed_it(place: StateRepository) -> None:
    """An agent signs its commits of the branch, with whatever files people have put there."""
    place.push("state.json", '{"forged": true}\n')
    marker = ("Towpath-Intent", "promote-2")
    signed = place.commit({"a.txt": "two\n"}, marker=marker, signing_key=place.keys.private_file("prod"))
    run("update-ref", REF, signed, cwd=place.path)
    with pytest.raises(MalformedEvidenceError, match="has parents"):
        place.read()


@pytest.mark.parametrize("name", ["other.json", "state.json.old"])
def test_other_files_are_refused(place: StateRepository, name: str) -> None:
    run("checkout", "-q", "--orphan", "alone", cwd=place.clone)
    place.push_tree(**{name: "x\n"})
    with pytest.raises(MalformedEvidenceError, match=r"something else than one file state\.json"):
        place.read()


def test_a_forge_that_takes_no_such_ref_is_told_with_its_reason(place: StateRepository) -> None:
    place.hook("update", 'echo "only branches and tags here" >&2; exit 1')
    with pytest.raises(RefusedError) as caught:
        place.write("one\n")
    assert f"takes no {REF}" in caught.value.message
    assert "only branches and tags here" in caught.value.message
    assert caught.value.remedy is not None
    assert "repository.publish: false" in caught.value.remedy
    assert place.read() is None


@pytest.mark.parametrize(
    "ref", ["refs/heads/main", "refs/towpath/../heads/main", "main", "refs/towpath/x.lock"]
)
def test_only_refs_of_ours_are_written(place: StateRepository, ref: str) -> None:
    head = place.head
    with pytest.raises(RefusedError, match="not a ref of ours"):
        place.write("one\n", ref=ref)
    assert place.head == head


def test_a_repository_that_is_away_is_told(place: StateRepository) -> None:
    with pytest.raises((UnknownNameError, TransientError)):
        place.write("one\n", url=f"{place.url}-gone")
