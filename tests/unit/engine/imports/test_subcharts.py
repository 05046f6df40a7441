"""A chart of the other repository: the charts that it needs are vendored, or told."""

from pathlib import Path

import pytest

from tests.unit.engine.imports.foreign_repositories import ARGO_URL, write
from tests.unit.engine.imports.test_assemble import application, imported
from towpath.engine.imports.assemble import Imported
from towpath.vendor.model import parse_vendor_file

CHART = """apiVersion: v2
name: shop
version: 1.0.0
dependencies:
- {name: here, version: 1.0.0, repository: 'https://charts.example.com'}
- {name: db, version: ^1, repository: 'https://charts.example.com'}
- {name: queue, version: 2.0.0, repository: 'oci://r.example.com/charts', condition: queue.enabled}
- {name: common, version: 1.0.0, repository: 'file://../common'}
"""
LOCK = "dependencies: [{name: db, version: 1.2.3, repository: 'https://charts.example.com'}]\n"


def chart(root: Path, **files: str) -> Imported:
    there = {f"chart/{path}": text for path, text in files.items()}
    return imported(
        write(root, {"a.yaml": application("shop", f"repoURL: '{ARGO_URL}', path: chart"), **there})
    )


def test_charts_that_a_chart_needs_and_does_not_hold_are_vendored_or_told(tmp_path: Path) -> None:
    files = {
        "Chart.yaml": CHART,
        "Chart.lock": LOCK,
        "charts/here/Chart.yaml": "apiVersion: v2\nname: here\nversion: 1.0.0\n",
        "charts/db-1.2.3.tgz": "packed",
    }
    made = chart(tmp_path, **files)
    entries = parse_vendor_file(made.files["vendor.yaml"].decode()).vendor
    assert [(each.name, each.path, each.version) for each in entries] == [
        ("shop-db", "apps/shop/base/charts/db", "1.2.3"),
        ("shop-queue", "apps/shop/base/charts/queue", "2.0.0"),
    ]
    assert (made.apps, made.vendored) == (("shop",), ("shop-db", "shop-queue"))
    assert "apps/shop/base/charts/db-1.2.3.tgz" not in made.files
    told = "\n".join(map(str, made.notes))
    assert "charts/db-1.2.3.tgz is an archive" in told
    assert "the chart common, which has no address to fetch it from" in told
    assert "unpacked, into apps/shop/base/charts/common" in told
    assert "here" not in told


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ("{version: 1.0.0}", "dependency without a name"),
        (
            "{name: db, version: 1.0.0, repository: 'https://u:hunter2hunter2@e.com'}",
            "must not have credentials",
        ),
        (
            "{name: db, version: 1.0.0, repository: 'https://e.com'}, "
            "{name: db, alias: b, version: 2.0.0, repository: 'https://e.com'}",
            "needs the chart db in several versions",
        ),
    ],
)
def test_what_a_chart_needs_and_cannot_be_declared_is_told(tmp_path: Path, needs: str, said: str) -> None:
    text = f"apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{needs}]\n"
    made = chart(tmp_path, **{"Chart.yaml": text})
    told = "\n".join(map(str, made.notes))
    assert made.apps == ("shop",)
    assert said in told
    assert "hunter2" not in told
