"""Files of the stack belong to who needs them."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from towpath.local.common.stack import Stack
from towpath.local.users import ownership
from towpath.local.users.passwd import User

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local stack runs on Linux")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
USER = User("somebody", 4001, 4001)


def owner(path: Path) -> tuple[int, int]:
    return path.lstat().st_uid, stat.S_IMODE(path.lstat().st_mode)


def test_with_one_user_nobody_else_may_enter(described: Stack) -> None:
    described.layout.root.mkdir(parents=True)
    described.layout.root.chmod(0o711)  # of an earlier start with users
    ownership.hand_over(described)
    for folder in (described.layout.root, described.layout.credentials, described.layout.git):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@as_root
def test_a_folder_is_given_whole_without_following_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("marker")
    home = tmp_path / "home"
    (home / "a" / "b").mkdir(parents=True)
    (home / "a" / "b" / "file").write_text("x")
    (home / "to-folder").symlink_to(outside)
    (home / "to-file").symlink_to(outside / "file")
    os.link(outside / "file", home / "second-name")
    ownership.give_folder(home, USER)
    assert owner(home) == (4001, 0o700)
    assert owner(home / "a" / "b" / "file")[0] == owner(home / "to-folder")[0] == 4001
    assert owner(outside)[0] == owner(outside / "file")[0] == owner(home / "second-name")[0] == 0


@as_root
def test_credentials_are_the_user_s_and_their_folder_is_root_s(tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    folder.mkdir()
    (folder / "kubeconfig").write_text("marker")
    (folder / "kubeconfig").chmod(0o600)
    (folder / "link").symlink_to("/etc/hostname")
    before = Path("/etc/hostname").stat().st_uid
    ownership.give_files(folder, USER)
    assert owner(folder) == (0, 0o711)
    assert owner(folder / "kubeconfig") == (4001, 0o600)
    assert Path("/etc/hostname").stat().st_uid == before


@as_root
def test_every_role_has_its_own(described: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = ("build", "dev", "staging", "prod", "prefect", "registry", "cluster", "git")
    made = {role: User(role, 4001 + index, 4001 + index) for index, role in enumerate(roles)}
    monkeypatch.setattr(ownership, "users", lambda _layout: made)
    stack = described.with_options(replace(described.options, users=True))
    for environment in ("dev", "staging", "prod"):
        path = stack.layout.kubeconfig(environment)
        path.parent.mkdir(parents=True)
        path.write_text("marker")
    ownership.hand_over(stack)
    ownership.hand_over(stack)
    for environment in ("dev", "staging", "prod"):
        assert owner(stack.layout.kubeconfig(environment))[0] == made[environment].uid
        assert owner(stack.layout.home_of(f"agent-{environment}")) == (made[environment].uid, 0o700)
    assert owner(stack.layout.data / "prefect") == (made["prefect"].uid, 0o700)
    assert owner(stack.layout.git_config) == (0, 0o644)
    assert "environments.git" in stack.layout.git_config.read_text()


def git(*arguments: "str | Path", user: int | None = None, home: Path) -> "subprocess.CompletedProcess[str]":
    (home / "safe").write_text("[safe]\n\tdirectory = *\n[user]\n\tname = x\n\temail = x@example.com\n")
    return subprocess.run(
        ["git", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": str(home / "safe"), "GIT_CONFIG_NOSYSTEM": "1"},
        user=user,
        group=4100 if user else None,
        extra_groups=[] if user else None,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that other users can get to: pytest closes the folders above its own again."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@as_root
def test_who_shares_a_repository_pushes_but_cannot_change_what_others_run(shared: Path) -> None:
    repository = shared / "r.git"
    seed = shared / "seed"
    assert git("init", "-q", "-b", "main", seed, home=shared).returncode == 0
    assert git("-C", seed, "commit", "-q", "--allow-empty", "-m", "First", home=shared).returncode == 0
    assert git("clone", "-q", "--bare", seed, repository, home=shared).returncode == 0
    ownership.share(repository, 4100, pushes=True)
    ownership.share(repository, 4100, pushes=True)
    for user in (4001, 4002):
        home = shared / str(user)
        home.mkdir(mode=0o700)
        os.chown(home, user, 4100)
        clone = home / "clone"
        assert git("clone", "-q", repository, clone, user=user, home=home).returncode == 0
        done = git("-C", clone, "commit", "-q", "--allow-empty", "-m", f"Of {user}", user=user, home=home)
        assert done.returncode == 0, done.stderr
        done = git("-C", clone, "push", "-q", "origin", "HEAD:main", user=user, home=home)
        assert done.returncode == 0, done.stderr
    said = git("--git-dir", repository, "log", "--format=%s", home=shared).stdout.split("\n")
    assert said[:3] == ["Of 4002", "Of 4001", "First"]
    for tried in ("hooks/pre-receive", "config", "commondir", "config.worktree", "packed-refs", "HEAD"):
        done = subprocess.run(
            ["/bin/sh", "-c", ': >> "$0"', repository / tried],
            user=4001,
            group=4100,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
        assert done.returncode != 0, tried
        assert b"ermission denied" in done.stderr
