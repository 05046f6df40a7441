"""Delivery: the order of its steps, and what stops it."""

import base64
import dataclasses
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.flows.bench import TOWPATH, Bench, git
from tests.keys import evidence_of
from towpath.errors import BuildError
from towpath.evidence.bundle import decode_bundle
from towpath.evidence.signing import sign_release
from towpath.evidence.statement import decode_statement
from towpath.formats.versions import V2
from towpath.release.model import EnvironmentRelease, ScanSummary
from towpath.release.release_file import dump_release_file
from towpath.release.scan_report import ScanFinding
from towpath.release.scan_verdict import ScanVerdict


def commit(bench: Bench) -> str:
    return bench.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")


def test_steps_come_in_order_and_the_first_promotion_is_started(bench: Bench) -> None:
    sha = commit(bench)
    run = bench.start("deliver/deliver", app="hello", revision="main")
    assert run.state.is_completed(), run.state.message
    assert bench.calls == ["build", "test", "scan", "push", "record"]
    assert run.name == f"deliver hello {sha[:7]}"
    assert {"app:hello", f"commit:{sha[:7]}"} <= set(run.tags)
    (release,) = bench.releases.values()
    assert (release.commit, release.subject) == (sha, "Say hello")
    assert release.author == "Dana Developer <dana@example.com>"
    following = bench.successor(run, "dev")
    assert following is not None
    assert following.parameters == {
        "app": "hello",
        "digest": release.id,
        "environment": "dev",
        "parent": str(run.id),
    }


def test_a_blocked_scan_stops_before_anything_is_pushed_and_leaves_its_report(bench: Bench) -> None:
    from prefect.artifacts import Artifact

    sha = commit(bench)
    found = ScanFinding("HIGH", "private-key", "secret", "/app/key.pem", "Asymmetric Private Key")
    bench.verdict = ScanVerdict(ScanSummary("blocked", ("secret",), {"HIGH": 1}), (found,), (found,))
    run = bench.start("deliver/deliver", app="hello", revision=sha)
    assert run.state.is_failed()
    assert run.state.message.startswith(f"scan blocks hello {sha[:7]}: ")
    assert "private-key" in run.state.message
    assert bench.calls == ["build", "test", "scan"]
    assert not bench.releases
    report = Artifact.get("scan-hello")
    assert report is not None
    assert f"Scan of hello {sha[:7]}: blocked" in str(report.data)
    assert bench.successor(run, "dev") is None


def test_an_image_that_was_not_scanned_is_not_pushed(bench: Bench) -> None:
    sha = commit(bench)
    bench.verdict = ScanVerdict(ScanSummary("not-scanned"), (), (), reasons=("Trivy wrote no report",))
    run = bench.start("deliver/deliver", app="hello", revision=sha)
    assert run.state.message.startswith(f"scan blocks hello {sha[:7]}: Trivy wrote no report")
    assert "push" not in bench.calls


def test_a_commit_that_is_released_already_is_not_built_again(bench: Bench) -> None:
    sha = commit(bench)
    bench.shelve(dataclasses.replace(bench.release(1), commit=sha))
    run = bench.start("deliver/deliver", app="hello", revision=sha)
    assert run.state.is_completed()
    assert bench.calls == []
    assert bench.successor(run, "dev") is not None


def test_a_release_that_todays_scan_policy_would_block_is_built_and_scanned_again(bench: Bench) -> None:
    sha = commit(bench)
    scan = ScanSummary("passed", ("secret",), {"HIGH": 1}, findings={"private-key": "HIGH"})
    bench.shelve(dataclasses.replace(bench.release(1), commit=sha, scan=scan))
    run = bench.start("deliver/deliver", app="hello", revision=sha)
    assert run.state.is_completed()
    assert bench.calls == ["build", "test", "scan", "push", "record"]


def test_a_record_that_somebody_put_there_before_is_not_believed(bench: Bench) -> None:
    sha = commit(bench)
    known = dataclasses.replace(bench.release(1), commit=sha)
    for bundles in ([], [sign_release(evidence_of(known), bench.key("prod"))], [b"junk"]):
        bench.calls.clear()
        bench.shelve(known)
        bench.bundles[known.id] = bundles
        run = bench.start("deliver/deliver", app="hello", revision=sha)
        assert run.state.is_completed(), run.state.message
        assert bench.calls == ["build", "test", "scan", "push", "record"]
        following = bench.successor(run, "dev")
        assert following is not None
        assert following.parameters["digest"] != known.id


def test_a_record_that_names_the_proven_image_of_another_commit_is_not_believed(bench: Bench) -> None:
    old = bench.release(1)
    sha = commit(bench)
    bench.releases[old.id] = dataclasses.replace(old, commit=sha)
    run = bench.start("deliver/deliver", app="hello", revision=sha)
    assert run.state.is_completed(), run.state.message
    assert bench.calls == ["build", "test", "scan", "push", "record"]


