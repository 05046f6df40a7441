"""Bare Git repositories of the example: source and environments. Created once, then left to the user."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from towpath.adapters.process import run
from towpath.config import load_config
from towpath.errors import MissingPartError
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import POLICY
from towpath.local.common.ports import DEFAULT_PORTS
from towpath.local.common.stack import SYSTEM_PATH, Stack
from towpath.local.parts import agent_keys

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
            signs = partial(sign_baseline, stack) if name == "environments" else None
            seed(example, target, message, registry=stack.registry, signs=signs)


def sign_baseline(stack: Stack, work: Path, commit: str) -> None:
    """Write the policy of the example beside its files, signed by its owner; it begins with `commit`."""
    from towpath.engine.policy.records import files_policy  # GitPython cannot be imported without git
    from towpath.engine.policy.signing import sign_policy

    owner = agent_keys.ensure_owner(stack)
    files = sign_policy(
        files_policy(work, load_config(work)),
        commit,
        stack.layout.trusted_keys,
        lambda content: sign_text(content, POLICY, owner),
    )
    for name, text in files.items():
        (work / name).write_text(text, encoding="utf-8")


def seed(
    example: Path,
    target: Path,
    message: str,
    *,
    registry: str,
    signs: Callable[[Path, str], None] | None = None,
) -> None:
    """Create the bare repository `target` (branch main) with one commit of `example`, naming `registry`.

    `signs` writes the signed policy for a second commit.
    """
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
    if signs is not None:
        signs(work, _git(work, "rev-parse", "HEAD"))
        _git(work, "add", "--all")
        _git(work, *_IDENTITY, "commit", "--quiet", "--message=Sign the policy")
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


def _git(folder: Path, *arguments: str) -> str:
    environment = {
        "PATH": SYSTEM_PATH,
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        # Hooks, signing keys and templates of the user's configuration must not apply here.
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    return run(["git", *arguments], cwd=folder, env=environment, timeout=60.0).stdout.strip()
