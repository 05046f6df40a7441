"""Entries of access control lists come and go, and leave no trace."""

import errno
import os
import sys
import tempfile
from pathlib import Path

import pytest

from towpath.local.users import acl
from towpath.local.users.acl import Entry

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local stack runs on Linux")


def entries(folder: Path) -> list[Entry]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return acl.read(descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture(params=[0o700, 0o750, 0o710, 0o770, 0o755, 0o000])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    made.chmod(request.param)
    try:
        acl.allow_search(tmp_path, [12345])
    except OSError as error:
        assert error.errno == errno.EOPNOTSUPP
        pytest.skip("this file system has no access control lists")
    return made


def test_a_folder_is_after_removal_as_it_was_before(folder: Path) -> None:
    if os.geteuid() != 0 and not folder.stat().st_mode & 0o400:
        pytest.skip("only root opens it")
    mode, before = folder.stat().st_mode, entries(folder)
    acl.allow_search(folder, [4001, 3999])
    named = [entry for entry in entries(folder) if entry.id in (3999, 4001)]
    assert [(entry.id, entry.rights) for entry in named] == [(3999, acl.SEARCH), (4001, acl.SEARCH)]
    acl.allow_search(folder, [4001])  # again changes nothing
    acl.allow_search(folder, [5000])  # of another stack
    acl.forget(folder, [3999, 4001])
    assert [entry.id for entry in entries(folder) if entry.id < 2**31] == [5000]
    acl.forget(folder, [5000])
    assert (folder.stat().st_mode, entries(folder)) == (mode, before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_who_is_let_through_may_not_look_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    # pytest closes the folders above its own again and again.
    with tempfile.TemporaryDirectory() as folder:
        closed = Path(folder)
        for name, mode in (("public", 0o644), ("private", 0o600)):
            (closed / name).write_text("marker")
            (closed / name).chmod(mode)
        try:
            acl.allow_search(closed, [4001])
        except OSError as error:
            assert error.errno == errno.EOPNOTSUPP
            pytest.skip("this file system has no access control lists")
        assert as_user(4001, "open(sys.argv[1] + '/public').read()", closed) == 0
        assert as_user(4001, "open(sys.argv[1] + '/private').read()", closed) == 1
        assert as_user(4001, "os.listdir(sys.argv[1])", closed) == 1
        assert as_user(4002, "open(sys.argv[1] + '/public').read()", closed) == 1


def as_user(uid: int, code: str, *arguments: Path) -> int:
    """Run this as another user; 1 when it is refused."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            sys.argv = ["x", *map(str, arguments)]
            eval(code, {"os": os, "sys": sys})
        except PermissionError:
            os._exit(1)
        except BaseException:  # noqa: BLE001 - the child ends here
            os._exit(2)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
