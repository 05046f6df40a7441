from tests.unit.evidence.examples import ALICE, APPROVAL, BUILD, DIGEST, EVIDENCE_OF_HELLO, NOW, trusted
from towpath.evidence.signing import sign_approval, sign_release
from towpath.evidence.verification import AskedRelease, verify_approval, verify_release


def test_signed_evidence_is_proof() -> None:
    asked = AskedRelease("hello", DIGEST, ("build",))
    verified = verify_release(sign_release(EVIDENCE_OF_HELLO, BUILD), trusted(), asked, NOW)
    assert verified.evidence == EVIDENCE_OF_HELLO


def test_the_same_evidence_has_the_same_bytes() -> None:
    assert sign_release(EVIDENCE_OF_HELLO, BUILD) == sign_release(EVIDENCE_OF_HELLO, BUILD)


def test_a_signed_approval_is_proof() -> None:
    content, signature = sign_approval(APPROVAL, ALICE)
    assert verify_approval(content, signature, trusted(), NOW).statement == APPROVAL
