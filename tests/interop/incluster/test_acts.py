"""The demo's story on an installation: as on the local stack, but by pods, and from a CI job on.

The acts are the demo's, in its order, and check what they promise. Here is what only an installation has.
"""

import time

import pytest

from tests.chart import needs_helm
from tests.interop.pods import acts
from tests.interop.pods.builder import PLACE
from tests.interop.pods.site import ENVIRONMENTS, Site, Tell, is_ready
from towpath.demo import story
from towpath.errors import TowpathError
from towpath.orchestration import keys

pytestmark = [needs_helm, pytest.mark.timeout(1800)]

IMAGES = acts.IMAGES


@pytest.fixture(scope="module")
def stage(site: Site, tell: Tell) -> acts.InstalledStage:
    begun = time.monotonic()
    acts.install(site)
    tell(f"towpath install: {time.monotonic() - begun:.1f} s with images present")
    return acts.stage(site, tell, print)


@pytest.mark.parametrize("act", story.CHAPTERS)
def test_each_act_goes_as_on_the_local_stack(
    stage: acts.InstalledStage, site: Site, tell: Tell, act: str
) -> None:
    title, play = story.CHAPTERS[act]
    tell(f"-- {title}")
    begun = time.monotonic()
    try:
        play(stage)
    except TowpathError as error:
        pytest.fail(f"{error}\n{site.told()}")
    tell(f"-- took {time.monotonic() - begun:.1f} s")


def test_the_door_asked_and_pods_did_it(stage: acts.InstalledStage, site: Site) -> None:
    runs = site.prefect("/flow_runs/filter", {"flows": {"name": {"any_": [keys.DELIVER]}}})
    assert len(runs) == 3
    assert all(keys.person_tag("door") in each["tags"] for each in runs)
    parts = {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in site.pods()}
    assert parts == {"server", "services", "agent", "build-agent", "door", "database", "redis"}
    assert [each["metadata"]["name"] for each in site.pods() if not is_ready(each)] == []
    (buildkit,) = site.pods("buildkit", PLACE)
    assert is_ready(buildkit)
    accounts = {each["spec"]["serviceAccountName"] for each in site.pods("agent")}
    assert accounts == {f"towpath-{name}" for name in ENVIRONMENTS}
