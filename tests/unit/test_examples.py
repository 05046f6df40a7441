"""The environment repositories in examples/ are right, and show keys of apps and environments."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from towpath.cli.main import main
from towpath.config import load_config
from towpath.engine.vendor.compare import folder_digest
from towpath.vendor.lock import load_lock
from towpath.vendor.model import load_vendor_file
from towpath.yamltext.config_reader import read_document

REGIONS = Path(__file__).parents[2] / "examples/regions"


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
