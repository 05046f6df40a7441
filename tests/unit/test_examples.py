"""The environment repositories in examples/ are right, and show keys of apps and environments."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.chart import CHART, needs_helm
from tools.image import TARGETS
from towpath.adapters.images.dockerfile import has_stage
from towpath.cli.main import main
from towpath.config import load_config
from towpath.engine.vendor.compare import folder_digest
from towpath.vendor.lock import load_lock
from towpath.vendor.model import load_vendor_file
from towpath.yamltext.config_reader import read_document

ROOT = Path(__file__).parents[2]
REGIONS, OWN = ROOT / "examples/regions", ROOT / "examples/towpath"


def test_an_example_passes_the_check() -> None:
    done = CliRunner().invoke(main, ["check", "--repo", str(REGIONS), "--output", "json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["findings"], told["notes"]) == ([], [])


def test_regions_are_a_graph_and_their_apps_wait_for_each_other() -> None:
    config = load_config(REGIONS)
    assert [each.name for each in config.ordered] == ["staging", "prod-eu", "prod-us", "global"]
    assert config.after("prod-us") == (("staging",), ("prod-eu",))
    assert config.app("shop").depends_on == ("network", "database")
    assert config.environment("prod-eu").namespace_of("database") == "database-prod-eu"


def test_a_base_from_elsewhere_is_there_as_it_is_locked() -> None:
    declared = load_vendor_file(REGIONS)
    assert declared
    (entry,) = declared.vendor
    assert folder_digest(REGIONS, entry.path) == load_lock(REGIONS)["metrics"].tree
    assert load_config(REGIONS).app("database").watched["postgres"].semver == "~16.4"


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        *(("apps", key) for key in ("images", "environments", "namespace", "dependsOn", "promote")),
        *(("environments", key) for key in ("after", "rollout", "namespaces", "allowClusterScoped")),
    ],
)
def test_the_example_shows_the_key(kind: str, key: str) -> None:
    found = read_document((REGIONS / "towpath.yaml").read_text(), "towpath.yaml").data[kind]
    assert any(key in each for each in (found.values() if kind == "apps" else found))


def own_releases(folder: Path) -> None:
    """The example that delivers Towpath, as its README says to begin: with the chart as the app's base."""
    shutil.copytree(OWN, folder)
    shutil.copytree(CHART, folder / "apps/towpath/base", ignore=shutil.ignore_patterns("examples"))


@needs_helm
def test_the_example_that_delivers_towpath_passes_the_check(tmp_path: Path) -> None:
    own_releases(tmp_path / "own")
    done = CliRunner().invoke(main, ["check", "--repo", str(tmp_path / "own"), "--output", "json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["findings"], told["notes"]) == ([], [])


def test_it_builds_each_image_that_the_dockerfile_and_the_chart_have() -> None:
    app = load_config(OWN).app("towpath")
    assert app.source is not None
    dockerfile = (ROOT / app.source.dockerfile).read_text()
    assert {image.target for image in app.built.values()} == set(TARGETS)
    assert all(has_stage(dockerfile, str(image.target)) for image in app.built.values())
    assert all(f"ARG {name}=" in dockerfile for name in app.source.build_args)
    values = (OWN / "apps/towpath/system/values.yaml").read_text()
    assert all(f"repository: {image.repository}\n" in values for image in app.built.values())
