"""Which users are a stack's own, and in which order they come and go."""

import grp
import pwd
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from towpath.adapters.process import CommandError
from towpath.errors import TerminalError
from towpath.local.common.layout import Layout
from towpath.local.common.stack import REPOSITORIES_ROLE, ROLES
from towpath.local.users import passwd


class Machine:
    """The machine's users; what runs is noted."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {"root": "root"}
        self.groups: set[str] = {"root"}
        self.ran: list[list[str]] = []

    def run(self, command: list[str]) -> None:
        self.ran.append(command)
        name = command[-1]
        match command[0]:
            case "useradd":
                if name in self.groups:
                    raise CommandError(command, 9, "", reason="exited with code 9")
                self.users[name] = command[command.index("--comment") + 1]
                self.groups.add(name)
            case "userdel":
                del self.users[name]
                self.groups.discard(name)
            case "groupdel":
                self.groups.remove(name)

    def entries(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(pw_name=name, pw_uid=900 + index, pw_gid=900 + index, pw_gecos=comment)
            for index, (name, comment) in enumerate(self.users.items())
        ]

    def by_name(self, name: str) -> SimpleNamespace:
        return {entry.pw_name: entry for entry in self.entries()}[name]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine()
    monkeypatch.setattr(passwd, "run", made.run)
    monkeypatch.setattr(pwd, "getpwall", made.entries)
    monkeypatch.setattr(pwd, "getpwnam", made.by_name)
    monkeypatch.setattr(grp, "getgrall", lambda: [SimpleNamespace(gr_name=name) for name in made.groups])
    return made


def test_two_stacks_share_no_user(machine: Machine) -> None:
    one, other = Layout(Path("/one/local")), Layout(Path("/other/local"))
    names = {
        layout.root: {user.name for user in passwd.make_users(layout).values()} for layout in (one, other)
    }
    assert not names[one.root] & names[other.root]
    assert all(len(name) <= 32 for name in names[one.root])
    passwd.remove_users(one)
    assert passwd.users(one) == {}
    assert {user.name for user in passwd.users(other).values()} == names[other.root]


def test_what_was_interrupted_goes_on(machine: Machine) -> None:
    layout = Layout(Path("/one/local"))
    passwd.make_users(layout)
    del machine.users[layout.user("prod")]  # its group is left, as by a killed useradd
    machine.ran.clear()
    assert set(passwd.make_users(layout)) == {REPOSITORIES_ROLE, *ROLES}
    assert [command[0] for command in machine.ran] == ["useradd", "groupdel", "useradd"]
    passwd.remove_users(layout)
    machine.groups.add(layout.user("dev"))
    passwd.remove_users(layout)
    assert (set(machine.users), machine.groups) == ({"root"}, {"root"})


def test_the_group_of_the_repositories_goes_last(machine: Machine) -> None:
    layout = Layout(Path("/one/local"))
    passwd.make_users(layout)
    machine.ran.clear()
    passwd.remove_users(layout)
    assert machine.ran[-1] == ["userdel", layout.user(REPOSITORIES_ROLE)]


def test_somebody_else_s_user_is_neither_used_nor_removed(machine: Machine) -> None:
    layout = Layout(Path("/one/local"))
    machine.users[layout.user("dev")] = "a person"
    with pytest.raises(TerminalError, match="this stack has not made"):
        passwd.make_users(layout)
    passwd.remove_users(layout)
    assert layout.user("dev") in machine.users
    assert "dev" not in passwd.users(layout)


def test_only_agents_push(machine: Machine) -> None:
    layout = Layout(Path("/one/local"))
    passwd.make_users(layout)
    members = {command[-1] for command in machine.ran if "--groups" in command}
    assert members == {layout.user(role) for role in ("build", "dev", "staging", "prod")}
