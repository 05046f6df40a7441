"""Decides what vendoring changes in a repository, and fetches it; writes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from towpath.engine.vendor.compare import folder_digest, is_declared
from towpath.engine.vendor.resolve import ChartOf, Fetched, FilesOf, Resolver
from towpath.errors import ConfigError, RefusedError
from towpath.files import read_text
from towpath.vendor.lock import LOCK_FILE, Lock, LockedEntry, dump_lock, load_lock
from towpath.vendor.model import VENDOR_FILE, VendorEntry, VendorFile, at_entry, load_vendor_file
from towpath.vendor.tree import Tree, changed_files, read_tree

MAX_FETCHED = 256 << 20
"""Bytes of all entries that one run fetches; they are written together."""
MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: as it was locked, and as it will be. `tree` is None where its folder stays as it is.

    `here` is the digest of the folder when it was looked at; empty without one.
    """

    entry: VendorEntry
    before: LockedEntry | None
    after: LockedEntry
    here: str
    tree: Tree | None = None

    @property
    def is_change(self) -> bool:
        """Whether the folder or the lock changes."""
        return self.tree is not None or self.before != self.after


@dataclass(frozen=True, slots=True)
class VendorPlan:
    """All changes of one run: they are written together, or not at all.

    `folders` is what each folder has afterwards, None where it is removed; `seen` are the digests that these
    folders had when it was decided, and `notes` are for people.
    """

    changes: tuple[Change, ...]
    folders: Mapping[str, Tree | None]
    lock: str
    lock_changes: bool
    seen: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether anything is written."""
        return bool(self.folders) or self.lock_changes


def declared_entries(root: Path) -> VendorFile:
    """`vendor.yaml`. ConfigError when there is none, or it is wrong."""
    declared = load_vendor_file(root)
    if declared is None:
        raise ConfigError(
            "there is no such file, so nothing is vendored",
            file=VENDOR_FILE,
            remedy="docs/guides/vendor.md has an example.",
        )
    return declared


def make_plan(
    root: Path, names: Iterable[str], resolver: Resolver, *, update: bool, overwrite: bool = False
) -> VendorPlan:
    """What `vendor.yaml` names and the folders lack; with `update`, the newest versions that it allows.

    Raises RefusedError for a folder that somebody has changed (unless `overwrite`), and for what has changed
    elsewhere under the same version, TransientError for a source that does not answer.
    """
    declared, lock = declared_entries(root), load_lock(root)
    changes: list[Change] = []
    total = 0
    for entry in declared.chosen(names):
        locked = lock.get(entry.name)
        try:
            change = _change(root, entry, locked, resolver, update=update, overwrite=overwrite)
        except RefusedError as error:
            raise at_entry(root, entry.name, error) from error
        total += sum(map(len, (change.tree or {}).values()))
        if total > MAX_FETCHED:
            raise RefusedError(
                f"more than {MAX_FETCHED >> 20} MiB are to be fetched at once",
                remedy="Name some entries: `towpath vendor NAME …`.",
            )
        changes.append(change)
    return _plan(root, declared, lock, changes)


def _plan(root: Path, declared: VendorFile, lock: Lock, changes: list[Change]) -> VendorPlan:
    folders: dict[str, Tree | None] = {
        each.after.path: each.tree for each in changes if each.tree is not None
    }
    notes: list[str] = []
    for each in changes:
        if each.before and each.before.path != each.after.path:
            notes += _leave(root, each.before, declared, folders)
    known = {entry.name for entry in declared.vendor}
    kept = {name: locked for name, locked in lock.items() if name in known}
    notes += [
        f"{name} is not in {VENDOR_FILE} any more: {lock[name].path} stays as it is"
        for name in lock.keys() - known
    ]
    text = dump_lock({**kept, **{each.after.name: each.after for each in changes}}.values())
    # A folder that is removed was looked at just before.
    seen = {path: lock[name].tree for name in lock for path in folders if lock[name].path == path}
    seen |= {each.after.path: each.here for each in changes}
    lock_changes = (read_text(root, LOCK_FILE) or "") != text
    return VendorPlan(tuple(changes), folders, text, lock_changes, seen, tuple(sorted(notes)))


def _leave(
    root: Path, before: LockedEntry, declared: VendorFile, folders: dict[str, Tree | None]
) -> Iterator[str]:
    """Remove the folder that an entry had before, if nobody has changed it and nobody else has it now."""
    if any(_overlap(before.path, entry.path) for entry in declared.vendor):
        return
    if folder_digest(root, before.path) == before.tree:
        folders[before.path] = None
    else:
        yield f"{before.path}, where {before.name} was before, has been changed: it stays as it is"


def _overlap(one: str, other: str) -> bool:
    first, second = f"{one.casefold()}/", f"{other.casefold()}/"
    return first.startswith(second) or second.startswith(first)


def _change(  # noqa: PLR0913
    root: Path,
    entry: VendorEntry,
    locked: LockedEntry | None,
    resolver: Resolver,
    *,
    update: bool,
    overwrite: bool,
) -> Change:
    source = resolver.source(entry)
    keep = locked if locked and is_declared(entry, locked) else None
    same_place = keep is not None and keep.path == entry.path
    here = folder_digest(root, entry.path)
    if keep and same_place and here == keep.tree and not (update and _is_newer(source, keep)):
        return Change(entry, locked, keep, here)
    fetched = _fetch_locked(source, keep) if keep and not update else source.fetch(source.newest(), keep)
    known = {fetched.locked.tree} | ({locked.tree} if locked and locked.path == entry.path else set())
    if here and here not in known and not overwrite:
        raise _changed_by_hand(root, entry, locked, fetched)
    return Change(entry, locked, fetched.locked, here, None if here == fetched.locked.tree else fetched.tree)


def _is_newer(source: ChartOf | FilesOf, locked: LockedEntry) -> bool:
    """Whether there is something newer that the entry allows; RefusedError when the same has changed."""
    newest = source.newest()
    source.check_same(locked)
    if isinstance(source, FilesOf):
        return source.commit(newest)[0] != locked.commit or newest != locked.version
    return newest != locked.version


def _fetch_locked(source: ChartOf | FilesOf, locked: LockedEntry) -> Fetched:
    """What the lock names, once more."""
    if isinstance(source, FilesOf):
        source.check_same(locked)
        return source.fetch_commit(locked.version, locked.commit, locked.ref, locked.include)
    return source.fetch(locked.version, locked)


def _changed_by_hand(
    root: Path, entry: VendorEntry, locked: LockedEntry | None, fetched: Fetched
) -> RefusedError:
    if locked is None or locked.path != entry.path:
        what = f"{entry.name}: {entry.path} has files that were not vendored"
    else:
        what = f"{entry.name}: {entry.path} was changed by hand"
    named = changed_files(fetched.tree, read_tree(root, entry.path) or {})
    return RefusedError(
        f"{what} ({name_files(named)})",
        remedy="Nothing was written. Move the changes into an overlay, then say --overwrite.",
    )


def name_files(paths: tuple[str, ...]) -> str:
    """Some paths for people."""
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return ", ".join(paths[:MAX_NAMED]) + more


def files_changed_by_hand(
    root: Path, entry: VendorEntry, locked: LockedEntry, resolver: Resolver
) -> tuple[str, ...]:
    """The files of a folder that are not as they were vendored. Raises TowpathError when nobody can say."""
    before = _fetch_locked(resolver.source(entry), locked).tree
    return changed_files(before, read_tree(root, locked.path) or {})
