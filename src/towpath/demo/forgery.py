"""A commit to the environment repository by somebody who may push, and writes as an agent would."""

import shutil
from pathlib import Path

from towpath.demo.world import APP, World

_FILES = ("release.yaml", "kustomization.yaml")


def commit_forgery(world: World, running: str, digest: str, approver: str) -> str:
    """Write `digest` in place of the release that runs in prod, with all trailers; the commit's id."""
    folder = _working_copy(world)
    for name in _FILES:
        file = folder / "apps" / APP / "prod" / name
        file.write_text(file.read_text().replace(running, digest))
    trailers = {
        "Towpath-App": APP,
        "Towpath-Environment": "prod",
        "Towpath-Release": digest,
        "Towpath-Promoted-From": "staging",
        "Towpath-Approved-By": approver,
    }
    body = "\n".join(f"{name}: {value}" for name, value in trailers.items())
    return _commit(world, folder, f"Promote {APP} to prod\n\n{body}")


def revert(world: World, commit: str) -> str:
    """Take a commit of the environment repository back; the new commit's id."""
    folder = _working_copy(world)
    world.git("revert", "--no-commit", commit, cwd=folder)
    return _commit(world, folder, f"Take back {commit[:7]}")


def _working_copy(world: World) -> Path:
    folder = world.work / "environments"
    shutil.rmtree(folder, ignore_errors=True)
    world.git("clone", "--quiet", world.settings.environments_url(), str(folder))
    return folder


def _commit(world: World, folder: Path, message: str) -> str:
    world.git("commit", "--quiet", "--all", "-m", message, cwd=folder)
    world.git("push", "--quiet", "origin", "HEAD:main", cwd=folder)
    return world.git("rev-parse", "HEAD", cwd=folder)
