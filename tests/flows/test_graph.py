"""A graph of environments: releases fan out, and come together in one run."""

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from tests.flows.bench import DEPLOYMENT, FLOWS, Bench
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.errors import VerifyError
from towpath.evidence.trusted_keys import COMMITS
from towpath.orchestration import keys
from towpath.release.model import Release

DIAMOND = """\
apiVersion: towpath.dev/v2
apps:
  hello:
    image: 127.0.0.1:5000/hello
    source: {repository: ../hello.git}
    renderer: plain
environments:
  - {name: last, namespace: last, after: [prod, staging]}
  - {name: staging, namespace: staging, after: [dev]}
  - {name: prod, namespace: prod, after: [dev]}
  - {name: dev, namespace: dev}
scan: {scanners: [secret], block: [HIGH]}
"""
MORE = ("staging", "last")


@pytest.fixture
def diamond(bench: Bench) -> Bench:
    """dev, then prod and staging, then last."""
    make_key(KeyFolder(bench.folder / "keys"), "last", (COMMITS,))
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(FLOWS[keys.PROMOTE])
        for name in MORE:
            client.create_deployment(flow_id, keys.deployment_name(keys.PROMOTE, name))
            try:
                client.read_global_concurrency_limit_by_name(keys.lock_name(name))
            except ObjectNotFound:
                limit = GlobalConcurrencyLimitCreate(name=keys.lock_name(name), limit=1)
                client.create_global_concurrency_limit(limit)
    overlays = {f"apps/hello/{name}/deployment.yaml": DEPLOYMENT for name in MORE}
    bench.push("environments", {"towpath.yaml": DIAMOND, **overlays}, "A diamond")
    return bench


def joined(release: Release, environment: str = "last") -> list[FlowRun]:
    """The runs that come after several environments."""
    key = keys.joined_key("hello", release.id, environment)
    wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key]))
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(flow_run_filter=wanted)


def test_a_release_fans_out_and_comes_together_in_one_run(diamond: Bench) -> None:
    release = diamond.release(1)
    first = diamond.promoted(release, "dev")
    assert first.state is not None
    assert first.state.is_completed(), first.state.message
    both = [diamond.successor(first, name) for name in ("prod", "staging")]
    assert all(both), "both follow at once"
    refused = diamond.promoted(release, "last")
    assert "must be verified in prod first" in str(refused.state and refused.state.message)
    assert diamond.successor(first, "last") is None
    for run, number in zip(both, (0, 1), strict=True):
        assert run is not None
        done = diamond.work(run.id)
        assert done.state is not None
        assert done.state.is_completed(), done.state.message
        assert len(joined(release)) == number, "it waits for the other one, and is started by it"
    [last] = joined(release)
    assert last.parameters["parent"] == str(both[1] and both[1].id)
    done = diamond.work(last.id)
    assert done.state is not None
    assert done.state.message == "last runs hello 0000000, verified"
    state = diamond.state("last")
    assert state is not None
    assert state.promoted_from == "prod and staging"
    again = diamond.promoted(release, "prod")
    assert again.state is not None
    assert again.state.is_completed()
    assert len(joined(release)) == 1, "it is there already"


def test_a_rollout_one_after_the_other_stops_at_the_first_failure(diamond: Bench) -> None:
    one_by_one = DIAMOND.replace("{name: dev, ", "{name: dev, rollout: sequential, ")
    diamond.push("environments", {"towpath.yaml": one_by_one}, "One after the other")
    release = diamond.release(1)
    first = diamond.promoted(release, "dev")
    assert not diamond.successor(first, "prod"), "staging is before it"
    assert not joined(release, "prod")
    staging = diamond.successor(first, "staging")
    assert staging is not None
    diamond.verify_fails.append(VerifyError("its pods crash"))
    failed = diamond.work(staging.id)
    assert failed.state is not None
    assert failed.state.is_failed()
    assert not joined(release, "prod")
    refused = diamond.promoted(release, "prod")
    assert "must be verified in staging first" in str(refused.state and refused.state.message)
    mended = diamond.release(2)
    for environment in ("dev", "staging"):
        done = diamond.promoted(mended, environment)
        assert done.state is not None
        assert done.state.is_completed(), done.state.message
    [run] = joined(mended, "prod")
    assert run.parameters["environment"] == "prod"


def test_a_release_that_stayed_long_enough_moves_on_though_a_newer_one_has_come(diamond: Bench) -> None:
    first, second = diamond.release(1), diamond.release(2)
    diamond.promoted(first, "dev")
    diamond.promoted(second, "dev")
    run = diamond.promoted(first, "prod")
    assert run.state is not None
    assert run.state.is_completed(), run.state.message


def test_in_a_list_only_what_runs_in_the_environment_before_moves_on(bench: Bench) -> None:
    first, second = bench.release(1), bench.release(2)
    bench.promoted(first, "dev")
    bench.promoted(second, "dev")
    run = bench.promoted(first, "prod")
    assert f"must be verified in dev first, and dev runs {second.short_id}" in str(
        run.state and run.state.message
    )
