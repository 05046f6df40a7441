"""Bills of materials of a delivery: signed and attached where Trivy and the registry allow, and no delivery
fails for want of one.
"""

from datetime import UTC, datetime

import pytest

from tests.flows.bench import Bench
from towpath.errors import TerminalError, TransientError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.sbom_statement import verify_sbom
from towpath.evidence.trusted_keys import EVIDENCE, TrustedKey, TrustedKeys


def trusted(key: PrivateKey) -> TrustedKeys:
    return TrustedKeys((TrustedKey(("build",), key.public, (EVIDENCE,)),))


def report_of(bench: Bench) -> str:
    from prefect.artifacts import Artifact

    (release,) = bench.releases.values()
    report = Artifact.get(f"release-{release.app}")
    assert report is not None
    return str(report.data)


def test_each_image_gets_one_that_the_build_agent_signed(bench: Bench) -> None:
    bench.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")
    run = bench.start("deliver/deliver", app="hello", revision="main")
    assert run.state.is_completed(), run.state.message
    (release,) = bench.releases.values()
    ((digest, (bundle,)),) = bench.sboms.items()
    assert digest == release.images[0].digest
    found = verify_sbom(bundle, trusted(bench.key("build")), digest, ("build",), datetime.now(UTC))
    assert found.document["metadata"]["component"]["name"] == release.images[0].image
    assert "| SBOM of hello | 1 part, CycloneDX 1.6 |" in report_of(bench)


@pytest.mark.parametrize("which", ["list", "attach"])
def test_a_release_without_one_is_a_release_and_its_report_says_so(bench: Bench, which: str) -> None:
    error = TerminalError("Trivy failed with exit code 1")
    (bench.list_fails if which == "list" else bench.sbom_fails).append(error)
    bench.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")
    run = bench.start("deliver/deliver", app="hello", revision="main")
    assert run.state.is_completed(), run.state.message
    assert bench.calls == ["build", "test", "scan", "push", "record"]
    assert not bench.sboms
    assert "| SBOM of hello | none: the log says why |" in report_of(bench)
    assert bench.successor(run, "dev") is not None


def test_a_registry_that_does_not_answer_is_asked_again_as_for_evidence(bench: Bench) -> None:
    bench.sbom_fails.append(TransientError("registry does not answer"))
    bench.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")
    run = bench.start("deliver/deliver", app="hello", revision="main")
    assert run.state.is_completed(), run.state.message
    assert [len(each) for each in bench.sboms.values()] == [1]


def test_one_that_a_registry_never_takes_stops_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.runs.step.TRIES_AFTER_FIRST", 1)  # the second try counts as the last
    bench.sbom_fails.extend(TransientError("registry answered PUT with 502") for _ in range(2))
    bench.push("hello", {"Dockerfile": "FROM scratch\n"}, "Say hello")
    run = bench.start("deliver/deliver", app="hello", revision="main")
    assert run.state.is_completed(), run.state.message
    assert not bench.sboms
    assert not bench.sbom_fails
    assert "| SBOM of hello | none: the log says why |" in report_of(bench)
