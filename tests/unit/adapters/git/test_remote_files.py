"""Files of a foreign repository: exactly its bytes, and nothing that follows, runs or leads elsewhere."""

from pathlib import Path

import pytest

from tests.unit.adapters.git.repositories import Bare, run
from towpath.adapters import git
from towpath.adapters.git import remote_files
from towpath.errors import RefusedError, TransientError, UnknownNameError


@pytest.fixture
def repo(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "foreign")


def tree(repo: Bare, folder: str = "", commit: str = "", include: str = "") -> dict[str, bytes]:
    return git.remote_tree(
        repo.url,
        commit or repo.head,
        folder,
        lambda path: path.startswith(include),
        repo.cache,
        allow_file=True,
    )


def stage(repo: Bare, mode: str, content: str, path: str) -> None:
    """Commit an entry of any mode, which a file system may not have."""
    blob = repo.head if mode == "160000" else _blob(repo, content)
    run("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", cwd=repo.clone)
    run("commit", "-q", "-m", "Add it", cwd=repo.clone)
    run("push", "-q", "origin", "HEAD:main", cwd=repo.clone)


def _blob(repo: Bare, content: str) -> str:
    (repo.clone.parent / "content").write_text(content)
    return run("hash-object", "-w", str(repo.clone.parent / "content"), cwd=repo.clone)


def test_files_are_read_as_they_are_and_filters_do_not_run(repo: Bare) -> None:
    (repo.clone / "base/inner").mkdir(parents=True)
    (repo.clone / "base/inner/data.bin").write_bytes(b"\x00\xff\r\n$Id$")
    (repo.clone / "base/.gitattributes").write_text("* -text ident\n")
    repo.push("base/kustomization.yaml", "resources: []\n")
    assert tree(repo, "base") == {
        "inner/data.bin": b"\x00\xff\r\n$Id$",
        "kustomization.yaml": b"resources: []\n",
    }
    assert tree(repo, "base/", include="kust") == {"kustomization.yaml": b"resources: []\n"}
    assert tree(repo)["a.txt"] == b"one\n"


def test_an_earlier_commit_and_one_that_no_branch_has(repo: Bare) -> None:
    first = repo.head
    repo.push("a.txt", "two\n")
    assert tree(repo, commit=first)["a.txt"] == b"one\n"
    assert tree(repo)["a.txt"] == b"two\n"


def test_a_submodule_is_not_followed(repo: Bare) -> None:
    stage(repo, "160000", "", "base/sub")
    with pytest.raises(RefusedError, match="'sub' is a submodule, which is not followed"):
        tree(repo, "base")
    assert "a.txt" in tree(repo, include="a")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "a.txt"])
def test_a_link_is_refused(repo: Bare, target: str) -> None:
    stage(repo, "120000", target, "base/link")
    with pytest.raises(RefusedError, match="'link' is a symbolic link"):
        tree(repo, "base")


def test_what_git_lfs_keeps_is_refused(repo: Bare) -> None:
    repo.push("base/big", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")
    with pytest.raises(RefusedError, match="Git LFS"):
        tree(repo, "base")


def test_too_much_is_refused_before_it_is_read(repo: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.push("base/zeros", "0" * (9 << 20))
    with pytest.raises(RefusedError, match="larger than 8 MiB"):
        tree(repo, "base")
    assert tree(repo, include="a")
    monkeypatch.setattr(remote_files, "MAX_FETCHED", 100)
    repo.push("base/other", "x")
    with pytest.raises(RefusedError, match="more than may be fetched"):
        tree(repo, "base")


def test_hooks_of_the_repository_do_not_run(repo: Bare, tmp_path: Path) -> None:
    for name in ("post-checkout", "post-merge", "reference-transaction", "post-update"):
        repo.hook(name, f"touch {tmp_path}/ran")
    repo.push("hooks/post-checkout", f"touch {tmp_path}/ran")
    assert tree(repo)["hooks/post-checkout"]
    (tmp_path / "ran").unlink(missing_ok=True)  # by the push of the person
    tree(repo)
    assert not (tmp_path / "ran").exists()


def test_what_is_not_there_is_named(repo: Bare) -> None:
    with pytest.raises(UnknownNameError, match="unknown folder 'none'"):
        tree(repo, "none")
    with pytest.raises(UnknownNameError, match="unknown folder"):
        tree(repo, include="none")
    with pytest.raises((TransientError, UnknownNameError)):
        tree(repo, commit="a" * 40)


def test_refs_are_those_of_branches_and_tags(repo: Bare) -> None:
    run("tag", "v1.0.0", cwd=repo.clone)
    run("tag", "-a", "-m", "A tag", "v1.1.0", cwd=repo.clone)
    run("push", "-q", "--tags", "origin", cwd=repo.clone)
    refs = git.remote_refs(repo.url, repo.cache, allow_file=True)
    assert refs == {
        "refs/heads/main": repo.head,
        "refs/tags/v1.0.0": repo.head,
        "refs/tags/v1.1.0": repo.head,
    }
    with pytest.raises(RefusedError):
        git.remote_refs(repo.url, repo.cache)
    with pytest.raises(UnknownNameError):
        git.remote_refs(f"{repo.url}x", repo.cache, allow_file=True)
