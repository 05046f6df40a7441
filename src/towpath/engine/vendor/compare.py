"""Compares vendored folders with `vendor.yaml` and the lock, without asking anybody."""

from collections.abc import Iterator
from pathlib import Path

from towpath.errors import ConfigError, Problem, RefusedError, TerminalError
from towpath.files import read_text
from towpath.vendor.lock import LOCK_FILE, Lock, LockedEntry, load_lock
from towpath.vendor.model import VENDOR_FILE, VendorEntry, load_vendor_file
from towpath.vendor.tree import read_tree, tree_digest
from towpath.yamltext.config_reader import read_document

UNDECLARED = "is not as vendor.yaml says; `towpath vendor` fetches it"
NOT_FETCHED = "is not vendored yet; `towpath vendor` fetches it"


def folder_digest(root: Path, path: str) -> str:
    """The digest of a folder as it is; empty when there is none. Raises TerminalError."""
    tree = read_tree(root, path)
    return "" if tree is None else tree_digest(tree)


def is_declared(entry: VendorEntry, locked: LockedEntry) -> bool:
    """Whether what is locked is what the entry says: place, version and files."""
    if (entry.source, entry.include) != (locked.source, locked.include):
        return False
    if entry.git and entry.git.revision:
        return entry.git.revision == locked.version
    return entry.version == locked.version or entry.range.newest([locked.version]) is not None


def vendor_problems(root: Path) -> Iterator[Problem]:
    """What is wrong with what is vendored, as far as the repository itself shows it."""
    try:
        declared, lock = load_vendor_file(root), load_lock(root)
    except ConfigError as error:
        yield from error.problems
        return
    if declared is None:
        if lock:
            yield Problem(LOCK_FILE, 0, f"there is no {VENDOR_FILE} that it belongs to")
        return
    lines = read_document(read_text(root, VENDOR_FILE) or "", VENDOR_FILE)
    for index, entry in enumerate(declared.vendor):
        line = lines.line(("vendor", index))
        if problem := _url_problem(entry) or _problem(root, entry, lock):
            yield Problem(VENDOR_FILE, line, f"{entry.name}: {problem}")
    for name in lock.keys() - {entry.name for entry in declared.vendor}:
        yield Problem(
            LOCK_FILE, 0, f"{name} is not in {VENDOR_FILE}; `towpath vendor` removes it from the lock"
        )


def _url_problem(entry: VendorEntry) -> str:
    """Why Git would not be asked; empty when it would."""
    if entry.git is None:
        return ""
    # `towpath check` of a repository without such entries needs no Git.
    from towpath.adapters.git.allowed_url import check_url

    try:
        check_url(entry.git.repository, allow_file=True)
    except RefusedError as error:
        return error.message
    return ""


def _problem(root: Path, entry: VendorEntry, lock: Lock) -> str:
    locked = lock.get(entry.name)
    if locked is None:
        return NOT_FETCHED
    if not is_declared(entry, locked) or locked.path != entry.path:
        return UNDECLARED
    try:
        digest = folder_digest(root, entry.path)
    except TerminalError as error:
        return error.message
    if not digest:
        return f"{entry.path} is not there; `towpath vendor` fetches it"
    if digest != locked.tree:
        return (
            f"{entry.path} is not as it was vendored: somebody has changed it. `towpath vendor --check` names"
            " the files; changes belong into an overlay"
        )
    return ""
