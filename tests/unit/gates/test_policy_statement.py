"""The signed policy as a text: the same for the same policy, and read as strictly as it is written."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.gates.test_loosening import SIGNED
from towpath.errors import EvidenceError, MalformedEvidenceError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import POLICY, TrustedKey, TrustedKeys
from towpath.gates.policy_statement import PolicyStatement, decode_policy, encode_policy, verify_policy

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
STATEMENT = PolicyStatement("b" * 40, "2026-01-01T11:00:00+00:00", SIGNED)
OLGA = PrivateKey.generate()
KEYS = TrustedKeys((TrustedKey(("olga",), OLGA.public, (POLICY,)),))


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(encode_policy(STATEMENT)), **changes}).encode()


def test_there_and_back_in_one_form() -> None:
    content = encode_policy(STATEMENT)
    assert decode_policy(content) == STATEMENT
    assert encode_policy(decode_policy(content)) == content
    assert content.startswith(b'{\n  "_type": "https://towpath.dev/policy/v1",')


def test_who_signed_is_told() -> None:
    content = encode_policy(STATEMENT)
    signed = verify_policy(content, sign_text(content, POLICY, OLGA), KEYS, NOW)
    assert str(signed) == "signed by olga at 2026-01-01T11:00:00+00:00"
    with pytest.raises(EvidenceError, match="what was signed is another text"):
        verify_policy(content + b" ", sign_text(content, POLICY, OLGA), KEYS, NOW)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed(extra=1), "has the unknown key 'extra'"),
        (changed(_type="https://towpath.dev/approval/v1"), "is of the type"),
        (changed(base="main"), "does not name the whole id of the commit"),
        (changed(base=""), "has no text as 'base'"),
        (changed(at="yesterday"), "has no valid time"),
        (changed(at="2026-01-01T11:00:00"), "has a time without a zone"),
        (changed(policy=[]), "has no object as 'policy'"),
        (changed(policy={"environments": {"prod": {"soak": 5}}}), "must be a duration"),
        (changed(policy={"environments": {"prod": {"approvals": {"kind": "reviewed"}}}}), "is planned"),
        (changed(policy={"scan": {"block": ["SEVERE"]}}), "cannot be read"),
        (encode_policy(STATEMENT).replace(b'"at"', b'"base": "x", "at"'), "has the key 'base' twice"),
        (encode_policy(STATEMENT)[:300], "cut off"),
        (b"\xff", "is not UTF-8"),
        (b"{}" + b" " * 1024 * 1024, "more than the"),
    ],
)
def test_what_cannot_be_meant_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said):
        decode_policy(content)
