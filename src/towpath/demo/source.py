"""The developer's side of the story: commits to the example's source repository."""

import re
import shutil
from pathlib import Path

from towpath.demo.world import APP, World

EXAMPLE = "examples/hello"


def working_copy(world: World) -> Path:
    """A fresh clone of the source repository."""
    folder = world.work / APP
    shutil.rmtree(folder, ignore_errors=True)
    world.git("clone", "--quiet", world.source, str(folder))
    return folder


def next_version(world: World) -> str:
    """`v1` in a new repository, else one more than its highest version so far."""
    log = world.git("--git-dir", world.source, "log", "-p", "--format=", "main", "--", "VERSION")
    numbers = [int(number) for number in re.findall(r"^\+v(\d+)$", log, re.MULTILINE)]
    untouched = world.git("--git-dir", world.source, "rev-list", "--count", "main") == "1"
    return "v1" if untouched else f"v{max(numbers, default=0) + 1}"


def commit_version(world: World, example: Path, version: str, message: str, *variant: Path) -> str:
    """Commit the example as `version`, overlaid by the `variant` folders; returns the commit's id."""
    folder = working_copy(world)
    for entry in folder.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for layer in (example, *variant):
        shutil.copytree(layer, folder, dirs_exist_ok=True)
    (folder / "VERSION").write_text(f"{version}\n")
    world.git("add", "--all", cwd=folder)
    world.git("commit", "--quiet", "--allow-empty", "-m", message, cwd=folder)
    world.git("push", "--quiet", "origin", "HEAD:main", cwd=folder)
    return world.git("rev-parse", "HEAD", cwd=folder)
