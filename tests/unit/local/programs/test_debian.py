import os
import shutil
import sys
from pathlib import Path

import pytest

from towpath.errors import MissingPartError
from towpath.local.programs import debian
from towpath.local.programs.debian import DebianPackage

PYTHON_LINKS = DebianPackage("nothing", ("surely-not-a-program",))


@pytest.mark.parametrize(
    ("system", "uid", "has_apt", "words"),
    [
        ("Darwin", 0, False, "not for Darwin"),
        ("Linux", 0, False, "no apt-get"),
        ("Linux", 1000, True, "only root"),
        ("Linux", 0, True, None),
    ],
)
def test_where_packages_cannot_be_installed_one_clause_says_why(
    system: str, uid: int, has_apt: bool, words: str | None
) -> None:
    reason = debian.obstacle(system, uid, has_apt=has_apt)
    assert reason is None if words is None else reason is not None and words in reason


def test_what_is_missing_and_the_way_out_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(
        shutil, "which", lambda name, path=None: f"/bin/{name}" if name == "apt-get" else None
    )
    with pytest.raises(MissingPartError) as caught:
        debian.refuse_if_impossible(
            [DebianPackage("docker.io", ("dockerd",)), DebianPackage("runc", ("runc",))]
        )
    assert caught.value.message == (
        "this machine lacks dockerd (package docker.io), runc, and only root may install them"
    )
    remedy = caught.value.remedy or ""
    assert "apt-get install --no-install-recommends docker.io runc" in remedy
    assert "KUBECONFIG" in remedy
    assert "DOCKER_HOST" in remedy


def test_nothing_missing_is_never_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    debian.refuse_if_impossible([DebianPackage("sh", ("sh",))])


def test_programs_count_not_packages() -> None:
    assert DebianPackage("no-such-package", ("sh",)).missing() == []
    assert PYTHON_LINKS.missing() == ["surely-not-a-program"]


def test_programs_with_folders_of_their_own_are_not_looked_for_on_the_path(tmp_path: Path) -> None:
    package = DebianPackage("plugins", ("sh",), (str(tmp_path),))
    assert package.missing() == ["sh"]
    (tmp_path / "sh").symlink_to("/bin/sh")
    assert package.missing() == []


def test_a_program_of_the_wrong_kind_is_missing() -> None:
    assert DebianPackage("sh", ("sh",), check=lambda _: False).missing() == ["sh"]


def test_a_dynamic_program_is_not_static_and_a_script_is_neither(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert not debian.is_static(script)
    assert not debian.is_static(Path("/bin/sh").resolve())


def test_what_a_simulation_would_remove_is_read() -> None:
    text = "Inst busybox-static (1.35)\nRemv busybox [1.35]\nRemv containerd.io [1.7] [docker-ce]\n"
    assert debian.removals(text) == {"busybox", "containerd.io"}
    assert debian.removals("Inst runc (1.1)\n") == set()


def test_the_policy_that_was_there_comes_back(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o750)
    with debian.services_stay_stopped(policy):
        assert os.system(str(policy)) >> 8 == 101
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert policy.stat().st_mode & 0o777 == 0o750
    assert list(tmp_path.iterdir()) == [policy]


def test_where_there_was_no_policy_there_is_none_afterwards(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), debian.services_stay_stopped(tmp_path / "policy-rc.d"):
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []


def test_a_policy_left_by_a_killed_run_is_put_right_by_the_next(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("the user's")
    abandoned = debian.services_stay_stopped(policy)
    abandoned.__enter__()
    with debian.services_stay_stopped(policy):
        pass
    assert policy.read_text() == "the user's"
    assert list(tmp_path.iterdir()) == [policy]


def test_programs_outside_of_the_path_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert debian.find("sh") is not None
    assert debian.find("surely-not-a-program") is None
