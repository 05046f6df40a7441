"""Bare Git repositories of the example: source and environments. Created once, then left to the user."""

import shutil
from pathlib import Path

from towpath.adapters.process import run
from towpath.errors import MissingPartError
from towpath.local.common.ports import DEFAULT_PORTS
from towpath.local.common.stack import SYSTEM_PATH, Stack

REPOSITORIES = {"hello": "Hello, version 1", "environments": "Desired state of dev, staging and prod"}
"""Folder below examples/ -> message of the first commit."""
DEFAULT_REGISTRY = f"127.0.0.1:{DEFAULT_PORTS['registry']}"
"""Registry that the example's files name."""
_IDENTITY = ("-c", "user.name=Towpath example", "-c", "user.email=example@towpath.dev")


def seed_repositories(stack: Stack) -> None:
    """Create each missing repository, atomically."""
    for name, message in REPOSITORIES.items():
        target = stack.layout.git / f"{name}.git"
        if not target.exists():
            example = stack.project / "examples" / name
            if not example.is_dir():
                raise MissingPartError(
                    f"the example {example} does not exist: this Towpath was installed without its checkout",
                    remedy="Run from a checkout, or give your own repository: --environments URL.",
                )
            seed(example, target, message, registry=stack.registry)


def seed(example: Path, target: Path, message: str, *, registry: str) -> None:
    """Create the bare repository `target` (branch main) with one commit of `example`, naming `registry`."""
    work = target.with_name(f".{target.name}.work")
    bare = target.with_name(f".{target.name}.new")
    for folder in (work, bare):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(example, work, symlinks=True)
    if registry != DEFAULT_REGISTRY:
        substitute(work, DEFAULT_REGISTRY, registry)
    _git(work, "init", "--quiet", "--initial-branch=main")
    _git(work, "add", "--all")
    _git(work, *_IDENTITY, "commit", "--quiet", f"--message={message}")
    _git(work, "clone", "--quiet", "--bare", "--no-hardlinks", str(work), str(bare))
    _git(bare, "remote", "remove", "origin")
    bare.rename(target)
    shutil.rmtree(work)


def substitute(folder: Path, old: str, new: str) -> None:
    """Replace `old` in every text file below `folder`."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if old.encode() in content:
                path.write_bytes(content.replace(old.encode(), new.encode()))


def _git(folder: Path, *arguments: str) -> None:
    environment = {
        "PATH": SYSTEM_PATH,
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        # Hooks, signing keys and templates of the user's configuration must not apply here.
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    run(["git", *arguments], cwd=folder, env=environment, timeout=60.0)
