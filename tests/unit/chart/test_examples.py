"""Each example of values is rendered by the real helm, and `towpath check` finds nothing in the objects."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import CHART, EXAMPLES, NAMESPACE, TOOLS, example, needs_helm, rendered
from towpath.engine.check.repository import Checked, check_repository
from towpath.objects import Manifest

pytestmark = needs_helm


def check(root: Path, app: dict[str, Any], namespaces: dict[str, str], cluster_kinds: list[str]) -> Checked:
    config = {
        "apiVersion": "towpath.dev/v2",
        "apps": {"towpath": app},
        "environments": [
            {"name": name, "namespace": namespace, "kubernetes": "1.35", "allowClusterScoped": cluster_kinds}
            for name, namespace in namespaces.items()
        ],
    }
    (root / "towpath.yaml").write_text(yaml.safe_dump(config))
    return check_repository(root, tools=TOOLS)


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_the_objects_of_each_example_pass(values: Path, tmp_path: Path) -> None:
    """An app may touch one namespace, so there is an environment for each one that the chart writes to."""
    objects = rendered(values)
    by_namespace: dict[str, list[Manifest]] = {}
    for each in objects:
        by_namespace.setdefault(each["metadata"].get("namespace", NAMESPACE), []).append(each)
    for namespace, found in by_namespace.items():
        folder = tmp_path / "apps/towpath" / namespace
        folder.mkdir(parents=True)
        (folder / "objects.yaml").write_text(yaml.safe_dump_all(found))
    kinds = sorted({each["kind"] for each in objects if "namespace" not in each["metadata"]})
    checked = check(tmp_path, {"renderer": "plain"}, {name: name for name in by_namespace}, kinds)
    assert [str(each) for each in checked.findings] == []
    assert checked.objects == len(objects)


def test_it_is_an_app_of_an_environment_repository(tmp_path: Path) -> None:
    """With Towpath's own rendering of charts: all in one namespace, nothing for the whole cluster."""
    base = tmp_path / "apps/towpath/base"
    shutil.copytree(CHART, base, ignore=shutil.ignore_patterns("examples"))
    (tmp_path / "apps/towpath/tools").mkdir()
    shutil.copy(example("gitops"), tmp_path / "apps/towpath/tools/values.yaml")
    checked = check(tmp_path, {"renderer": "helm"}, {"tools": NAMESPACE}, [])
    assert [str(each) for each in checked.findings] == []
    assert checked.objects > 15
