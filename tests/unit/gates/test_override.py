"""What an owner signs for one release counts for that alone, for a while."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.evidence.examples import NOW
from towpath.errors import EvidenceError, MalformedEvidenceError, OtherSubjectError, UntrustedSignatureError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import APPROVALS, POLICY, TrustedKey, TrustedKeys
from towpath.gates.override import (
    LIFETIME,
    OverrideStatement,
    decode_override,
    encode_override,
    join_signed,
    parse_signed,
    require_about,
    verify_override,
)

ALICE, BOB = PrivateKey.generate(), PrivateKey.generate()
TRUSTED = TrustedKeys(
    (TrustedKey(("alice",), ALICE.public, (POLICY,)), TrustedKey(("bob",), BOB.public, (APPROVALS,)))
)
RELEASE = "sha256:" + "a" * 64
SAID = OverrideStatement(
    "hello", "prod", RELEASE, "gate", "alice", "prod is down", NOW.isoformat(), (NOW + LIFETIME).isoformat()
)


def signed(
    statement: OverrideStatement = SAID, key: PrivateKey = ALICE, namespace: str = POLICY
) -> tuple[bytes, str]:
    content = encode_override(statement)
    return content, sign_text(content, namespace, key)


def test_an_owners_statement_counts_and_travels_as_one_text() -> None:
    content, signature = parse_signed(join_signed(*signed()))
    verified = verify_override(content, signature, TRUSTED, NOW)
    assert verified.statement == SAID
    assert verified.fingerprint == ALICE.public.fingerprint
    require_about(verified, app="hello", environment="prod", release=RELEASE, waives="gate")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"app": "shop"}, "another app"),
        ({"environment": "staging"}, "another environment"),
        ({"release": "sha256:" + "b" * 64}, "another release"),
        ({"waives": "quarantine"}, "another waives"),
    ],
)
def test_it_is_about_nothing_else(asked: dict[str, Any], why: str) -> None:
    verified = verify_override(*signed(), TRUSTED, NOW)
    about: dict[str, Any] = {"app": "hello", "environment": "prod", "release": RELEASE, "waives": "gate"}
    with pytest.raises(OtherSubjectError, match=why):
        require_about(verified, **{**about, **asked})


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (signed(replace(SAID, owner="bob"), BOB), "'bob' is no owner of the policy"),
        (signed(SAID, BOB), "is bob's, and only alice may sign this"),
        (signed(SAID, PrivateKey.generate()), "is not among the 2 trusted keys"),
        (signed(namespace=APPROVALS), "is for the namespace 'towpath'"),
        ((encode_override(replace(SAID, release="sha256:b")), signed()[1]), "does not hold"),
    ],
)
def test_nobody_else_can_say_it(parts: tuple[bytes, str], why: str) -> None:
    with pytest.raises(UntrustedSignatureError, match=why):
        verify_override(*parts, TRUSTED, NOW)


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (LIFETIME, "has expired"),
        (timedelta(days=300), "has expired"),
        (-timedelta(minutes=6), "in the future"),
    ],
)
def test_it_counts_for_a_while(after: timedelta, why: str) -> None:
    with pytest.raises(UntrustedSignatureError, match=why):
        verify_override(*signed(), TRUSTED, NOW + after)
    assert verify_override(*signed(), TRUSTED, NOW + LIFETIME - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"waives": "scan"}, "waives 'scan'"),
        ({"waives": "evidence"}, "waives 'evidence'"),
        ({"reason": " "}, "must have a reason"),
        ({"reason": "x" * 1001}, "must have a reason"),
        ({"reason": None}, "has no text as 'reason'"),
        ({"expires": SAID.at}, "must expire within"),
        ({"expires": (NOW + timedelta(days=2)).isoformat()}, "must expire within"),
        ({"expires": "2026-11-22"}, "."),
        ({"_type": "https://towpath.dev/approval/v1"}, "is of the type"),
        ({"also": "evidence"}, "unknown key 'also'"),
    ],
)
def test_what_is_malformed_is_refused(changes: dict[str, Any], why: str) -> None:
    content = json.dumps({**json.loads(encode_override(SAID)), **changes}).encode()
    with pytest.raises(MalformedEvidenceError, match=why):
        decode_override(content)


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"statement": "a"}', '{"statement": "a", "signature": 1}']
)
def test_a_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError):
        parse_signed(text)
