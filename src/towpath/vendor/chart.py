"""What a chart says of itself and of the charts that it needs: `Chart.yaml`, `Chart.lock`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath.config.keys.ranges import parse_range, parse_version
from towpath.errors import RefusedError
from towpath.vendor.tree import Tree, check_path
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.scalars import KUBERNETES

CHART_FILE = "Chart.yaml"
MAX_DEPENDENCIES = 50
"""Of one chart, and of all charts inside of it together."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """A chart that another needs: a range of versions, and the version that `Chart.lock` names, if any."""

    name: str
    repository: str
    wanted: str
    locked: str = ""


@dataclass(frozen=True, slots=True)
class ChartInfo:
    """Name, version, and what the chart needs."""

    name: str
    version: str
    dependencies: tuple[Dependency, ...]


def chart_info(tree: Tree, folder: str, where: str) -> ChartInfo:
    """Read the chart in a folder of a tree (`""`: the whole tree). `where` is its name in errors.

    Raises ConfigError and RefusedError for what is no chart.
    """
    chart = _mapping(tree, f"{folder}{CHART_FILE}", where)
    if chart is None:
        raise RefusedError(f"{where} is no chart: it has no {folder}{CHART_FILE}")
    name, version = chart.get("name"), chart.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        raise RefusedError(f"{where}: {folder}{CHART_FILE} must have `name` and `version`")
    if "/" in check_path(name, where):
        raise RefusedError(f"{where}: {name[:100]!r} is no name of a chart")
    listed = chart.get("dependencies")
    if listed is None:  # charts of Helm 2
        listed = (_mapping(tree, f"{folder}requirements.yaml", where) or {}).get("dependencies")
    locked = _locked(tree, folder, where)
    items = listed if isinstance(listed, list) else []
    if len(items) > MAX_DEPENDENCIES:
        raise RefusedError(f"{where} needs more than {MAX_DEPENDENCIES} charts")
    return ChartInfo(name, version, tuple(_dependency(each, locked, where) for each in items))


def _dependency(item: Any, locked: Mapping[str, tuple[str, str]], where: str) -> Dependency:
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(name, str) or "/" in check_path(name, where):
        raise RefusedError(f"{where} has a dependency without a name")
    repository, wanted = str(item.get("repository") or ""), str(item.get("version") or "*")
    version, from_where = locked.get(name, ("", repository))
    try:
        parsed, inside = parse_version(version), parse_range(wanted)
    except ValueError as error:
        raise RefusedError(f"{where}: the version of its dependency {name} {error}") from error
    # Two entries of one name, by alias, share a line of the lock only where they want the same.
    if version and (
        parsed is None or parsed not in inside or from_where.rstrip("/") != repository.rstrip("/")
    ):
        raise RefusedError(
            f"{where}: Chart.lock has {name} {version[:60]} of {from_where[:100] or 'nowhere'}, and"
            f" {CHART_FILE} wants {wanted[:60]} of {repository[:100] or 'nowhere'}",
            remedy="The chart was packaged with a lock that is out of date. Ask who keeps it.",
        )
    return Dependency(name, repository, wanted, version)


def _locked(tree: Tree, folder: str, where: str) -> Mapping[str, tuple[str, str]]:
    """Name -> version and repository of Chart.lock; of several of one name the first."""
    lock = _mapping(tree, f"{folder}Chart.lock", where) or _mapping(tree, f"{folder}requirements.lock", where)
    listed = (lock or {}).get("dependencies")
    found: dict[str, tuple[str, str]] = {}
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            place = str(each.get("version") or ""), str(each.get("repository") or "")
            found.setdefault(each["name"], place)
    return found


def _mapping(tree: Tree, path: str, where: str) -> dict[str, Any] | None:
    content = tree.get(path)
    if content is None:
        return None
    file = f"{where}: {path}"
    data = read_document(content.decode("utf-8-sig", errors="replace"), file, dialect=KUBERNETES).data
    if data is not None and not isinstance(data, dict):
        raise RefusedError(f"{file} is no mapping")
    return data or {}
