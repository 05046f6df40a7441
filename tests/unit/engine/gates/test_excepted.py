"""A release without evidence enters by an exception that an owner has signed in Git, and by nothing less."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.engine.gates.bench import Bench
from tests.unit.engine.source.promotions import release
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import read_private_key
from towpath.engine.gates.chain import release_chain
from towpath.engine.operate.app_releases import app_releases
from towpath.engine.source.excepted_release import proven_or_excepted
from towpath.errors import EvidenceError
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import POLICY
from towpath.gates.evidence_exception import ExceptionStatement, encode_exception, exception_paths
from towpath.release.model import Release, ScanSummary

OLD = release(1)


@pytest.fixture
def old(bench: Bench) -> Bench:
    """Nothing proves release 1, and olga is an owner."""
    del bench.bundles[OLD.id]
    make_key(bench.git.keys, "olga", (POLICY,))
    return bench


def except_(old: Bench, known: Release = OLD, *, days: float = 30, at: str = "", **more: Any) -> None:
    """A commit of olga's exception for a release, at the path of the release `at`."""
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    until = (now + timedelta(days=days)).isoformat()
    authors = more.pop("authors", (known.author,))
    content = encode_exception(
        ExceptionStatement(known, authors, "olga", "of before", now.isoformat(), until)
    )
    key = read_private_key(old.git.keys.private_file(more.pop("by", "olga")))
    path, signature = exception_paths("hello", at or known.id)
    old.merge({path: content.decode(), signature: sign_text(content, POLICY, key)})


def test_without_one_it_is_refused_and_the_way_out_is_told(old: Bench) -> None:
    with pytest.raises(EvidenceError, match="there is no release evidence for hello") as caught:
        old.promotion("dev", OLD.id)
    assert "towpath policy except" in caught.value.remedy


def test_it_enters_as_the_owner_says_it_is_and_that_is_told(old: Bench) -> None:
    except_(old)
    admission = old.promotion("dev", OLD.id)
    assert admission.verdict.open
    assert admission.release == OLD
    (told,) = admission.verdict.told
    assert "an exception of olga" in told
    assert proven_or_excepted(old.context("dev").repo, old.git.trusted, "hello", OLD.id) == OLD


def test_order_and_approvals_are_asked_as_ever(old: Bench) -> None:
    except_(old, authors=("alice <alice@example.com>",))
    verdict = old.promotion("prod", OLD.id).verdict
    assert "must be verified in dev first" in verdict.reasons[0]
    assert verdict.missing_approvals == 2
    assert old.promotion("prod", OLD.id).facts.authors == ("alice <alice@example.com>",)


def test_todays_scan_policy_judges_the_scan_that_the_owner_has_signed(old: Bench) -> None:
    except_(old, replace(OLD, scan=ScanSummary("not-scanned", ())))
    (reason,) = old.promotion("dev", OLD.id).verdict.reasons
    assert "was not scanned" in reason


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"days": 0.5}, "its exception does not count: olga's exception .* has ended"),
        ({"by": "build"}, "its exception does not count"),
        ({"known": release(2), "at": OLD.id}, "its exception does not count: .*for another release"),
    ],
)
def test_one_that_does_not_hold_lets_nothing_in(old: Bench, how: dict[str, Any], why: str) -> None:
    except_(old, **how)
    with pytest.raises(EvidenceError, match=why):
        old.promotion("dev", OLD.id)


def test_a_file_without_its_signature_lets_nothing_in(old: Bench) -> None:
    except_(old)
    old.merge({exception_paths("hello", OLD.id)[1]: ""})
    with pytest.raises(EvidenceError, match="its exception does not count"):
        old.promotion("dev", OLD.id)


def test_what_is_merged_of_it_is_admitted_and_of_another_commit_is_not(old: Bench) -> None:
    except_(old)
    old.name(1, "dev")
    old.check("dev")
    old.name(1, "dev", commit="f" * 40)
    with pytest.raises(Exception, match="another commit"):
        old.check("dev")


def test_verify_and_releases_say_who_has_excepted_it(old: Bench) -> None:
    except_(old)
    old.name(1, "dev")
    repo = old.context("dev").repo
    step = release_chain(repo, old.git.trusted, "hello", "dev")[0]
    assert (step.name, step.standing, step.by.split()[0]) == ("exception", "proven", "olga")
    (known,) = app_releases(repo, old.git.trusted, "hello", "dev", 5).releases
    assert (known.evidence.standing, known.evidence.by.split()[0]) == ("excepted", "olga")