def test_evidence_names_the_release_before_and_every_author_and_co_author_since(bench: Bench) -> None:
    commit(bench)
    first = bench.start("deliver/deliver", app="hello", revision="main")
    (before,) = bench.releases.values()
    bench.releases = {"sha256:" + "9" * 64: before}
    bench.push("hello", {"a": "1"}, "Change a\n\nCo-authored-by: Eve <eve@example.com>")
    sha = bench.push("hello", {"b": "1"}, "Change b")
    run = bench.start("deliver/deliver", app="hello", revision=sha)
    assert (first.state.is_completed(), run.state.is_completed()) == (True, True), run.state.message
    evidence = decode_statement(decode_bundle(bench.bundles[before.id][-1]).payload)
    assert (evidence.commit, evidence.previous) == (sha, before.id)
    assert evidence.authors == ("Dana Developer <dana@example.com>", "Eve <eve@example.com>")
    assert (evidence.scan.status, evidence.scan.scanners) == ("passed", ("secret",))
    assert evidence.scan.report.startswith("sha256:")
    assert evidence.builder == "build"


@pytest.mark.parametrize("missing", ["TOWPATH_TRUSTED_KEYS", "TOWPATH_SIGNING_KEY"])
def test_without_keys_nothing_is_built(bench: Bench, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    sha = commit(bench)
    if missing == "TOWPATH_SIGNING_KEY":
        (bench.folder / "keys" / "build").unlink()
    else:
        monkeypatch.delenv(missing)
    run = bench.start("deliver/deliver", app="hello", revision=sha)
    assert run.state.is_failed()
    assert "key" in run.state.message
    assert bench.calls == []


def test_an_unknown_app_and_an_unknown_revision_are_named(bench: Bench) -> None:
    commit(bench)
    run = bench.start("deliver/deliver", app="helo", revision="main")
    assert run.state.message == "unknown app 'helo' in towpath.yaml\nDid you mean hello?"
    run = bench.start("deliver/deliver", app="hello", revision="nowhere")
    assert "nowhere" in run.state.message


def test_the_credentials_of_a_source_url_reach_neither_release_nor_run(
    bench: Bench, behind_a_password: str
) -> None:
    from prefect.artifacts import Artifact
    from prefect.client.orchestration import get_client

    url = behind_a_password.replace("http://", "http://ann:canary-4711@")
    config = TOWPATH.replace("../hello.git", url)
    bench.push("environments", {"towpath.yaml": config}, "A source with a password")
    sha = commit(bench)
    git(bench.folder / "hello.git", "update-server-info")
    run = bench.start("deliver/deliver", app="hello", revision="main")
    assert run.state.is_completed(), run.state.message
    (release,) = bench.releases.values()
    assert (release.commit, release.source) == (sha, behind_a_password)
    assert dump_release_file(EnvironmentRelease(release, "", ""), V2).count(behind_a_password) == 1
    about = Artifact.get("release-hello")
    with get_client(sync_client=True) as client:
        told = f"{client.read_flow_run(run.id)} {about.data if about else ''} {release}"
    secret = base64.b64encode(b"ann:canary-4711").decode()
    assert behind_a_password in told
    assert "canary" not in told
    assert secret not in told


@pytest.fixture
def behind_a_password(bench: Bench) -> Iterator[str]:
    """The app's source over HTTP, for whoever knows the password."""
    wanted = "Basic " + base64.b64encode(b"ann:canary-4711").decode()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(bench.folder))

        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                super().do_GET()
            else:
                self.send_error(401)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hello.git"
    server.shutdown()
    server.server_close()


def test_a_secret_in_a_commits_subject_is_not_kept_with_the_release(bench: Bench) -> None:
    bench.push("hello", {"Dockerfile": "FROM scratch\n"}, f"Use ghp_{'a1' * 15} {'x' * 300}")
    bench.start("deliver/deliver", app="hello", revision="main")
    (release,) = bench.releases.values()
    assert release.subject.startswith("Use *** xxx")
    assert len(release.subject) == 200


@pytest.mark.parametrize(
    ("dockerfile", "has"),
    [
        ("FROM scratch\n", "0"),
        ("FROM python AS build\nFROM build AS run\n", "build, run"),
        ("FROM python AS tests\n", "tests"),
        ("# FROM python AS test\nFROM python AS a\n", "a"),
        ("FROM python AS build\nCOPY --from=test /a /a\nFROM scratch\n", "build, 1"),
    ],
)
def test_a_dockerfile_without_the_test_stage_is_told_with_what_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, dockerfile: str, has: str
) -> None:
    commit = bench.push("hello", {"Dockerfile": dockerfile}, "Say hello")

    def build(*_: object, target: str | None, **__: object) -> str:
        if target:
            raise BuildError("the engine's own words")
        return f"sha256:{8:064x}"

    monkeypatch.setattr("towpath.adapters.images.docker.build", build)
    run = bench.start("deliver/deliver", app="hello", revision=commit)
    assert run.state.is_failed()
    assert (
        f"Dockerfile has no stage 'test', which the tests of hello run in; it has: {has}" in run.state.message
    )
    assert "source.testTarget: null" in run.state.message


def test_tests_that_fail_in_their_stage_are_told_as_they_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = bench.push("hello", {"Dockerfile": "FROM python AS Test\nRUN pytest\n"}, "Say hello")

    def build(*_: object, target: str | None, **__: object) -> str:
        if target:
            raise BuildError("1 failed")
        return f"sha256:{8:064x}"

    monkeypatch.setattr("towpath.adapters.images.docker.build", build)
    run = bench.start("deliver/deliver", app="hello", revision=commit)
    assert (run.state.is_failed(), run.state.message) == (True, "1 failed")
