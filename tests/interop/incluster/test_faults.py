"""What goes wrong in the middle of a promotion: it ends well all the same, and leaves nothing locked.

Each test promotes another version to dev while somebody deletes what is in staging, whose agent heals.
"""

import time
from typing import Any

import pytest

from tests.chart import needs_helm
from tests.interop.incluster.faults import FAULTS, deletions
from tests.interop.pods.measures import ENDED
from tests.interop.pods.site import APP, Site, Tell, is_ready
from towpath.orchestration import keys

pytestmark = [needs_helm, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def busy(site: Site, tell: Tell) -> Site:
    """The first version runs in dev and staging."""
    site.seed(site.example())
    site.install(site.values())
    tell("towpath install is done")
    release = site.release(APP, "Hello v1", site.images["hello-v1"])
    site.must("promote", APP, "--to", "dev", "--release", release, **site.people)
    site.until(lambda: runs(site, "staging") == {release}, "staging runs it", 600)
    tell("v1 runs in dev and staging")
    return site


def runs(site: Site, environment: str) -> set[str]:
    """Digests that ready pods of the app run."""
    selector = f"--selector=app.kubernetes.io/name={APP}"
    found = site.cluster.get("pods", "--namespace", environment, selector)["items"]
    live = [each for each in found if "deletionTimestamp" not in each["metadata"]]
    if not all(map(is_ready, live)):
        return set()
    return {each["status"]["containerStatuses"][0]["imageID"].rpartition("@")[2] for each in live}


def asked(site: Site, environment: str) -> str:
    """The image that the app's Deployment asks for."""
    live = site.cluster.get("deployment", APP, "--namespace", environment)
    return str(live["spec"]["template"]["spec"]["containers"][0]["image"])


def promotion(site: Site, release: str) -> dict[str, Any]:
    """The newest run that promotes this release to dev."""
    wanted = {"flows": {"name": {"any_": [keys.PROMOTE]}}, "sort": "EXPECTED_START_TIME_DESC"}
    found: list[dict[str, Any]] = site.prefect("/flow_runs/filter", wanted)
    parameters = {"environment": "dev", "digest": release}
    return next(each for each in found if parameters.items() <= each["parameters"].items())


def answered(site: Site, path: str) -> dict[str, Any]:
    """What the Prefect server says, once it says something again."""

    def ask() -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = site.prefect(path)
        except AssertionError:
            return None
        return found

    found: dict[str, Any] = site.until(ask, f"the server answers {path}", 300)
    return found


@pytest.mark.parametrize(("number", "fault"), [*enumerate(FAULTS, 2)], ids=FAULTS)
def test_a_promotion_ends_well(busy: Site, tell: Tell, number: int, fault: str) -> None:
    site, version = busy, f"hello-v{number}"
    image, begun = site.images[version], time.monotonic()
    with deletions(site, "staging", APP) as deleted:
        release = site.release(APP, f"Hello v{number}", image)
        site.must("promote", APP, "--to", "dev", "--release", release, "--detach", **site.people)
        run = str(promotion(site, release)["id"])
        site.until(lambda: asked(site, "dev") == image.reference, "the new version is applied", 300)
        assert answered(site, f"/flow_runs/{run}")["state_type"] not in ENDED, "it is in the middle"
        with FAULTS[fault](site):
            tell(f"{fault}, {time.monotonic() - begun:.0f} s after the promotion was asked for")
        ended = site.until(
            lambda: (found := answered(site, f"/flow_runs/{run}"))["state_type"] in ENDED and found,
            "the promotion has ended",
            900,
        )
        tell(f"it has ended after {time.monotonic() - begun:.0f} s, in {ended['run_count']} attempts")
        assert ended["state_type"] == "COMPLETED", f"{ended['state']}\n{site.told()}"
        assert runs(site, "dev") == {image.digest}
        site.until(lambda: runs(site, "staging") == {image.digest}, "staging follows", 900)
    assert deleted[0] > 0
    # What was healed too often in a short time is left alone: healing begins again.
    site.must("reconcile", "staging", "--reset-budget", **site.people)
    site.until(lambda: there(site), "what was deleted is back", 300)
    site.until(lambda: not held(site), "no lock is held", 300)
    site.until(lambda: all(map(is_ready, site.pods())), "all of Towpath is ready", 300)
    drift = ("drift", "dev", "--context=towpath")
    site.until(lambda: site.towpath(*drift).returncode == 0, "dev is as in Git", 300)


def there(site: Site) -> bool:
    service = ("service", APP, "--namespace", "staging", "--ignore-not-found", "--output=name")
    return bool(site.cluster.kubectl("get", *service))


def held(site: Site) -> list[str]:
    """Locks of environments that somebody has."""
    found = site.prefect("/v2/concurrency_limits/filter", {})
    return [each["name"] for each in found if each["active_slots"]]
