"""Who is an owner, and which of their signatures hold."""

from datetime import timedelta

import pytest

from tests.unit.evidence.examples import ALICE, BUILD, MALLORY, NOW, trusted
from towpath.errors import EvidenceError
from towpath.evidence.owners import owners_of, verify_owner
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import APPROVALS, POLICY, TrustedKey

OLGA, OTTO, EVE = (PrivateKey.generate() for _ in range(3))
TEXT = b'{"policy": "looser"}\n'
KEYS = trusted(
    TrustedKey(("olga",), OLGA.public, (APPROVALS, POLICY)),
    TrustedKey(("otto", "otto@example.com"), OTTO.public, (POLICY,), valid_before=NOW),
    TrustedKey(("eve",), EVE.public),  # may sign everything
)


def signed(key: PrivateKey, *, namespace: str = POLICY, text: bytes = TEXT) -> str:
    return sign_text(text, namespace, key)


def test_owners_are_those_whose_line_says_so() -> None:
    assert owners_of(KEYS) == ("olga", "otto", "otto@example.com")
    assert owners_of(trusted()) == ()


def test_one_signature_of_an_owner_is_enough() -> None:
    found = verify_owner(TEXT, signed(OLGA), KEYS, NOW, NOW)

    assert (found.owner, found.fingerprint) == ("olga", OLGA.public.fingerprint)
    assert verify_owner(TEXT, signed(OLGA), KEYS, NOW, NOW, expected=("olga",)) == found


def test_what_an_owner_signed_before_his_key_ended_still_holds() -> None:
    assert verify_owner(TEXT, signed(OTTO), KEYS, NOW - timedelta(days=1), NOW).owner == "otto"


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        pytest.param(signed(MALLORY), "is not among the 5 trusted keys", id="unknown key"),
        pytest.param(signed(ALICE), "only olga or otto or otto@example.com may sign this", id="approver"),
        pytest.param(signed(BUILD), "may sign this", id="agent"),
        pytest.param(signed(EVE), "may sign this", id="key without uses is no owner's"),
        pytest.param(signed(OTTO), "was valid until 2026-11-21T12:00:00Z only", id="expired key"),
        pytest.param(signed(OLGA, namespace=APPROVALS), "for the namespace 'towpath'", id="an approval"),
        pytest.param(signed(OLGA, text=b"{}"), "what was signed is another text", id="another text"),
        pytest.param(signed(OLGA)[:-40], "does not begin with BEGIN and end with END", id="truncated"),
        pytest.param(signed(OLGA) + signed(OLGA), "does not begin with BEGIN", id="two signatures"),
        pytest.param("", "does not begin with BEGIN", id="empty"),
    ],
)
def test_other_signatures_do_not_count(signature: str, said: str) -> None:
    with pytest.raises(EvidenceError, match=said):
        verify_owner(TEXT, signature, KEYS, NOW, NOW)


def test_a_text_of_the_future_does_not_count() -> None:
    assert verify_owner(TEXT, signed(OLGA), KEYS, NOW + timedelta(minutes=4), NOW)
    with pytest.raises(EvidenceError, match="which is in the future"):
        verify_owner(TEXT, signed(OLGA), KEYS, NOW + timedelta(minutes=6), NOW)


def test_nobody_signs_in_the_name_of_another_owner() -> None:
    with pytest.raises(EvidenceError, match="is olga's, and only otto may sign this"):
        verify_owner(TEXT, signed(OLGA), KEYS, NOW, NOW, expected=("otto",))
    with pytest.raises(EvidenceError, match="'mallory' is no owner of the policy"):
        verify_owner(TEXT, signed(OLGA), KEYS, NOW, NOW, expected=("mallory",))


def test_without_owners_nothing_is_signed_by_one() -> None:
    with pytest.raises(EvidenceError, match="trusts no owner's key"):
        verify_owner(TEXT, signed(OLGA), trusted(), NOW, NOW)
