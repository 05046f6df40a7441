"""The demo's story, judged by cluster, registry and Git, not by what it prints."""

import json
from pathlib import Path

import pytest

from towpath.demo import story
from towpath.demo.source import next_version
from towpath.demo.world import APP, ENVIRONMENTS, World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def stage(demo: World) -> story.Stage:
    return story.Stage(demo, EXAMPLES, tell=print, progress=print)


@pytest.fixture(scope="module")
def delivered(stage: story.Stage) -> str:
    """Chapter 1 played; the version it delivered."""
    version = next_version(stage.world)
    story.deliver(stage)
    return version


def test_a_commit_reaches_every_environment_by_digest(stage: story.Stage, delivered: str) -> None:
    world = stage.world
    head = world.git("--git-dir", world.source, "rev-parse", "main")
    digests = {world.released(environment) for environment in ENVIRONMENTS}
    assert len(digests) == 1
    for environment in ENVIRONMENTS:
        assert world.running_digests(environment) == digests
        assert delivered in world.page(environment)
        deployment = world.live("deployment", environment)
        assert deployment is not None
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        assert image == f"{world.image_repository()}@{world.released(environment)}"
    assert head[:12] in " ".join(world.tags()), "the image is tagged by its commit"


def test_one_commit_per_promotion_with_its_audit_in_trailers(stage: story.Stage, delivered: str) -> None:
    world = stage.world
    for environment in ENVIRONMENTS:
        digest = world.released(environment)
        promotions = [
            commit
            for commit in world.commits(f"apps/{APP}/{environment}/kustomization.yaml")
            if commit.trailers.get("Towpath-Release") == [digest]
        ]
        assert len(promotions) == 1
        assert promotions[0].trailers["Towpath-Environment"] == [environment]
        assert promotions[0].trailers["Towpath-Flow-Run"]
    prod = world.commits(f"apps/{APP}/prod/kustomization.yaml")[0]
    assert prod.trailers["Towpath-Approved-By"] == [story.APPROVER]
    assert prod.trailers["Towpath-Promoted-From"] == ["staging"]


def test_drift_is_healed_and_an_extra_is_left_alone(stage: story.Stage, delivered: str) -> None:
    world = stage.world
    before = world.live("deployment", "prod")
    assert before is not None
    heads = world.commits()
    story.drift(stage)
    after = world.live("deployment", "prod")
    assert after is not None
    assert after["spec"] == before["spec"]
    assert world.live("configmap", "prod") is not None
    assert world.commits() == heads, "healing writes nothing to Git"


def test_a_version_that_is_never_ready_is_rolled_back_in_dev_and_goes_no_further(
    stage: story.Stage, delivered: str
) -> None:
    world = stage.world
    good = world.released("prod")
    outside_dev = world.commits(f"apps/{APP}/staging", f"apps/{APP}/prod")
    story.broken(stage)
    assert world.released("dev") == good
    assert world.running_digests("dev") == {good}
    assert delivered in world.page("dev")
    assert world.commits(f"apps/{APP}/staging", f"apps/{APP}/prod") == outside_dev
    rollback = world.commits(f"apps/{APP}/dev/kustomization.yaml")[0]
    bad = rollback.trailers["Towpath-Rolls-Back"][0]
    quarantine = world.git(
        "--git-dir", str(world.settings.environments), "show", f"main:apps/{APP}/quarantine.yaml"
    )
    assert bad in quarantine


def test_a_private_key_in_the_image_blocks_the_release(stage: story.Stage, delivered: str) -> None:
    world = stage.world
    tags, heads = world.tags(), world.commits()
    story.leaked(stage)
    assert world.tags() == tags
    assert world.commits() == heads


def test_a_release_that_somebody_wrote_by_hand_is_held_and_its_chain_is_broken(
    stage: story.Stage, delivered: str
) -> None:
    world = stage.world
    good = world.released("prod")
    story.forged(stage)
    assert world.running_digests("prod") == {good}
    told = json.loads(world.towpath("verify", APP, "prod", "--output", "json").stdout)
    assert told["holds"]
    assert [step["step"] for step in told["steps"] if step["standing"] == "failed"] == []
    assert {"source", "scan", "promotion", "sbom"} <= {
        s["step"] for s in told["steps"] if s["standing"] == "proven"
    }
    assert next(iter(world.commits())).subject.startswith("Take back ")


def test_a_deleted_namespace_is_rebuilt_from_git_alone(stage: story.Stage, delivered: str) -> None:
    world = stage.world
    heads = world.commits()
    before = _names(world, "prod")
    story.disaster(stage)
    assert _names(world, "prod") == before
    assert delivered in world.page("prod")
    assert world.commits() == heads


def _names(world: World, environment: str) -> set[str]:
    """What the app has in the namespace, as kind/name."""
    kinds = "deployment,service,configmap,role,rolebinding,serviceaccount,poddisruptionbudget"
    items = json.loads(world.kubectl("get", kinds, "-n", environment, "-o", "json"))["items"]
    return {f"{item['kind']}/{item['metadata']['name']}" for item in items}
