"""When a stack stays on one user, and what it says."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from towpath.errors import TerminalError
from towpath.local.common.stack import Options, Stack
from towpath.local.users import settle
from towpath.local.users.settle import PROBE, obstacle, settle_users


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "effective_user", lambda: 0)
    monkeypatch.setattr(settle, "missing_programs", list)


@pytest.mark.usefixtures("root")
def test_root_s_stack_has_users(described: Stack) -> None:
    assert obstacle(described, {"SSH_AUTH_SOCK": "/agent", "DOCKER_CONFIG": "/docker"}) == ""


def test_without_root_it_says_so(described: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "effective_user", lambda: 1000)
    stack = described.with_options(replace(described.options, users=True))
    settled, why = settle_users(stack, {})
    assert (settled.options.users, why) == (False, "only root can make users")


@pytest.mark.usefixtures("root")
def test_what_this_machine_lacks_is_named(described: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "missing_programs", lambda: ["useradd", "userdel"])
    assert obstacle(described, {}) == "this machine lacks useradd, userdel"


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("options", "environ", "said"),
    [
        (
            Options(environments="ssh://git.example/e.git"),
            {"SSH_AUTH_SOCK": "/agent"},
            "SSH_AUTH_SOCK leads to",
        ),
        (Options(environments="ssh://git.example/e.git"), {"GIT_SSH_COMMAND": "ssh -i k"}, "GIT_SSH_COMMAND"),
        (Options(environments="/srv/e.git"), {}, "/srv/e.git belongs to somebody else"),
        (Options(registry="r.example:443"), {"DOCKER_CONFIG": "/docker"}, "DOCKER_CONFIG leads to"),
        (Options(environments="https://git.example/e.git"), {}, ""),
        (Options(registry="r.example:443"), {}, ""),
    ],
)
def test_root_s_own_credentials_stay_root_s(
    described: Stack, options: Options, environ: dict[str, str], said: str
) -> None:
    assert obstacle(described.with_options(options), environ).startswith(said)
    assert bool(obstacle(described.with_options(options), environ)) == bool(said)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("error", [TerminalError("there is a user x"), OSError("no such lists")])
def test_users_that_cannot_be_made_are_told(
    described: Stack, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_layout: object) -> None:
        raise error

    monkeypatch.setattr(settle, "make_users", fail)
    settled, why = settle_users(described, {})
    assert (settled.options.users, why) == (False, str(error))


def probe(*paths: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-c", PROBE, *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_probe_names_what_cannot_be_read(tmp_path: Path) -> None:
    assert probe(tmp_path).returncode == 0
    missing = tmp_path / "missing"
    done = probe(tmp_path, missing, tmp_path / "other")
    assert (done.returncode, done.stderr.strip()) == (1, str(missing))
    if os.geteuid() != 0:
        tmp_path.chmod(0o600)
        assert probe(tmp_path).returncode == 1
        tmp_path.chmod(0o700)
