"""From bytes to proof: who signed, what it says, who may say it, and when."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.evidence.examples import (
    ALICE,
    APPROVAL,
    BUILD,
    DIGEST,
    EVIDENCE_OF_HELLO,
    MALLORY,
    NOW,
    OTHER_DIGEST,
    bundle,
    trusted,
)
from towpath.errors import EvidenceError, MalformedEvidenceError, OtherSubjectError, UntrustedSignatureError
from towpath.evidence.approval import encode_approval
from towpath.evidence.bundle import encode_bundle
from towpath.evidence.envelope import Envelope, sign_envelope
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.statement import Image, ScanEvidence, encode_statement
from towpath.evidence.trusted_keys import APPROVALS, EVIDENCE, TrustedKey
from towpath.evidence.verification import AskedRelease, find_release, verify_approval, verify_release

ASKED = AskedRelease("hello", DIGEST, ("build",))
PAYLOAD = encode_statement(EVIDENCE_OF_HELLO)


def test_evidence_by_the_builder_is_proof() -> None:
    verified = verify_release(bundle(), trusted(), ASKED, NOW)
    assert (verified.principal, verified.fingerprint) == ("build", BUILD.public.fingerprint)
    assert verified.evidence == EVIDENCE_OF_HELLO


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (bundle(MALLORY), UntrustedSignatureError, "none of the 1 keys"),
        (bundle(ALICE), UntrustedSignatureError, "none of the 1 keys"),
        (bundle(builder="prod"), UntrustedSignatureError, "stated by 'prod' and signed by build"),
        (bundle(app="shop"), OtherSubjectError, "about app 'shop'"),
        (bundle(images=(Image("hello", OTHER_DIGEST),)), OtherSubjectError, "about sha256:2222"),
        (bundle(finished_at="2026-11-21T12:06:00Z"), UntrustedSignatureError, "in the future"),
        (
            encode_bundle(Envelope(PAYLOAD, sign_envelope(PAYLOAD + b" ", BUILD).signature), BUILD.public),
            UntrustedSignatureError,
            "changed afterwards",
        ),
        (encode_bundle(sign_envelope(b"{}", BUILD), BUILD.public), MalformedEvidenceError, "'_type'"),
        (bundle()[:-100], MalformedEvidenceError, "cut off|no JSON"),
        (b"{}", MalformedEvidenceError, "mediaType"),
    ],
)
def test_nothing_else_is(content: bytes, error: type[EvidenceError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        verify_release(content, trusted(), ASKED, NOW)
    assert caught.value.remedy


def test_a_signed_statement_on_another_image_is_no_proof_there() -> None:
    with pytest.raises(OtherSubjectError):
        verify_release(bundle(), trusted(), replace(ASKED, digest=OTHER_DIGEST), NOW)


def test_another_agent_of_ours_may_not_state_it() -> None:
    prod = TrustedKey(("prod",), MALLORY.public, (EVIDENCE,))
    with pytest.raises(UntrustedSignatureError, match="is prod's, and only build may sign"):
        verify_release(bundle(MALLORY, builder="prod"), trusted(prod), ASKED, NOW)


def test_a_key_that_signs_commits_only_signs_no_evidence() -> None:
    with pytest.raises(UntrustedSignatureError, match="none of the 0 keys"):
        verify_release(bundle(), trusted(namespaces=("git",)), ASKED, NOW)


def test_a_retired_key_proves_what_it_signed_before_its_end() -> None:
    ended = trusted(valid_before=NOW - timedelta(minutes=30))
    verify_release(bundle(), ended, ASKED, NOW + timedelta(days=90))
    with pytest.raises(UntrustedSignatureError, match="valid until 2026-11-21T11:30:00Z only"):
        verify_release(bundle(finished_at="2026-11-21T11:45:00Z"), ended, ASKED, NOW)


def test_what_others_attached_hides_nothing() -> None:
    found = find_release([b"junk", bundle(MALLORY), bundle(app="shop"), bundle()], trusted(), ASKED, NOW)
    assert found.evidence == EVIDENCE_OF_HELLO


def test_the_newest_of_several_counts_in_whatever_order() -> None:
    blocked = ScanEvidence("blocked", "sha256:" + "6" * 64, "5" * 64)
    old, new = bundle(), bundle(finished_at="2026-11-21T11:30:00+00:00", scan=blocked)
    for bundles in ((old, new), (new, old)):
        assert find_release(bundles, trusted(), ASKED, NOW).evidence.scan == blocked


def test_no_evidence_is_an_error_with_what_to_do() -> None:
    with pytest.raises(EvidenceError, match="no release evidence for hello sha256:1111") as caught:
        find_release([], trusted(), ASKED, NOW)
    assert "towpath deliver" in (caught.value.remedy or "")


def test_the_closest_of_several_tells() -> None:
    with pytest.raises(OtherSubjectError, match=r"\(3 were tried\): the evidence is about app 'shop'"):
        find_release([b"junk", bundle(app="shop"), bundle(MALLORY)], trusted(), ASKED, NOW)
    with pytest.raises(UntrustedSignatureError, match="none of the 1 keys"):
        find_release([bundle(MALLORY)], trusted(), ASKED, NOW)


CONTENT = encode_approval(APPROVAL)


def test_an_approval_by_its_approver_is_proof() -> None:
    verified = verify_approval(CONTENT, sign_text(CONTENT, APPROVALS, ALICE), trusted(), NOW)
    assert verified.statement == APPROVAL
    assert (verified.kind, verified.fingerprint) == ("signed", ALICE.public.fingerprint)


def test_a_board_signs_for_those_it_has_identified() -> None:
    keys = trusted(TrustedKey(("board",), MALLORY.public, (APPROVALS,)))
    signature = sign_text(CONTENT, APPROVALS, MALLORY)
    verified = verify_approval(CONTENT, signature, keys, NOW, boards=["board"])
    assert (verified.kind, verified.principal, verified.statement.approver) == (
        "identified",
        "board",
        "alice",
    )
    with pytest.raises(UntrustedSignatureError, match="is board's, and only alice may sign"):
        verify_approval(CONTENT, signature, keys, NOW)


def test_nobody_approves_in_anothers_name() -> None:
    mallory = TrustedKey(("mallory",), MALLORY.public, (APPROVALS,))
    with pytest.raises(UntrustedSignatureError, match="is mallory's, and only alice may sign"):
        verify_approval(CONTENT, sign_text(CONTENT, APPROVALS, MALLORY), trusted(mallory), NOW)
    with pytest.raises(UntrustedSignatureError, match="not among the 2 trusted keys"):
        verify_approval(CONTENT, sign_text(CONTENT, APPROVALS, MALLORY), trusted(), NOW)


@pytest.mark.parametrize("namespace", ["git", "file", "towpath-evidence", "Towpath"])
def test_a_signature_for_something_else_approves_nothing(namespace: str) -> None:
    with pytest.raises(UntrustedSignatureError, match="namespace"):
        verify_approval(CONTENT, sign_text(CONTENT, namespace, ALICE), trusted(), NOW)


def test_a_signed_approval_is_not_another_one() -> None:
    signature = sign_text(CONTENT, APPROVALS, ALICE)
    for other in (replace(APPROVAL, environment="staging"), replace(APPROVAL, decision="reject")):
        with pytest.raises(UntrustedSignatureError, match="does not hold"):
            verify_approval(encode_approval(other), signature, trusted(), NOW)
    with pytest.raises(UntrustedSignatureError, match="does not hold"):
        verify_approval(json.dumps(json.loads(CONTENT)).encode(), signature, trusted(), NOW)


def test_an_approval_with_a_retired_key_holds_when_it_is_older() -> None:
    alice = TrustedKey(("alice",), MALLORY.public, (APPROVALS,), valid_before=NOW - timedelta(minutes=15))
    early, late = encode_approval(APPROVAL), encode_approval(replace(APPROVAL, at="2026-11-21T11:50:00Z"))
    verify_approval(early, sign_text(early, APPROVALS, MALLORY), trusted(alice), NOW)
    with pytest.raises(UntrustedSignatureError, match="valid until"):
        verify_approval(late, sign_text(late, APPROVALS, MALLORY), trusted(alice), NOW)
