"""Writes a plan: into a folder, where all of it or nothing changes, or as one commit that is proposed."""

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from towpath.adapters.file_lock import try_lock
from towpath.adapters.git import propose_files
from towpath.engine.vendor.compare import folder_digest
from towpath.engine.vendor.plan import VendorPlan
from towpath.errors import ConflictError, RefusedError, TransientError
from towpath.release.commit_message import INTENT_TRAILER, format_message
from towpath.settings import Settings
from towpath.vendor.lock import LOCK_FILE
from towpath.vendor.tree import Tree, read_tree

BRANCH = "towpath/vendor"
STAGING = ".towpath-vendor"
"""Folder in the repository while it is written: new folders are made there, old ones kept until the end."""


def write_folder(root: Path, plan: VendorPlan) -> None:
    """Change a person's clone: new folders are made beside and renamed, the lock is replaced last.

    When something fails or interrupts it, everything is put back. Raises TransientError while another run
    does the same, ConflictError for a folder that has changed since the plan, RefusedError for one behind a
    link.
    """
    for path in (*plan.folders, LOCK_FILE):
        _refuse_links(root, path)
    with _staging(root) as staging:
        made: list[Path] = []
        moved: list[tuple[Path, Path]] = []
        try:
            for number, tree in enumerate(plan.folders.values()):
                _write_tree(staging / f"new-{number}", tree)
            _write_file(staging / "lock", plan.lock.encode())
            _refuse_changes(root, plan)
            for number, (path, tree) in enumerate(plan.folders.items()):
                target = root / path
                if os.path.lexists(target):
                    _move(target, staging / f"old-{number}", moved)
                if tree is not None:
                    made += _make_parents(root, target)
                    _move(staging / f"new-{number}", target, moved)
            (staging / "lock").replace(root / LOCK_FILE)
        except BaseException:
            for before, now in reversed(moved):
                now.rename(before)
            for folder in reversed(made):
                with suppress(OSError):
                    folder.rmdir()
            raise


def propose(settings: Settings, root: Path, base: str, plan: VendorPlan, author: str) -> tuple[str, bool]:
    """Push one commit with the plan to the branch `towpath/vendor`; its id, and whether it is new.

    `root` is the checkout of `base` that the plan was made of. Raises ConflictError when a person has
    committed to that branch, and when a file has changed meanwhile.
    """
    marker = INTENT_TRAILER, f"vendor-{uuid.uuid4().hex[:16]}"
    return propose_files(
        settings.environments_url(),
        BRANCH,
        settings.branch,
        commit_edits(root, plan),
        vendor_message(plan, marker),
        author=author,
        cache=settings.cache,
        marker=marker,
        base=base,
        allow_file=settings.git_allow_file,
    )


def commit_edits(root: Path, plan: VendorPlan) -> Mapping[str, str | bytes | None]:
    """All files that are not as the plan wants them: their content, None for those that are removed."""
    edits: dict[str, str | bytes | None] = {}
    for path, tree in plan.folders.items():
        before = read_tree(root, path) or {}
        edits |= {f"{path}/{name}": None for name in before if tree is None or name not in tree}
        edits |= {
            f"{path}/{name}": content for name, content in (tree or {}).items() if before.get(name) != content
        }
    if plan.lock_changes:
        edits[LOCK_FILE] = plan.lock
    return edits


def vendor_message(plan: VendorPlan, marker: tuple[str, str]) -> str:
    """The message of the commit."""
    changed = [each for each in plan.changes if each.is_change]
    names = [f"{each.after.name} {each.after.version}" for each in changed]
    subject = f"Vendor {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
    trailers = [
        ("Towpath-Vendored", f"{each.after.name} {each.after.shown} {each.after.archive or each.after.tree}")
        for each in changed
    ]
    return format_message(
        subject if names else "Vendor: remove what is not declared", "", [*trailers, marker]
    )


@contextmanager
def _staging(root: Path) -> Iterator[Path]:
    """The staging folder, held by this process alone; what a killed run has left there is removed."""
    staging = root / STAGING
    if staging.is_symlink():
        raise RefusedError(f"{STAGING} is a symbolic link; refused")
    staging.mkdir(mode=0o700, exist_ok=True)
    with (staging / "held").open("w") as held:
        if not try_lock(held):
            raise TransientError(f"another `towpath vendor` is at work in {root}")
        for left in staging.iterdir():
            if left.name != "held":
                _remove(left)
        (staging / ".gitignore").write_text("*\n")  # nobody commits what a killed run leaves
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _write_tree(folder: Path, tree: Tree | None) -> None:
    for path, content in (tree or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        _write_file(folder / path, content)


def _write_file(file: Path, content: bytes) -> None:
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _move(source: Path, target: Path, moved: list[tuple[Path, Path]]) -> None:
    moved.append((source, target))
    try:
        source.rename(target)
    except BaseException:
        if os.path.lexists(source):
            moved.pop()
        raise


def _make_parents(root: Path, target: Path) -> list[Path]:
    """Make the folders above a target; those that were not there, outermost first."""
    missing = [each for each in reversed(target.relative_to(root).parents) if not (root / each).exists()]
    for each in missing:
        (root / each).mkdir()
    return [root / each for each in missing]


def _refuse_changes(root: Path, plan: VendorPlan) -> None:
    for path in plan.folders:
        if folder_digest(root, path) != plan.seen.get(path, ""):
            raise ConflictError(f"{path} was changed meanwhile", remedy="Nothing was written. Run it again.")


def _refuse_links(root: Path, path: str) -> None:
    place = root
    for part in path.split("/"):
        place /= part
        if place.is_symlink():
            raise RefusedError(f"{path}: is behind a symbolic link; refused")
