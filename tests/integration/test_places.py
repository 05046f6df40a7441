"""Where apps run, on the real API server: environments that they leave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.fleet import Fleet, a_fleet

pytestmark = pytest.mark.integration


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:
    with a_fleet(stack.settings, tmp_path) as fleet:
        for name in ("one", "two"):
            fleet.add(name)
        yield fleet


def test_an_app_that_leaves_an_environment_is_told_and_stays_live(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.push()
    fleet.reconcile()
    before = fleet.resource_versions()
    whole = fleet.content()

    def without_two() -> dict[str, str]:
        files = {path: text for path, text in whole.items() if not path.startswith("apps/two/")}
        config = yaml.safe_load(whole["towpath.yaml"])
        config["environments"].append({"name": "other", "namespace": f"{fleet.namespace}-other"})
        config["apps"]["two"]["environments"] = ["other"]
        return files | {"towpath.yaml": yaml.safe_dump(config)}

    monkeypatch.setattr(fleet, "content", without_two)
    fleet.push("two runs elsewhere")
    done = fleet.reconcile()
    assert done.failures == {}
    assert [each.reason for each in done.plan.decisions if each.app == "two"] == ["left Git"]
    assert fleet.resource_versions() == before
