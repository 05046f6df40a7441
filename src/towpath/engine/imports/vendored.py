"""Entries of `vendor.yaml` for what an import does not have."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from towpath.errors import ConfigError
from towpath.foreign.deployment import app_name
from towpath.formats.versions import LATEST, VENDOR, VERSION_KEY
from towpath.vendor.chart import CHART_FILE, Dependency, chart_info
from towpath.vendor.model import parse_vendor_file
from towpath.vendor.tree import Tree
from towpath.yamltext.writer import dump

_ARCHIVE = re.compile(r"charts/[^/]+\.(?:tgz|tar\.gz)")


def check_vendored(entry: Mapping[str, Any]) -> None:
    """Raise ConfigError, which quotes no URL, for what may not be in `vendor.yaml`."""
    try:
        parse_vendor_file(dump({VERSION_KEY: LATEST, "vendor": [dict(entry)]}, file=VENDOR), VENDOR)
    except ConfigError as error:
        message = error.problems[0].message.replace("vendor[0].", "")
        raise ConfigError(message, file=VENDOR) from error


def subchart(app: str, name: str, repository: str, version: str) -> dict[str, Any] | None:
    """The entry for a chart that the app's chart needs; None where it has no address.

    Raises ConfigError, which quotes no URL, for what may not be in `vendor.yaml`.
    """
    entry: dict[str, Any] = {
        "name": f"{app[:30]}-{app_name(name)[:30]}",
        "path": f"apps/{app}/base/charts/{name}",
    }
    if repository.startswith("oci://"):
        entry |= {"oci": f"{repository.removeprefix('oci://').rstrip('/')}/{name}"}
    elif repository.startswith(("https://", "http://")):
        entry |= {"chart": {"repository": repository, "name": name}}
    else:
        return None
    entry["version"] = version
    check_vendored(entry)
    return entry


def packed(chart: Tree) -> set[str]:
    """Charts in `charts/` that are archives: they are not rendered, since no one can review them."""
    return {path for path in chart if _ARCHIVE.fullmatch(path)}


def missing_subcharts(chart: Tree, where: str) -> Iterator[Dependency]:
    """Charts that the chart needs and does not hold, unpacked. Raises as `chart_info`."""
    for each in chart_info(chart, "", where).dependencies:
        if f"charts/{each.name}/{CHART_FILE}" not in chart:
            yield each
