"""Decides at `up` whether each agent gets an operating-system user of its own, and makes the users."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import towpath
from towpath.adapters.process import CommandError, run
from towpath.errors import TowpathError
from towpath.local.common.stack import POOLS, ROLES, SYSTEM_PATH, Stack
from towpath.local.common.system import effective_user
from towpath.local.users.passwd import User, join_group, make_users, missing_programs
from towpath.local.users.ways import open_ways

PROBE = """
import importlib.util, os, sys
for path in sys.argv[1:]:
    if not os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0)):
        sys.exit(path)
for package in ("towpath", "prefect", "supervisor"):
    if importlib.util.find_spec(package) is None:
        sys.exit(package)
"""
"""Ends with the name of the first thing that the user who runs it cannot read."""
ROOTS_CREDENTIALS = ("SSH_AUTH_SOCK", "GIT_SSH_COMMAND")


def settle_users(stack: Stack, environ: Mapping[str, str]) -> tuple[Stack, str]:
    """The stack with users, which are made; or with one user for all parts, and the reason."""
    one = replace(stack.options, users=False)
    if reason := obstacle(stack, environ):
        return stack.with_options(one), reason
    own = stack.with_options(replace(stack.options, users=True))
    try:
        made = make_users(stack.layout)
        _admit_to_engine(own, made)
        needed = paths(own, environ)
        open_ways(own.layout, [*needed, own.layout.git], [made[role].uid for role in ROLES])
        for role in POOLS:
            _probe(made[role], own, needed)
    except (TowpathError, OSError) as error:
        return stack.with_options(one), str(error)
    return own, ""


def obstacle(stack: Stack, environ: Mapping[str, str]) -> str:
    """Why this stack cannot have users; empty when nothing is known against it."""
    if effective_user() != 0:
        return "only root can make users"
    if missing := missing_programs():
        return f"this machine lacks {', '.join(missing)}"
    if not stack.own_repositories:
        named = [name for name in ROOTS_CREDENTIALS if environ.get(name)]
        if named:
            return f"{named[0]} leads to root's credentials for the given environment repository"
        if stack.local_repositories:
            return f"{stack.environments_url} belongs to somebody else"
    if not stack.own_registry and environ.get("DOCKER_CONFIG"):
        return "DOCKER_CONFIG leads to root's credentials for the given registry"
    return ""


def paths(stack: Stack, environ: Mapping[str, str]) -> list[Path]:
    """What every user of the stack must be able to read."""
    named = [Path(sys.prefix), Path(sys.base_prefix), Path(stack.python), stack.project]
    named += [Path(towpath.__file__)]
    named += [path for path in (stack.settings.tools,) if path.is_dir()]
    if stack.settings.tools.is_dir():
        named += [path for path in stack.settings.tools.iterdir() if path.exists()]
    if stack.settings.trivy:
        named.append(Path(stack.settings.trivy))
    named += [Path(environ[name]) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environ.get(name)]
    return named


def _admit_to_engine(stack: Stack, made: Mapping[str, User]) -> None:
    """Membership in the group of a given Docker Engine's socket, for the agent that builds alone."""
    scheme, _, path = stack.docker_host.partition("://")
    if stack.own_engine or scheme != "unix":
        return
    status = Path(path).stat()
    if status.st_mode & 0o006 == 0o006:
        return
    if not status.st_mode & 0o020 or status.st_gid == 0:
        raise OSError(f"only root may use the Docker Engine at {path}")
    import grp

    join_group(made["build"], grp.getgrgid(status.st_gid).gr_name)


def _probe(user: User, stack: Stack, needed: list[Path]) -> None:
    """OSError when the user cannot read something that it needs."""
    command = ["setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", "--init-groups", "--"]
    command += [stack.python, "-I", "-c", PROBE, *map(str, needed)]
    try:
        run(command, env={"PATH": f"{SYSTEM_PATH}{os.pathsep}{stack.search_path}"}, cwd=Path("/"))
    except CommandError as error:
        raise OSError(f"{user.name} cannot read {error.output or error.message}") from error
