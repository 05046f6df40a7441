"""What an entry of `vendor.yaml` is elsewhere: its versions, and the files of one of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from towpath.adapters.git import remote_refs, remote_tree
from towpath.adapters.vendor.chart_sources import ChartPlace, ChartPlaces
from towpath.adapters.vendor.charts import changed_upstream, fetch_chart
from towpath.errors import RefusedError, TerminalError, UnknownNameError
from towpath.settings import Settings
from towpath.vendor.lock import LockedEntry
from towpath.vendor.model import COMMIT, VendorEntry
from towpath.vendor.tree import Tree, checked_tree, included, tree_digest

_TAGS, _BRANCHES = "refs/tags/", "refs/heads/"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The files of an entry, and what the lock says of them."""

    tree: Tree
    locked: LockedEntry


@dataclass(frozen=True, slots=True)
class Resolver:
    """Asks the sources of entries. Each list of versions is asked for once."""

    cache: Path
    allow_file: bool = False
    places: ChartPlaces = field(default_factory=ChartPlaces)

    @classmethod
    def of(cls, settings: Settings) -> "Resolver":
        """One with the cache of these settings."""
        return cls(settings.cache, settings.git_allow_file)

    def source(self, entry: VendorEntry) -> "ChartOf | FilesOf":
        """Where an entry comes from."""
        if entry.git:
            return FilesOf(entry, self)
        if entry.chart:
            place: ChartPlace = self.places.http(entry.chart.repository, entry.chart.name, entry.hosts)
        else:
            place = self.places.oci(entry.image)
        return ChartOf(entry, place, self.places)


@dataclass
class ChartOf:
    """A chart."""

    entry: VendorEntry
    place: ChartPlace
    places: ChartPlaces

    def newest(self) -> str:
        """The newest version that the entry allows. TerminalError when there is none."""
        versions = self.place.versions()
        if self.entry.version in versions:
            return self.entry.version or ""  # as it is spelt
        found = self.entry.range.newest(versions)
        if found is None:
            raise TerminalError(
                f"{self.entry.name}: {self.place.source} has no version in {self.entry.version}",
                remedy=f"It has {_some(versions)}.",
            )
        return found

    def check_same(self, locked: LockedEntry) -> None:
        """RefusedError when the locked version has other content there by now."""
        digest = self.place.digest(locked.version)
        if digest != locked.archive:
            what = f"{self.entry.name} {locked.version}"
            raise changed_upstream(what, self.place.source, locked.archive, digest)

    def fetch(self, version: str, locked: LockedEntry | None) -> Fetched:
        """The files of a version. RefusedError when it is the locked one, and has changed."""
        entry = self.entry
        before = locked if locked and locked.version == version else None
        if before:
            self.check_same(before)
        chart = fetch_chart(
            self.place,
            version,
            self.places,
            hosts=entry.hosts,
            locked={each.path: each for each in before.dependencies} if before else None,
            name=entry.chart.name if entry.chart else "",
        )
        if before and chart.archive != before.archive:
            raise changed_upstream(
                f"{entry.name} {version}", self.place.source, before.archive, chart.archive
            )
        tree = _wanted(entry, chart.tree)
        return Fetched(
            tree,
            LockedEntry(
                entry.name,
                entry.path,
                entry.source,
                version,
                tree_digest(tree),
                archive=chart.archive,
                include=entry.include,
                dependencies=chart.dependencies,
            ),
        )


@dataclass
class FilesOf:
    """Files of a Git repository. A version is the name of a tag or branch, or a commit id."""

    entry: VendorEntry
    resolver: Resolver

    @cached_property
    def _git(self) -> tuple[str, str]:
        git = self.entry.git
        return (git.repository, git.folder or "") if git else ("", "")

    @cached_property
    def refs(self) -> Mapping[str, str]:
        """Branches and tags, and their commits."""
        return remote_refs(self._git[0], self.resolver.cache, allow_file=self.resolver.allow_file)

    def newest(self) -> str:
        """The newest tag that the entry allows, or its revision. TerminalError when there is none."""
        revision = self.entry.git.revision if self.entry.git else None
        if revision:
            return revision
        tags = [name.removeprefix(_TAGS) for name in self.refs if name.startswith(_TAGS)]
        found = self.entry.range.newest(tags)
        if found is None:
            raise TerminalError(
                f"{self.entry.name}: no tag of {self.entry.source} is in {self.entry.version}",
                remedy=f"Its tags are {_some(tags)}." if tags else "It has no tags; name a `git.revision`.",
            )
        return found

    def commit(self, version: str) -> tuple[str, str]:
        """The commit that a version is now, and the tag or branch that says so; empty for a commit id."""
        if COMMIT.fullmatch(version):
            return version, ""
        for prefix in (_TAGS, _BRANCHES):
            if commit := self.refs.get(f"{prefix}{version}"):
                return commit, f"{prefix}{version}"
        known = [name.split("/", 2)[2] for name in self.refs if name.count("/") > 1]
        raise UnknownNameError("revision", version, known, where=self.entry.source)

    def check_same(self, locked: LockedEntry) -> None:
        """RefusedError when the tag of the locked version names another commit by now."""
        if not locked.ref.startswith(_TAGS):
            return
        commit, _ = self.commit(locked.version)
        if commit != locked.commit:
            raise changed_upstream(
                f"{self.entry.name} {locked.version}", self.entry.source, locked.commit, commit
            )

    def fetch(self, version: str, locked: LockedEntry | None) -> Fetched:
        """The files of a version; of the locked one at the commit of the lock."""
        entry = self.entry
        if locked and locked.version == version:
            self.check_same(locked)
        commit, ref = self.commit(version)
        return self.fetch_commit(version, commit, ref, entry.include)

    def fetch_commit(self, version: str, commit: str, ref: str, include: tuple[str, ...]) -> Fetched:
        """The files of a commit."""
        entry, (url, folder) = self.entry, self._git
        tree = remote_tree(
            url,
            commit,
            folder,
            lambda path: included(path, include),
            self.resolver.cache,
            allow_file=self.resolver.allow_file,
        )
        return Fetched(
            tree,
            LockedEntry(
                entry.name,
                entry.path,
                entry.source,
                version,
                tree_digest(tree),
                commit=commit,
                ref=ref,
                include=include,
            ),
        )


def _wanted(entry: VendorEntry, tree: Tree) -> dict[str, bytes]:
    where = f"{entry.name} with `include`" if entry.include else entry.name
    found = checked_tree(((path, tree[path]) for path in tree if included(path, entry.include)), where)
    if "Chart.yaml" not in found:
        raise RefusedError(f"{where}: has no Chart.yaml", remedy="Name it in `include` too.")
    return found


def _some(versions: object) -> str:
    names = sorted(str(each) for each in versions) if isinstance(versions, (list, frozenset)) else []
    return ", ".join(each[:60] for each in names[-10:]) + (" and others" if len(names) > 10 else "")
