"""Real repositories and real pushes; faults come from hooks, sockets and folders that misbehave."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.adapters.git.repositories import MARKER, Bare, run
from towpath.adapters import git
from towpath.errors import (
    ConflictError,
    MissingPartError,
    RefusedError,
    TowpathError,
    TransientError,
    UnknownNameError,
)
from towpath.redact import redact


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "server")


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/environments.git"


# ---- URLs


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/team/app.git",
        "https://github.com:8443/team/app",
        "ssh://git@github.com/team/app.git",
        "git@github.com:team/app.git",
        *("github.com:team/app.git", "work:team/app.git", "git@h:app.git"),
        "http://127.0.0.1:3000/app.git",
        "http://[::1]:3000/app.git",
    ],
)
def test_urls_that_are_allowed(url: str) -> None:
    assert git.check_url(url, allow_file=False).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-uploadpack=touch /tmp/x",
        "--upload-pack=x",
        "ext::sh -c id",
        "ext::sh%20-c%20id",
        "fd::17",
        "http::https://example.com/x",
        "git://example.com/app.git",
        "http://example.com/app.git",
        "ftp://example.com/app.git",
        "ssh://-oProxyCommand=id/app.git",
        "ssh://git:secret@example.com/app.git",
        "-oProxyCommand=id@host:path",
        "git@-host:path",
        *("-host:path", "host:-path", "C:path", "C:/path", "@host:path", "169.254.169.254:x", "host:"),
        "git@host:-path",
        "https://169.254.169.254/latest",
        "https://example.com/app.git\nx",
        "https:///app.git",
        "https://example.com:port/x",
        "file:///srv/app.git",
        "/srv/app.git",
        "../app.git",
        "app",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        git.check_url(url, allow_file=False)


def test_a_local_repository_must_be_allowed_and_leads_nowhere_else() -> None:
    assert git.check_url("/srv/app.git", allow_file=True).url == "/srv/app.git"
    with pytest.raises(RefusedError):
        git.check_url("file:///srv/../etc", allow_file=True)
    with pytest.raises(RefusedError):
        git.check_url("file://host/srv", allow_file=True)


def test_hosts_can_be_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_GIT_HOSTS", "git.example.com, 127.0.0.1")
    git.check_url("https://git.example.com/x", allow_file=False)
    git.check_url("git@Git.Example.com:x", allow_file=False)
    monkeypatch.setenv("TOWPATH_GIT_HOSTS", "Git.example.com")
    git.check_url("https://git.EXAMPLE.com/x", allow_file=False)
    with pytest.raises(RefusedError, match="TOWPATH_GIT_HOSTS allows"):
        git.check_url("https://evil.example.com/x", allow_file=False)


def test_credentials_of_a_url_are_never_shown(tmp_path: Path) -> None:
    remote = git.check_url("https://ann:canary-4711@127.0.0.1:1/app.git", allow_file=False)
    assert "canary" not in f"{remote} {remote!r} {remote.url}"
    with pytest.raises(TransientError) as caught:
        git.fetch_checkout("http://ann:canary-4711@127.0.0.1:1/app.git", "main", tmp_path)
    error: BaseException | None = caught.value
    while error:
        assert "canary" not in str(error)
        error = error.__cause__


@pytest.mark.parametrize(
    ("user", "stays"),
    [("shop-team-4711", True), ("ghp-4711-token", False), ("shop-team-4711:pass-9876", True)],
)
def test_an_account_that_the_path_names_is_no_secret(user: str, stays: bool) -> None:
    git.check_url(f"https://{user}@dev.example.com/shop-team-4711/shop/_git/app", allow_file=False)
    name, _, password = user.partition(":")
    assert (name in redact(f"of {name} and {password}")) is stays
    assert not password or password not in redact(f"of {password}")


# ---- checkouts


def test_a_checkout_is_a_folder_per_commit_that_is_made_once(bare: Bare) -> None:
    first = bare.fetch()
    assert first.commit == bare.head
    assert (first.path / "a.txt").read_text() == "one\n"
    assert bare.fetch(bare.head).path == first.path
    bare.push("a.txt", "two\n")
    second = bare.fetch()
    assert (second.path / "a.txt").read_text() == "two\n"
    assert (first.path / "a.txt").read_text() == "one\n"
    assert not [path for path in first.path.parent.iterdir() if path.name.startswith(".")]


def test_a_commit_that_is_known_needs_no_server(bare: Bare) -> None:
    head = bare.fetch().commit
    bare.path.rename(bare.path.with_name("away.git"))
    assert bare.fetch(head).commit == head
    with pytest.raises(UnknownNameError, match="repository"):
        bare.fetch("main")


def test_revisions_by_branch_tag_and_abbreviated_commit(bare: Bare) -> None:
    run("tag", "-a", "v1", "-m", "v1", cwd=bare.clone)
    run("push", "-q", "origin", "v1", cwd=bare.clone)
    for revision in ("main", "v1", bare.head, bare.head[:8]):
        assert git.resolve_revision(bare.url, revision, bare.cache, allow_file=True) == bare.head


def test_an_unknown_revision_names_the_nearest(bare: Bare) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean main"):
        git.resolve_revision(bare.url, "mian", bare.cache, allow_file=True)


@pytest.mark.parametrize("revision", ["-x", "--all", "a..b", "main@{1}", "main^", "a b", "", "x:y"])
def test_a_revision_is_never_an_option_or_an_expression(bare: Bare, revision: str) -> None:
    with pytest.raises(RefusedError):
        bare.fetch(revision)


def test_files_come_as_they_were_committed(bare: Bare) -> None:
    """Attributes of the repository itself do not translate, filter or leave out anything."""
    bare.push(".gitattributes", "* text eol=crlf ident export-ignore filter=x\n")
    bare.push("id.txt", "$Id$\n")
    checkout = bare.fetch()
    assert (checkout.path / "id.txt").read_bytes() == b"$Id$\n"


def test_hooks_and_configuration_of_the_user_do_nothing(
    bare: Bare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "post-checkout", "pre-commit", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
        (hooks / name).chmod(0o755)
    (tmp_path / ".gitconfig").write_text(
        f'[core]\n hooksPath = {hooks}\n[url "https://evil.example.com/"]\n insteadOf = file:///\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    bare.fetch()
    bare.commit({"a.txt": "two\n"})
    assert not (tmp_path / "ran").exists()


def test_submodules_stay_empty(bare: Bare, tmp_path: Path) -> None:
    other = Bare(tmp_path / "other")
    run(
        *("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "sub"),
        cwd=bare.clone,
    )
    bare.push("c.txt", "x")
    checkout = bare.fetch()
    assert list((checkout.path / "sub").iterdir()) == []


def test_parallel_checkouts_of_one_commit_agree(bare: Bare) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(bare.fetch().path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


# ---- faults


def test_a_closed_port_is_transient_and_quick(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(TransientError, match="cannot be reached"):
        git.fetch_checkout("http://127.0.0.1:1/app.git", "main", tmp_path)
    assert time.monotonic() - started < 30


def test_a_server_that_never_answers_is_given_up_in_time(silent_server: str, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(TransientError, match="did not answer within 1 s"):
        git.fetch_checkout(silent_server, "main", tmp_path, timeout=1)
    assert time.monotonic() - started < 30


def test_no_repository_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Git repository"):
        git.fetch_checkout(f"file://{tmp_path}/none.git", "main", tmp_path / "cache", allow_file=True)


def test_a_fetch_that_was_killed_leaves_nothing_in_the_way(bare: Bare) -> None:
    mirror = bare.fetch().mirror
    for name in ("packed-refs.lock", "HEAD.lock", "refs/heads/main.lock"):
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).write_text("")
    (mirror / "info/attributes").unlink()  # killed before the mirror was made to the end
    head = bare.push("a.txt", "two\n")
    assert bare.fetch().commit == head


def test_a_cache_that_cannot_be_written(bare: Bare, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TransientError, match="cannot write the Git cache"):
        git.fetch_checkout(bare.url, "main", tmp_path / "file" / "cache", allow_file=True)


# ---- history


def test_history_of_a_path_with_trailers(bare: Bare) -> None:
    bare.commit({"a.txt": "two\n"})
    checkout = bare.fetch()
    newest, first = git.log(checkout, ["a.txt"])
    assert newest.subject == "Promote"
    assert newest.trailers == {"Towpath-App": ["hello"], MARKER[0]: [MARKER[1]]}
    assert (newest.author, newest.author_email) == ("Alice", "alice@example.com")
    assert newest.committed_at.endswith("Z")
    assert first.author == "Ann"
    assert git.log(bare.url, ["a.txt"], 1, cache=bare.cache, allow_file=True) == [newest]
    assert git.read_commit(checkout) == newest
    assert git.read_file(checkout, "a.txt", first.sha) == "one\n"
    assert git.read_file(checkout, "none.txt") is None


def test_the_history_of_many_files_is_that_of_each(bare: Bare) -> None:
    forged = f"Change\n\nbody\x1e{'f' * 40}\n{'e' * 40}\n"
    bare.push("b.txt", "two\n", message=forged)
    bare.commit({"a.txt": "two\n", "b.txt": "three\n"})
    run("pull", "-q", "--rebase", "origin", "main", cwd=bare.clone)
    run("checkout", "-q", "-b", "side", "HEAD~1", cwd=bare.clone)
    (bare.clone / "side.txt").write_text("x")
    run("add", "-A", cwd=bare.clone)
    # The order of commits on two branches is that of their times.
    run("commit", "-q", "-m", "Beside", cwd=bare.clone, at="2026-01-01T00:00:00Z")
    run("checkout", "-q", "main", cwd=bare.clone)
    run("merge", "-q", "--no-ff", "-m", "Merge", "side", cwd=bare.clone)
    run("push", "-q", "origin", "main", cwd=bare.clone)
    checkout, paths = bare.fetch(), ["a.txt", "b.txt", "side.txt", "none.txt"]
    assert git.log_files(checkout, paths, 100) == {path: git.log(checkout, [path]) for path in paths}
    assert [len(each) for each in git.log_files(checkout, paths, 2).values()] == [1, 1, 0, 0]


def test_tree_ids_are_equal_while_the_content_is(bare: Bare) -> None:
    bare.push("apps/x.txt", "x")
    before = bare.fetch()
    bare.push("a.txt", "two\n")
    after = bare.fetch()
    assert git.tree_id(before, "apps") == git.tree_id(after, "apps") is not None
    assert git.tree_id(before) != git.tree_id(after)
    assert git.tree_id(after, "none") is None


def test_a_forced_push_is_seen(bare: Bare) -> None:
    applied = bare.fetch().commit
    assert git.is_ancestor(bare.fetch(), applied)
    run("reset", "-q", "--hard", "HEAD~1", cwd=bare.clone)
    bare.push("c.txt", "x", "--force")
    rewritten = bare.fetch()
    assert not git.is_ancestor(rewritten, applied)
    assert not git.is_ancestor(rewritten, "f" * 40)
    with pytest.raises(ConflictError, match="rewritten"):
        bare.commit({"a.txt": "two\n"}, base=applied)


def test_commits_outside_the_history_are_told_all_at_once(bare: Bare) -> None:
    first = bare.fetch().commit
    lost = bare.push("c.txt", "x")
    bare.fetch()
    run("reset", "-q", "--hard", "HEAD~1", cwd=bare.clone)
    bare.push("c.txt", "y", "--force")
    rewritten = bare.fetch()
    assert git.outside_history(rewritten, [first, rewritten.commit]) == []
    assert git.outside_history(rewritten, []) == []
    assert git.outside_history(rewritten, [first, lost, "f" * 40, "none"]) == sorted([lost, "f" * 40, "none"])


def test_trees_are_listed_two_levels_deep_and_links_are_told(bare: Bare) -> None:
    bare.push("apps/x/dev/y.txt", "x")
    trees = git.list_trees(bare.fetch())
    assert set(trees) == {".", "a.txt", "b.txt", "apps", "apps/x"}
    assert trees["apps/x"] == git.tree_id(bare.fetch(), "apps/x")
    (bare.clone / "apps/x/dev/link").symlink_to("../../../a.txt")
    bare.push("a.txt", "two\n")
    assert "@links" in git.list_trees(bare.fetch())


# ---- commits


def test_a_commit_changes_only_what_it_says(bare: Bare) -> None:
    (bare.clone / "run.sh").write_text("#!/bin/sh\n")
    (bare.clone / "run.sh").chmod(0o755)
    bare.push("d/e.txt", "e")
    sha = bare.commit({"a.txt": "two\n", "new/file.txt": "ü", "b.txt": None, "run.sh": "#!/bin/sh\ntrue\n"})
    assert bare.head == sha
    listed = run("ls-tree", "-r", "main", cwd=bare.path)
    assert sorted(line.partition("\t")[2] for line in listed.splitlines()) == [
        "a.txt",
        "d/e.txt",
        "new/file.txt",
        "run.sh",
    ]
    assert "100755" in next(line for line in listed.splitlines() if line.endswith("run.sh"))
    assert run("show", "main:new/file.txt", cwd=bare.path) == "ü"


def test_nothing_to_change_makes_no_commit(bare: Bare) -> None:
    head = bare.head
    assert bare.commit({"a.txt": "one\n", "none.txt": None}) == head
    assert bare.head == head


def test_the_same_promotion_again_is_the_same_commit(bare: Bare) -> None:
    base = bare.head
    first = bare.commit({"a.txt": "two\n"}, base=base)
    run("pull", "-q", "origin", "main", cwd=bare.clone)
    bare.push("b.txt", "later\n")
    assert bare.commit({"a.txt": "two\n"}, base=base) == first
    assert bare.commit({"a.txt": "two\n"}, base=bare.head) == bare.head  # nothing left to do


def test_another_file_changed_meanwhile_is_merged_by_doing_it_again(bare: Bare) -> None:
    base = bare.head
    bare.push("b.txt", "theirs\n")
    bare.commit({"a.txt": "ours\n"}, base=base)
    assert run("show", "main:a.txt", cwd=bare.path) == "ours"
    assert run("show", "main:b.txt", cwd=bare.path) == "theirs"


@pytest.mark.parametrize("watched", [(), ("b.txt",)])
def test_the_same_file_changed_meanwhile_is_a_conflict_that_says_by_whom(
    bare: Bare, watched: tuple[str, ...]
) -> None:
    base = bare.head
    head = bare.push("b.txt" if watched else "a.txt", "theirs\n")
    with pytest.raises(ConflictError, match=r"changed meanwhile by Ann in [0-9a-f]{7} \(A person's change\)"):
        bare.commit({"a.txt": "ours\n"}, base=base, expected_unchanged=watched)
    assert bare.head == head


def test_a_push_that_comes_between_is_raced_again(bare: Bare) -> None:
    calls: list[Path] = []

    def edits(folder: Path) -> dict[str, str | None]:
        calls.append(folder)
        if len(calls) < 3:
            bare.push("b.txt", f"{len(calls)}\n")
        return {"a.txt": "ours\n"}

    sha = bare.commit(edits)
    assert bare.head == sha
    assert len(calls) == 3


def test_what_was_fetched_last_is_enough_for_a_commit_and_its_checkout(
    bare: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bare.fetch()
    for module in ("checkout", "write.commit"):
        monkeypatch.setattr(f"towpath.adapters.git.{module}.fetch", None)  # the server is not asked
    sha = bare.commit({"a.txt": "two\n"}, base=before.commit)
    after = git.last_checkout(bare.url, "main", bare.cache, allow_file=True)
    assert (after.commit, bare.head) == (sha, sha)
    assert (after.path / "a.txt").read_text() == "two\n"
    assert git.last_checkout(bare.url, before.commit, bare.cache, allow_file=True).path == before.path
    with pytest.raises(UnknownNameError):
        git.last_checkout(bare.url, "none", bare.cache, allow_file=True)


def test_a_branch_that_was_set_back_since_the_last_fetch_gets_nothing_of_it_again(bare: Bare) -> None:
    applied = bare.push("b.txt", "wrong\n")
    bare.fetch()
    run("reset", "-q", "--hard", "HEAD~1", cwd=bare.clone)
    run("push", "-q", "--force", "origin", "main", cwd=bare.clone)
    head = bare.head
    with pytest.raises(ConflictError, match="rewritten"):
        bare.commit({"a.txt": "two\n"}, base=applied)
    assert bare.head == head


def test_somebody_who_always_pushes_first_ends_after_ten_tries(bare: Bare) -> None:
    calls: list[Path] = []

    def edits(folder: Path) -> dict[str, str | None]:
        calls.append(folder)
        bare.push("b.txt", f"{len(calls)}\n")
        return {"a.txt": "ours\n"}

    with pytest.raises(TransientError, match="lost 10 races"):
        bare.commit(edits)
    assert len(calls) == 10


def test_many_writers_at_once_all_get_in_once(bare: Bare) -> None:
    before, base = bare.count(), bare.head
    errors: list[TowpathError] = []

    def write(number: int) -> None:
        try:
            bare.commit({f"{number}.txt": "x"}, base=base, marker=(MARKER[0], f"promote-{number}"))
        except TowpathError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert bare.count() == before + 5


def test_a_lost_reply_is_recognised_and_not_repeated(bare: Bare) -> None:
    """The server takes the push and dies before it answers."""
    before = bare.count()
    bare.hook("post-update", "kill -9 $PPID; sleep 0.2")
    sha = bare.commit({"a.txt": "two\n"})
    assert bare.head == sha
    assert bare.count() == before + 1


def test_a_reply_that_never_comes_is_recognised_too(bare: Bare) -> None:
    before = bare.count()
    bare.hook("post-update", "sleep 60")
    started = time.monotonic()
    sha = bare.commit({"a.txt": "two\n"}, timeout=5)
    assert time.monotonic() - started < 50
    assert bare.head == sha
    assert bare.count() == before + 1


def test_a_push_that_a_hook_declines_is_refused_with_its_reason(bare: Bare) -> None:
    head = bare.head
    bare.hook("pre-receive", "echo 'frozen until Monday' >&2; exit 1")
    with pytest.raises(RefusedError, match="frozen until Monday"):
        bare.commit({"a.txt": "two\n"})
    assert bare.head == head


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", ".git/config", "-x", "a\nb", ""])
def test_a_path_outside_of_the_repository_is_refused(bare: Bare, path: str) -> None:
    with pytest.raises(RefusedError):
        bare.commit({path: "x"})


def test_a_symbolic_link_is_not_written_through(bare: Bare, tmp_path: Path) -> None:
    (bare.clone / "link").symlink_to(tmp_path)
    bare.push("c.txt", "x")
    with pytest.raises(RefusedError, match="symbolic link"):
        bare.commit({"link/x.txt": "x"})


def test_no_right_to_push(bare: Bare) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    bare.path.chmod(0o500)
    with pytest.raises((MissingPartError, RefusedError)):
        bare.commit({"a.txt": "two\n"})


def test_a_commits_subject_and_author_cannot_steer_a_terminal(tmp_path: Path) -> None:
    bare = Bare(tmp_path / "bare")
    message, author = "Fix \x1b[2J\x1b]0;title\x07it\n\nbody", "A\x1b[31mnn <ann@example.com>"
    run("commit", "-q", "--allow-empty", "-m", message, "--author", author, cwd=bare.clone)
    run("push", "-q", "origin", "HEAD:main", cwd=bare.clone)
    found = git.read_commit(git.fetch_checkout(bare.url, "main", bare.cache, allow_file=True))
    assert (found.subject, found.author) == ("Fix it", "Ann")
