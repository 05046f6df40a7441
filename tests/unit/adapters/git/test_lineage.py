"""Who wrote what is new, and which commits come after another."""

from pathlib import Path

import pytest

from tests.unit.adapters.git.repositories import run
from towpath.adapters.git import Checkout, authors_since, commits_after, earlier_commits, fetch_checkout
from towpath.errors import RefusedError

ANN = "Ann <ann@example.com>"


class Source:
    """A source repository with commits of many people."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        run("init", "-q", "-b", "main", str(self.folder), cwd=folder)

    def commit(self, message: str, *, author: str = "", files: dict[str, str] | None = None) -> str:
        for name, text in (files or {}).items():
            (self.folder / name).write_text(text)
        run("add", "-A", cwd=self.folder)
        more = (f"--author={author}",) if author else ()
        run("commit", "-q", "--allow-empty", "-m", message, *more, cwd=self.folder)
        return run("rev-parse", "HEAD", cwd=self.folder)

    def checkout(self) -> Checkout:
        return fetch_checkout(str(self.folder), "main", self.folder.parent / "cache", allow_file=True)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


@pytest.mark.parametrize(
    ("trailers", "names"),
    [
        ("Co-authored-by: Eve <eve@example.com>", ["Eve <eve@example.com>"]),
        ("co-authored-by: Eve <eve@example.com>", ["Eve <eve@example.com>"]),
        ("CO-AUTHORED-BY: Eve <e@x>\nCo-authored-by: Tom <t@x>", ["Eve <e@x>", "Tom <t@x>"]),
        ("Co-authored-by: Eve\n  <e@x>", ["Eve <e@x>"]),
        ("Signed-off-by: Eve <e@x>\nCo-authored-by: Zoë Ü <z@x>", ["Zoë Ü <z@x>"]),
        ("Signed-off-by: Eve <e@x>", []),
    ],
)
def test_co_authors_are_authors(source: Source, trailers: str, names: list[str]) -> None:
    source.commit(f"Say hello\n\n{trailers}")
    assert authors_since(source.checkout()) == tuple(sorted([ANN, *names]))


def test_only_what_came_after_the_base_counts_on_all_sides_of_a_merge(source: Source) -> None:
    source.commit("Begin", author="Old <old@x>")
    base = source.commit("Release", author="Older <older@x>")
    run("checkout", "-q", "-b", "side", cwd=source.folder)
    source.commit("Side", author="Side <side@x>", files={"a": "1"})
    run("checkout", "-q", "main", cwd=source.folder)
    source.commit("Main", author="Main <main@x>", files={"b": "1"})
    run("merge", "-q", "--no-ff", "-m", "Merge", "side", cwd=source.folder)
    assert authors_since(source.checkout(), base) == (ANN, "Main <main@x>", "Side <side@x>")
    assert len(authors_since(source.checkout())) == 5


def test_no_author_can_look_like_two_or_hide_behind_control_characters(source: Source) -> None:
    source.commit("Say hello", author="A\x1b[2Jnn, Bob <a@x>")
    (author,) = authors_since(source.checkout())
    assert "\x1b" not in author
    assert author.endswith("<a@x>")


def test_earlier_commits_come_nearest_first_and_without_the_commit_itself(source: Source) -> None:
    one, two, three = (source.commit(text) for text in ("One", "Two", "Three"))
    known = {one, two, three, "9" * 40}
    assert earlier_commits(source.checkout(), known) == [two, one]
    assert earlier_commits(source.checkout(), {three}) == []


def test_commits_after_another_are_found_on_the_side_that_a_merge_has_dropped(source: Source) -> None:
    base = source.commit("One", files={"release": "1"})
    later = source.commit("Two", files={"release": "2"})
    run("checkout", "-q", base, cwd=source.folder)
    run("merge", "-q", "-s", "ours", "-m", "Merge", "main", cwd=source.folder)
    run("branch", "-q", "-f", "main", "HEAD", cwd=source.folder)
    run("checkout", "-q", "main", cwd=source.folder)
    assert (source.folder / "release").read_text() == "1"
    assert later in commits_after(source.checkout(), base, "release", 10)
    assert commits_after(source.checkout(), base, "other", 10) == []


def test_what_is_no_commit_id_is_refused(source: Source) -> None:
    source.commit("One")
    for wrong in ("main", "--all", "HEAD~1"):
        with pytest.raises(RefusedError, match="not a whole commit id"):
            authors_since(source.checkout(), wrong)
        with pytest.raises(RefusedError, match="not a whole commit id"):
            commits_after(source.checkout(), wrong, "a", 1)
