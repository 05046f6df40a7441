"""Each example of values is rendered by the real helm, and `towpath check` finds nothing in the objects."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import CHART, EXAMPLES, NAMESPACE, TOOLS, example, needs_helm, pods, rendered
from towpath.config import parse_config
from towpath.engine.check.repository import Checked, check_repository
from towpath.engine.source.edits import Renderers, image_edits
from towpath.engine.source.render import render_app
from towpath.objects import Manifest
from towpath.release.model import ReleaseImage

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


def test_a_promotion_writes_each_image_of_ours_by_its_digest(tmp_path: Path) -> None:
    """As docs/guides/upgrade.md has it: three images, of which two have a part of their own in the values."""
    folder, hub = tmp_path / "apps/towpath", "registry.example.com/towpath"
    shutil.copytree(CHART, folder / "base", ignore=shutil.ignore_patterns("examples"))
    (folder / "system").mkdir()
    values = yaml.safe_load(example("all-in-one").read_text()) | {"rights": {"create": False}}
    (folder / "system/values.yaml").write_text(yaml.safe_dump(values))
    names = {"agent": f"{hub}/agent", "server": f"{hub}/server", "build": f"{hub}/build-agent"}
    text = f"apiVersion: towpath.dev/v2\napps: {{towpath: {{images: {names}, renderer: helm}}}}\n"
    config = parse_config(f"{text}environments: [{{name: system, namespace: {NAMESPACE}}}]\n")
    images = tuple(
        ReleaseImage(name, image, f"sha256:{index:064x}")
        for index, (name, image) in enumerate(names.items(), 7)
    )
    edits = image_edits(tmp_path, config, "towpath", "system", images, Renderers(TOOLS))
    for path, edited in edits.items():
        (tmp_path / path).write_text(edited)
    objects = render_app(tmp_path, config, "towpath", "system", tools=TOOLS).objects
    running = {name: pod["containers"][0]["image"] for name, pod in pods(list(objects)).items()}
    agent, server, build = (f"{each.image}@{each.digest}" for each in images)
    assert running == {
        **dict.fromkeys(("towpath-agent-dev", "towpath-agent-staging", "towpath-agent-prod"), agent),
        **{"towpath-door": agent, "towpath-server": server, "towpath-services": server},
        "towpath-agent-build": build,
    }
    assert not [each for each in objects if not each["metadata"].get("namespace")], (
        "nothing for the whole cluster"
    )
