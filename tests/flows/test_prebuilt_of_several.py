"""Images of one app that were built elsewhere come in together or alone; each set is a release of its own."""

import pytest

from tests.flows.bench import DEPLOYMENT, IMAGE, TOWPATH, Bench, git
from towpath.evidence.bundle import decode_bundle
from towpath.evidence.statement import decode_statement
from towpath.release.model import ReleaseImage, ScanSummary, id_of_images
from towpath.release.scan_report import ScanFinding
from towpath.release.scan_verdict import ScanVerdict

WORKER = "127.0.0.1:5000/worker"
SEVERAL = TOWPATH.replace("    source: {repository: ../hello.git}\n", "").replace(
    f"image: {IMAGE}", f"images: {{web: {IMAGE}, worker: {WORKER}}}"
)
TWO = f"{DEPLOYMENT}---\n{DEPLOYMENT.replace('name: hello', 'name: worker').replace(IMAGE, WORKER)}"


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def web(number: int) -> str:
    return f"{IMAGE}@{digest(number)}"


def worker(number: int) -> str:
    return f"{WORKER}@{digest(number)}"


def release_id(web: int, worker: int) -> str:
    return id_of_images(
        (ReleaseImage("web", IMAGE, digest(web)), ReleaseImage("worker", WORKER, digest(worker)))
    )


@pytest.fixture
def several(bench: Bench) -> Bench:
    overlays = {f"apps/hello/{name}/deployment.yaml": TWO for name in ("dev", "prod")}
    bench.push("environments", {"towpath.yaml": SEVERAL, **overlays}, "Two images, built elsewhere")
    return bench


def deliver(bench: Bench, *references: str):  # type: ignore[no-untyped-def]
    return bench.start("deliver/deliver", app="hello", revision=",".join(references))


def into_dev(bench: Bench, *references: str) -> str:
    """The id of the release that dev has afterwards."""
    run = deliver(bench, *references)
    assert run.state.is_completed(), run.state.message
    follows = bench.successor(run, "dev")
    assert follows is not None
    promoted = bench.work(follows.id)
    assert promoted.state.is_completed(), promoted.state.message
    state = bench.state("dev")
    assert state is not None
    assert state.verified_at is not None
    return state.release.id


def test_they_come_in_together_and_alone_and_the_others_stay(several: Bench) -> None:
    assert into_dev(several, worker(2), web(1)) == release_id(1, 2)
    assert several.calls[:4] == ["pull", "pull", "scan", "scan"]
    overlay = git(several.environments, "show", "main:apps/hello/dev/deployment.yaml")
    assert (web(1) in overlay, worker(2) in overlay) == (True, True)
    several.calls.clear()
    assert into_dev(several, web(3)) == release_id(3, 2)
    assert several.calls[:5] == ["pull", "pull", "scan", "scan", "record"], "all of its images are scanned"
    overlay = git(several.environments, "show", "main:apps/hello/dev/deployment.yaml")
    assert (web(3) in overlay, worker(2) in overlay) == (True, True)
    first, second = release_id(1, 2), release_id(3, 2)
    assert set(several.releases) == {first, second}
    (bundle,) = several.bundles[digest(3)]
    evidence = decode_statement(decode_bundle(bundle).payload)
    assert [each.digest for each in evidence.images] == [digest(3), digest(2)]
    assert evidence.previous == first, "whose authors count, too: it gave the other image"
    assert len(several.bundles[digest(2)]) == 2, "each release of an image has evidence there"


def test_another_environment_takes_only_what_was_verified_as_a_whole(several: Bench) -> None:
    both = into_dev(several, web(1), worker(2))
    later = into_dev(several, web(3))
    for release, said in ((both, "must be verified in dev first"), (later, "")):
        run = several.start("promote/promote-prod", app="hello", digest=release, environment="prod")
        waits = run.state.is_paused()
        assert waits is not bool(said), run.state.message
        assert said in str(run.state.message)


def test_the_first_release_needs_all_images(several: Bench) -> None:
    run = deliver(several, web(1))
    assert "dev runs no worker of hello yet, which a release of it has" in run.state.message
    assert several.calls == []


def test_what_the_scan_of_one_blocks_lets_none_in(several: Bench) -> None:
    key = ScanFinding("HIGH", "private-key", "secret", "/key.pem", "a key")
    several.verdict = ScanVerdict(ScanSummary("blocked", ("secret",)), (key,), (key,))
    run = deliver(several, web(1), worker(2))
    assert "HIGH private-key in web: /key.pem" in run.state.message
    assert (several.releases, several.bundles) == ({}, {})


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ((web(1), web(2)), "image web of hello is named twice"),
        ((f"127.0.0.1:5000/other@{digest(1)}", worker(2)), "is not an image of hello"),
        ((web(1), f"{WORKER}:1.4"), "app hello has no `source`, so there is nothing to build"),
    ],
)
def test_what_is_not_theirs_is_refused(several: Bench, references: tuple[str, ...], said: str) -> None:
    run = deliver(several, *references)
    assert run.state.is_failed()
    assert said in run.state.message
    assert several.calls == []


def test_a_quarantine_of_one_image_keeps_out_all_releases_that_have_it(several: Bench) -> None:
    into_dev(several, web(1), worker(2))
    entry = f"{{release: '{digest(9)}', reason: leaks, at: '2026-01-01T00:00:00Z'}}"
    text = f"apiVersion: towpath.dev/v2\nreleases: [{entry}]\n"
    several.push("environments", {"apps/hello/quarantine.yaml": text}, "Quarantine an image")
    run = deliver(several, web(9))
    follows = several.successor(run, "dev")
    assert follows is not None
    refused = several.work(follows.id)
    assert "is quarantined since 2026-01-01T00:00:00Z: leaks" in refused.state.message


def test_a_record_that_names_other_images_proves_nothing(several: Bench) -> None:
    """Whoever writes to the registry points one release at the images of another."""
    both = into_dev(several, web(1), worker(2))
    later = into_dev(several, web(3))
    several.releases[both] = several.releases[later]
    run = several.start("promote/promote-dev", app="hello", digest=both, environment="dev")
    assert run.state.is_failed()
    assert "Somebody wrote a false record" in run.state.message
