"""Which user has which file of the stack. Done again at every `up`; what is right already stays."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from towpath.adapters.process import run
from towpath.local.common.files import write_private
from towpath.local.common.stack import ENVIRONMENTS, POOLS, REPOSITORIES_ROLE, SYSTEM_PATH, Stack
from towpath.local.users.passwd import User, users

_SEARCH_ONLY = 0o711
_CLOSED = 0o700
_CLUSTER_ACCOUNTS = ("pki", "controller-manager", "scheduler")
"""Folders of credentials that the cluster's own parts read."""

DEFAULT = "refs/default"
"""In a repository that agents push to: a symbolic name of its default branch."""


def hand_over(stack: Stack) -> None:
    """Give each user its folders and credentials. Without users, only who starts the stack may enter."""
    layout = stack.layout
    mode = _SEARCH_ONLY if stack.options.users else _CLOSED
    for folder in (layout.root, layout.data, layout.run, layout.credentials, layout.git, layout.home_of("")):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    if not stack.options.users:
        return
    made = users(layout)
    for role, folder in folders(stack):
        folder.mkdir(parents=True, exist_ok=True, mode=_CLOSED)
        give_folder(folder, made[role])
    for role, folder in credentials(stack):
        give_files(folder, made[role])
    for role, file in files(stack):
        if file.exists():
            os.chown(file, made[role].uid, made[role].gid)
    if layout.keys.is_dir():
        layout.keys.chmod(_SEARCH_ONLY)
    write_private(layout.git_config, git_config(stack))
    layout.git_config.chmod(0o644)


def hand_over_kubeconfigs(stack: Stack) -> None:
    """Give each environment's agent its kubeconfig, which was written just now."""
    if stack.options.users:
        made = users(stack.layout)
        for environment in ENVIRONMENTS:
            give_files(stack.layout.kubeconfig(environment).parent, made[environment])


def folders(stack: Stack) -> Iterator[tuple[str, Path]]:
    """Role and folder in which it writes."""
    layout = stack.layout
    for pool in POOLS:
        yield pool, layout.home_of(f"agent-{pool}")
    yield "prefect", layout.home_of("prefect")
    yield "prefect", layout.data / "prefect"
    yield "registry", layout.data / "registry"
    yield "cluster", layout.data / "etcd"


def credentials(stack: Stack) -> Iterator[tuple[str, Path]]:
    """Role and folder whose files it reads."""
    for pool in POOLS:
        yield pool, stack.layout.signing_key(pool).parent
    for environment in ENVIRONMENTS:
        yield environment, stack.layout.kubeconfig(environment).parent
    for name in _CLUSTER_ACCOUNTS:
        yield "cluster", stack.layout.credentials / name


def files(stack: Stack) -> Iterator[tuple[str, Path]]:
    """Role and file of configuration that it reads."""
    yield "registry", stack.layout.run / "registry.json"
    yield "cluster", stack.layout.run / "admission.json"


def git_config(stack: Stack) -> str:
    """Git refuses repositories of somebody else unless they are named in such a file."""
    folder = str(stack.layout.git).replace("\\", "\\\\").replace('"', '\\"')
    return f'[safe]\n\tdirectory = "{folder}/environments.git"\n\tdirectory = "{folder}/hello.git"\n'


def give_files(folder: Path, user: User) -> None:
    """The folder stays root's, so that its user cannot exchange what root writes there; the files are his."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_SEARCH_ONLY)
    for file in folder.iterdir():
        if file.is_file() and not file.is_symlink():
            os.chown(file, user.uid, user.gid)


def give_folder(folder: Path, user: User) -> None:
    """Give a folder and all below. No link is followed, and a file with several names stays whose it is."""
    for _, folders_, files_, descriptor in os.fwalk(folder, topdown=False):
        for name in (*folders_, *files_):
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if status.st_uid == user.uid or (stat.S_ISREG(status.st_mode) and status.st_nlink > 1):
                continue
            os.chown(name, user.uid, user.gid, dir_fd=descriptor, follow_symlinks=False)
    if folder.stat().st_uid != user.uid:
        os.chown(folder, user.uid, user.gid, follow_symlinks=False)
    folder.chmod(_CLOSED)


def share_repositories(stack: Stack) -> None:
    """Let the agents push to the environment repository, and the one that builds read the source."""
    if not stack.options.users:
        return
    made = users(stack.layout)
    share(stack.layout.git / "environments.git", made[REPOSITORIES_ROLE].gid, pushes=True)
    share(stack.layout.git / "hello.git", made["build"].gid, pushes=False)


def share(repository: Path, group: int, *, pushes: bool) -> None:
    """A bare repository that a group reads, and pushes to if `pushes`.

    Its members write branches and objects only. Whoever pushes runs the repository's hooks and obeys its
    configuration, so these stay root's, and nobody can exchange or add any: the folder itself is closed. Thus
    agents cannot delete branches, for which Git makes a file there.
    """
    if pushes:
        _name_default_branch(repository)
    for name, value in (("core.sharedRepository", "0660" if pushes else "0640"), ("gc.auto", "0")):
        run(["git", "--git-dir", repository, "config", name, value], env=_environment(repository))
    for folder, _, files_, descriptor in os.fwalk(repository):
        writes = pushes and Path(folder).relative_to(repository).parts[:1] in (("objects",), ("refs",))
        _chown(descriptor, group, 0o2770 if writes else 0o2750)
        for name in files_:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                os.chown(name, -1, group, dir_fd=descriptor, follow_symlinks=False)
                os.chmod(name, _file_mode(status.st_mode, writes=writes), dir_fd=descriptor)


def _name_default_branch(repository: Path) -> None:
    """Let HEAD name the branch by way of `refs/default`.

    To push to the branch that HEAD itself names, Git locks HEAD, by a file in the closed folder.
    """
    git = ("git", "--git-dir", repository, "symbolic-ref")
    environment = _environment(repository)
    branch = run([*git, "HEAD"], env=environment, codes=(0, 1, 128)).stdout.strip()
    if branch.startswith("refs/heads/"):
        run([*git, DEFAULT, branch], env=environment)
        run([*git, "HEAD", DEFAULT], env=environment)


def _file_mode(mode: int, *, writes: bool) -> int:
    """The group may read what the owner may, and write where it pushes; objects are written once."""
    group = (mode & 0o500) >> 3 | (mode & 0o200) >> 3 if writes else (mode & 0o500) >> 3
    return stat.S_IMODE(mode) & 0o700 | group


def _chown(descriptor: int, group: int, mode: int) -> None:
    os.fchown(descriptor, -1, group)
    os.fchmod(descriptor, mode)


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": SYSTEM_PATH,
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
