"""Makes and removes the users of one stack.

The comment of a user names the stack that made it, so that nothing else needs to be recorded: whatever was
interrupted, `up` goes on with the users that are there, and `down --purge` removes these and no others.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from towpath.adapters.process import CommandError, run
from towpath.errors import TerminalError
from towpath.local.common.layout import Layout
from towpath.local.common.stack import POOLS, REPOSITORIES_ROLE, ROLES, SYSTEM_PATH

PROGRAMS = ("useradd", "userdel", "groupdel", "usermod", "setpriv")
_SHELL = "/usr/sbin/nologin"
_GROUP_EXISTS = 9
"""Exit code of `useradd` when there is a group of the user's name."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of the operating system, and its own group."""

    name: str
    uid: int
    gid: int


def comment(layout: Layout) -> str:
    """What the stack's users have in the place of a person's name."""
    return f"towpath local stack {hashlib.sha256(str(layout.root).encode()).hexdigest()}"


def users(layout: Layout) -> Mapping[str, User]:
    """The users that this stack has made, by role."""
    import pwd

    wanted = comment(layout)
    return {
        entry.pw_name.removeprefix(layout.user("")): User(entry.pw_name, entry.pw_uid, entry.pw_gid)
        for entry in pwd.getpwall()
        if entry.pw_gecos == wanted and entry.pw_name.startswith(layout.user(""))
    }


def missing_programs() -> list[str]:
    """What of PROGRAMS this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name, path=SYSTEM_PATH) is None]


def make_users(layout: Layout) -> Mapping[str, User]:
    """Make the users that are missing. Raises TerminalError when one cannot be made."""
    made = users(layout)
    for role in (REPOSITORIES_ROLE, *ROLES):
        if role not in made:
            _make(layout, role)
    return users(layout)


def _make(layout: Layout, role: str) -> None:
    name = layout.user(role)
    if _is_taken(name):
        raise TerminalError(f"there is a user {name} that this stack has not made")
    command = ["useradd", "--system", "--no-create-home", "--user-group", "--shell", _SHELL]
    command += ["--home-dir", str(layout.home_of(role)), "--comment", comment(layout)]
    if role in POOLS:
        command += ["--groups", layout.user(REPOSITORIES_ROLE)]
    try:
        run([*command, name])
    except CommandError as error:
        if error.code != _GROUP_EXISTS:
            raise
        run(["groupdel", name])  # of a `useradd` that was killed: no user has the name
        run([*command, name])


def join_group(user: User, group: str) -> None:
    """Make the user a member of a group."""
    run(["usermod", "--append", "--groups", group, user.name])


def remove_users(layout: Layout) -> None:
    """Remove the users that this stack has made, and their groups."""
    import grp

    made = users(layout)
    # A group is removed with its user once it has no other members.
    for role in sorted(made, key=lambda role: role == REPOSITORIES_ROLE):
        run(["userdel", made[role].name])
    ours = {layout.user(role) for role in (REPOSITORIES_ROLE, *ROLES)}
    for group in grp.getgrall():
        if group.gr_name in ours and not _is_taken(group.gr_name):
            run(["groupdel", group.gr_name])


def _is_taken(name: str) -> bool:
    import pwd

    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
