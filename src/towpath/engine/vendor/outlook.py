"""Says of each entry whether it is as it was vendored, and what is newer; writes nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from towpath.config.keys.ranges import parse_range, parse_version
from towpath.engine.vendor.compare import NOT_FETCHED, UNDECLARED, folder_digest, is_declared
from towpath.engine.vendor.plan import declared_entries, files_changed_by_hand
from towpath.engine.vendor.resolve import ChartOf, FilesOf, Resolver
from towpath.errors import RefusedError, TowpathError
from towpath.vendor.lock import LockedEntry, load_lock
from towpath.vendor.model import VendorEntry, at_entry


@dataclass(frozen=True, slots=True)
class Outlook:
    """One entry. `newer` is what `--update` would take, `latest` what is newer than all that it allows.

    `different` says how the folder is not as it was vendored, with the `files` where they are known;
    `refused` is why the source cannot be trusted or asked.
    """

    entry: VendorEntry
    locked: LockedEntry | None
    newer: str = ""
    latest: str = ""
    different: str = ""
    files: tuple[str, ...] = ()
    refused: TowpathError | None = None

    @property
    def is_outdated(self) -> bool:
        """Whether something is newer; of what the entry does not allow, only where it allows one version."""
        return bool(self.newer) or (bool(self.latest) and parse_version(self.entry.version or "") is not None)


def outlooks(root: Path, names: Iterable[str], resolver: Resolver) -> Iterator[Outlook]:
    """One for each entry, in their order; a source that does not answer stops no other."""
    declared, lock = declared_entries(root), load_lock(root)
    for entry in declared.chosen(names):
        yield _outlook(root, entry, lock.get(entry.name), resolver)


def _outlook(root: Path, entry: VendorEntry, locked: LockedEntry | None, resolver: Resolver) -> Outlook:
    different, newer, latest = "", "", ""
    files: tuple[str, ...] = ()
    try:
        different = _difference(root, entry, locked)
        source = resolver.source(entry)
        declared = locked is not None and is_declared(entry, locked)
        if locked and declared:
            source.check_same(locked)
        newest = source.newest()
        if locked and declared:
            newer = _newer(source, newest, locked)
            if different and folder_digest(root, entry.path):
                files = files_changed_by_hand(root, entry, locked, resolver)
        latest = _latest(source, newest)
    except TowpathError as error:
        placed = at_entry(root, entry.name, error) if isinstance(error, RefusedError) else error
        return Outlook(entry, locked, newer, latest, different, files, placed)
    return Outlook(entry, locked, newer, latest, different, files)


def _difference(root: Path, entry: VendorEntry, locked: LockedEntry | None) -> str:
    if locked is None:
        return NOT_FETCHED
    if not is_declared(entry, locked) or locked.path != entry.path:
        return UNDECLARED
    digest = folder_digest(root, entry.path)
    if not digest:
        return f"{entry.path} is not there"
    return "" if digest == locked.tree else f"{entry.path} was changed by hand"


def _newer(source: ChartOf | FilesOf, newest: str, locked: LockedEntry) -> str:
    if isinstance(source, FilesOf):
        commit, _ = source.commit(newest)
        return f"{newest} ({commit[:12]})" if commit != locked.commit else ""
    return newest if newest != locked.version else ""


def _latest(source: ChartOf | FilesOf, newest: str) -> str:
    """The newest release of all, if the entry does not allow it."""
    if isinstance(source, FilesOf):
        names = [name.removeprefix("refs/tags/") for name in source.refs if name.startswith("refs/tags/")]
    else:
        names = list(source.place.versions())
    latest, allowed = parse_range("*").newest(names), parse_version(newest)
    if latest is None or allowed is None:
        return ""
    parsed = parse_version(latest)
    return latest if parsed and parsed > allowed else ""
