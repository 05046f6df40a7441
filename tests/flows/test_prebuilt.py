"""An image that was built elsewhere is scanned, signed and recorded: then it is a release like others."""

import pytest

from tests.flows.bench import IMAGE, TOWPATH, Bench
from towpath.release.model import ScanSummary
from towpath.release.scan_verdict import ScanVerdict

ELSEWHERE = TOWPATH.replace("    source: {repository: ../hello.git}\n", "")
DIGEST = f"sha256:{9:064x}"


@pytest.fixture
def elsewhere(bench: Bench) -> Bench:
    bench.push("environments", {"towpath.yaml": ELSEWHERE}, "Built elsewhere")
    return bench


def deliver(bench: Bench, reference: str):  # type: ignore[no-untyped-def]
    return bench.start("deliver/deliver", app="hello", revision=reference)


def test_it_is_scanned_signed_recorded_and_promoted_by_its_evidence(elsewhere: Bench) -> None:
    run = deliver(elsewhere, f"{IMAGE}@{DIGEST}")
    assert run.state.is_completed(), run.state.message
    assert run.name == "deliver hello 0000000"
    assert elsewhere.calls == ["pull", "scan", "record"]
    release = elsewhere.releases[DIGEST]
    assert (release.commit, release.source, release.scan.status) == ("", IMAGE, "passed")
    follows = elsewhere.successor(run, "dev")
    assert follows is not None
    promoted = elsewhere.work(follows.id)
    assert promoted.state.is_completed(), promoted.state.message
    state = elsewhere.state("dev")
    assert state is not None
    assert (state.release.id, state.verified_at is not None) == (DIGEST, True)
    elsewhere.calls.clear()
    deliver(elsewhere, f"{IMAGE}@{DIGEST}")
    assert elsewhere.calls == [], "recorded once, and scanned once"


def test_what_its_scan_blocks_is_neither_recorded_nor_promoted(elsewhere: Bench) -> None:
    elsewhere.verdict = ScanVerdict(ScanSummary("blocked", ("secret",)), (), ("a key",))
    run = deliver(elsewhere, f"{IMAGE}@{DIGEST}")
    assert "scan blocks hello 0000000" in run.state.message
    assert elsewhere.calls == ["pull", "scan"]
    assert (elsewhere.releases, elsewhere.bundles) == ({}, {})


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (f"127.0.0.1:5000/other@{DIGEST}", "127.0.0.1:5000/other is not the image of hello"),
        (f"evil.example.com/hello@{DIGEST}", "evil.example.com/hello is not the image of hello"),
        (f"{IMAGE}@sha256:abc", "sha256"),
    ],
)
def test_another_image_than_the_apps_is_refused(elsewhere: Bench, reference: str, said: str) -> None:
    run = deliver(elsewhere, reference)
    assert run.state.is_failed()
    assert said in run.state.message
    assert elsewhere.calls == []


def test_of_several_environments_that_come_first_it_goes_to_all_or_to_the_one_that_is_named(
    elsewhere: Bench,
) -> None:
    apart = ELSEWHERE.replace("{name: dev, namespace: dev}", "{name: dev, namespace: dev}\n  - LAST")
    last = "{name: last, namespace: last, after: [dev, prod]}"
    elsewhere.push("environments", {"towpath.yaml": apart.replace("LAST", last)}, "Two come first")
    both = deliver(elsewhere, f"{IMAGE}@{DIGEST}")
    assert all(elsewhere.successor(both, name) for name in ("dev", "prod"))
    named = {"app": "hello", "revision": f"{IMAGE}@{DIGEST}", "environment": "prod"}
    one = elsewhere.start("deliver/deliver", **named)
    assert elsewhere.successor(one, "prod")
    assert elsewhere.successor(one, "dev") is None
    refused = elsewhere.start("deliver/deliver", **{**named, "environment": "last"})
    assert refused.state is not None
    assert "comes in by dev or prod, not last" in str(refused.state.message)


def test_of_an_app_that_is_built_here_none_comes_in(bench: Bench) -> None:
    run = deliver(bench, f"{IMAGE}@{DIGEST}")
    assert "hello has a `source`, so its releases are built here" in run.state.message
    assert bench.calls == []
