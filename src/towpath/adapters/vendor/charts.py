"""Fetches a chart with all charts that it needs, each unpacked in `charts/`, as Chart.lock says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from towpath.adapters.registries.oci import digest_of
from towpath.adapters.vendor.archive import unpack
from towpath.adapters.vendor.chart_sources import ChartPlace, ChartPlaces
from towpath.adapters.vendor.download import Origin, names_origin, place_of
from towpath.config.keys.ranges import parse_range, same_version
from towpath.errors import RefusedError, TerminalError
from towpath.release.image_ref import parse_image
from towpath.vendor.chart import CHART_FILE, MAX_DEPENDENCIES, Dependency, chart_info
from towpath.vendor.lock import LockedDependency
from towpath.vendor.model import url_problem
from towpath.vendor.tree import checked_tree

MAX_DEPTH = 5
"""Charts inside of charts."""
_ARCHIVE = re.compile(r"charts/[^/]+\.(tgz|tar\.gz)")


@dataclass(frozen=True, slots=True)
class FetchedChart:
    """All files of a chart, the digest of its own archive, and what was fetched beside it."""

    tree: Mapping[str, bytes]
    archive: str
    dependencies: tuple[LockedDependency, ...]


@dataclass(slots=True)
class _Fetch:
    """One chart on the way, with the charts that were unpacked into it."""

    places: ChartPlaces
    origin: Origin
    hosts: tuple[str, ...]
    locked: Mapping[str, LockedDependency]
    where: str
    tree: dict[str, bytes] = field(default_factory=dict)
    fetched: list[LockedDependency] = field(default_factory=list)
    unpacked: int = 0

    def complete(self, folder: str, depth: int) -> None:
        """Unpack and fetch what the chart in a folder of the tree needs, and what these need."""
        if depth > MAX_DEPTH:
            raise RefusedError(f"{self.where} has charts nested deeper than {MAX_DEPTH}")
        for path in [each for each in self.tree if _ARCHIVE.fullmatch(each.removeprefix(folder))]:
            if path.startswith(folder):
                self._add(folder, self.tree.pop(path), f"{self.where}: {path}")
        for needed in chart_info(self.tree, folder, self.where).dependencies:
            if f"{folder}charts/{needed.name}/{CHART_FILE}" not in self.tree:
                self._fetch(folder, needed)
        inside = f"{folder}charts/"
        below = (path.removeprefix(inside) for path in self.tree if path.startswith(inside))
        inner = {f"{inside}{path.partition('/')[0]}/" for path in below if "/" in path}
        for each in sorted(inner):
            if f"{each}{CHART_FILE}" in self.tree:
                self.complete(each, depth + 1)

    def _add(self, folder: str, archive: bytes, what: str, name: str = "") -> None:
        self.unpacked += 1
        if self.unpacked > MAX_DEPENDENCIES:
            raise RefusedError(f"{self.where} needs more than {MAX_DEPENDENCIES} charts")
        files = unpack(archive, what)
        found = chart_info(files, "", what).name
        if name and found != name:
            raise RefusedError(f"{what} is the chart {found[:100]!r}, not {name}")
        target = f"{folder}charts/{found}/"
        if any(path.startswith(target) for path in self.tree):
            raise RefusedError(f"{self.where} has the chart {target.rstrip('/')} twice")
        added = {f"{target}{path}": content for path, content in files.items()}
        self.tree = checked_tree({**self.tree, **added}.items(), self.where)

    def _fetch(self, folder: str, needed: Dependency) -> None:
        path = f"{folder}charts/{needed.name}"
        what = f"{self.where}: its dependency {needed.name}"
        place = self._place(needed, what)
        before = self.locked.get(path)
        if before and (before.source != place.source or not _allows(needed, before.version)):
            before = None
        version = needed.locked or (before.version if before else "")
        version = version or parse_range(needed.wanted).newest(place.versions()) or ""
        if not version:
            raise TerminalError(f"{what}: {place.source} has no version in {needed.wanted}")
        archive = place.fetch(version)
        digest = digest_of(archive)
        if before and before.version == version and before.archive != digest:
            raise changed_upstream(f"{what} {version}", place.source, before.archive, digest)
        self._add(folder, archive, f"{what} {version}", needed.name)
        self.fetched.append(LockedDependency(path, place.source, version, digest))

    def _place(self, needed: Dependency, what: str) -> ChartPlace:
        """Where a dependency is. RefusedError for a host or port that vendor.yaml does not name for it."""
        repository = needed.repository
        if repository.startswith("oci://"):
            if "@" in repository:
                raise RefusedError(f"{what}: its repository has credentials or a digest; refused")
            image = parse_image(f"{repository.removeprefix('oci://').rstrip('/')}/{needed.name}")
            place: ChartPlace = self.places.oci(image)
        elif url_problem(repository, ("https", "http")):
            raise RefusedError(
                f"{what} is not in its archive, and {_kind(repository)} does not lead to it",
                remedy="Ask who keeps the chart to package it with its dependencies (`helm package -u`).",
            )
        else:
            place = self.places.http(repository, needed.name, self.hosts)
        try:
            origin = place.origin
        except ValueError:
            raise RefusedError(f"{what}: its repository has a port that cannot be; refused") from None
        if origin != self.origin and not names_origin(self.hosts, origin):
            where = place_of(origin)[:100]
            raise RefusedError(
                f"{what} is on another host, {where}; refused",
                remedy=f"If that is right, add {where} to `hosts` of the entry in vendor.yaml.",
            )
        return place


def fetch_chart(  # noqa: PLR0913
    place: ChartPlace,
    version: str,
    places: ChartPlaces,
    *,
    hosts: tuple[str, ...] = (),
    locked: Mapping[str, LockedDependency] | None = None,
    name: str = "",
) -> FetchedChart:
    """A version of a chart, and the charts that it needs and does not bring; `name` is the chart's, if known.

    `locked` are the dependencies of the last time, by path: they are fetched in the same versions, and
    refused when their archives have changed.
    """
    where = f"chart {place.source} {version}"
    archive = place.fetch(version)
    fetch = _Fetch(places, place.origin, hosts, locked or {}, where, unpack(archive, where))
    info = chart_info(fetch.tree, "", where)
    if (name and info.name != name) or not same_version(info.version, version):
        raise RefusedError(f"{where}: the archive has the chart {info.name[:100]} {info.version[:60]}")
    fetch.complete("", 0)
    return FetchedChart(fetch.tree, digest_of(archive), tuple(fetch.fetched))


def changed_upstream(what: str, source: str, before: str, after: str) -> RefusedError:
    """The error for what is not the same any more under the same version."""
    return RefusedError(
        f"{what}: {source} has other content under the same version: {after}, and the lock has {before}",
        remedy="Nothing of it was used. Ask who keeps it; to trust it, remove its entry in vendor.lock.yaml.",
    )


def _allows(needed: Dependency, version: str) -> bool:
    return version in (needed.locked, parse_range(needed.wanted).newest([version]))


def _kind(repository: str) -> str:
    """What stands in place of a repository's URL, without quoting it."""
    if not repository:
        return "no repository"
    if repository.startswith(("@", "alias:")):
        return "the alias of a repository, which only its author's machine knows,"
    return "a path" if repository.startswith("file:") else "its repository, which is no https URL,"
