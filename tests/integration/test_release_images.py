"""A release of several images, and one of none, on the real API server: each image by its own digest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.integration.fleet import Fleet, a_fleet, workload
from tests.integration.manifests import configmap
from towpath.formats.versions import V2
from towpath.health import Status
from towpath.objects import Manifest
from towpath.release.model import EnvironmentRelease, Images, Release, ReleaseImage, ScanSummary
from towpath.release.release_file import dump_release_file

pytestmark = pytest.mark.integration

WEB = ReleaseImage("web", "127.0.0.1:5000/web", "sha256:" + "a" * 64)
JOB = ReleaseImage("job", "127.0.0.1:5000/job", "sha256:" + "b" * 64)


@dataclass
class Shop(Fleet):
    """The app `shop`, with the images of its release."""

    released: Images = ()
    named: dict[str, str] = field(default_factory=dict)

    def content(self) -> Mapping[str, str]:
        files = dict(super().content())
        config = yaml.safe_load(files["towpath.yaml"])
        config["apps"]["shop"] = {"images": self.named, "renderer": "plain"}
        files["towpath.yaml"] = yaml.safe_dump(config)
        passed = ScanSummary("not-scanned")
        release = Release("shop", self.released, "c" * 40, "/shop.git", "Begin", "Dana", "", passed, "")
        state = EnvironmentRelease(release, "2026-01-01T00:00:00+00:00", "dana")
        return {**files, "apps/shop/test/release.yaml": dump_release_file(state, V2)}


@pytest.fixture
def shop(stack, tmp_path: Path) -> Iterator[Shop]:  # type: ignore[no-untyped-def]
    with a_fleet(stack.settings, tmp_path) as made:
        yield Shop(made.folder, made.world, made.settings)


def runs(image: ReleaseImage) -> Manifest:
    made = workload(image.name)
    made["spec"]["template"]["spec"]["containers"][0]["image"] = image.reference
    return made


def test_each_image_of_a_release_runs_by_its_own_digest(shop: Shop) -> None:
    shop.released, shop.named = (WEB, JOB), {each.name: each.image for each in (WEB, JOB)}
    shop.apps["shop"] = [runs(WEB), runs(JOB), configmap("shop-settings", A="1")]
    shop.push("Merge a release of two images")
    done = shop.reconcile()
    assert done.failures == {}
    assert done.health["shop"].status is Status.HEALTHY
    release = done.plan.releases["shop"]
    assert [each.name for each in release.images] == ["job", "web"]
    assert shop.look().quiet, "rendered from the cache, it is the same release"
    assert shop.look().releases["shop"] == release
    shop.apps["shop"][1] = runs(ReleaseImage("job", JOB.image, WEB.digest))
    shop.push("Run another digest of one image")
    broken = shop.look().broken["shop"]
    assert f"runs {WEB.digest[:19]}…, but release.yaml says {JOB.digest[:19]}…" in broken
    shop.apps["shop"] = [runs(WEB)]
    shop.push("Run one image only")
    assert f"no container runs the app's image {JOB.image}" in shop.look().broken["shop"]


def test_an_app_without_an_image_is_synced_by_its_commit(shop: Shop) -> None:
    shop.apps["shop"] = [configmap("shop-settings", A="1")]
    shop.push("Merge a release without an image")
    done = shop.reconcile()
    assert done.failures == {}
    assert done.health["shop"].status is Status.HEALTHY
    assert done.plan.releases["shop"].id == "c" * 40
    assert shop.look().quiet
    shop.named = {"web": WEB.image}
    shop.push("It has an image now, and its release has none")
    told = shop.look().broken["shop"]
    assert "is the release of app shop as no image; this is shop as 127.0.0.1:5000/web" in told
