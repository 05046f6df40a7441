import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.evidence.examples import APPROVAL, DIGEST, MANIFESTS, NOW, OTHER_DIGEST
from towpath.errors import MalformedEvidenceError, OtherSubjectError, UntrustedSignatureError
from towpath.evidence.approval import decode_approval, encode_approval

CONTENT = encode_approval(APPROVAL)


@pytest.mark.parametrize("decision", ["approve", "withdraw", "reject"])
def test_a_decision_is_read_as_it_was_written(decision: str) -> None:
    statement = replace(APPROVAL, decision=decision)  # type: ignore[arg-type]
    assert decode_approval(encode_approval(statement)) == statement


def test_people_can_read_what_they_sign() -> None:
    lines = CONTENT.decode().splitlines()
    assert '  "app": "hello",' in lines
    assert '  "environment": "prod",' in lines
    assert f'  "manifests": "{MANIFESTS}",' in lines


def test_a_decision_without_a_reason_has_none() -> None:
    bare = replace(APPROVAL, reason="", base_commit="")
    assert set(json.loads(encode_approval(bare))) == set(json.loads(CONTENT)) - {"reason", "base_commit"}
    assert decode_approval(encode_approval(bare)) == bare


def test_it_holds_for_exactly_what_was_decided_on() -> None:
    APPROVAL.require("hello", "prod", DIGEST, MANIFESTS, NOW)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("shop", "prod", DIGEST, MANIFESTS), "another app"),
        (("hello", "staging", DIGEST, MANIFESTS), "another environment"),
        (("hello", "prod", OTHER_DIGEST, MANIFESTS), "another release"),
        (("hello", "prod", DIGEST[:19], MANIFESTS), "another release"),
        (("hello", "prod", DIGEST, MANIFESTS[:-1] + "4"), "another manifests"),
    ],
)
def test_it_holds_for_nothing_else(asked: tuple[str, str, str, str], said: str) -> None:
    with pytest.raises(OtherSubjectError, match=said) as caught:
        APPROVAL.require(*asked, NOW)
    assert caught.value.remedy


def test_it_holds_from_when_it_was_made_until_it_expires() -> None:
    week = timedelta(days=7)
    APPROVAL.require("hello", "prod", DIGEST, MANIFESTS, APPROVAL.made + week - timedelta(seconds=1))
    with pytest.raises(UntrustedSignatureError, match="has expired"):
        APPROVAL.require("hello", "prod", DIGEST, MANIFESTS, APPROVAL.made + week)
    with pytest.raises(UntrustedSignatureError, match="in the future"):
        APPROVAL.require("hello", "prod", DIGEST, MANIFESTS, APPROVAL.made - timedelta(minutes=6))


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(CONTENT), **changes}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed(_type="https://towpath.dev/approval/v2"), "approval/v2"),
        (changed(decision="Approve"), "decides 'Approve'"),
        (changed(decision=True), "no text as 'decision'"),
        (changed(manifests=MANIFESTS[:19]), "whole hash"),
        (changed(manifests=""), "no text as 'manifests'"),
        (changed(approver=""), "no text as 'approver'"),
        (changed(approver=["alice"]), "no text as 'approver'"),
        (changed(at="now"), "no valid time"),
        (changed(expires="2026-11-21T11:30:00Z"), "expires before"),
        (changed(expires="2026-11-28T11:30:00"), "without a zone"),
        (changed(and_also="shop"), "unknown key 'and_also'"),
        (CONTENT.replace(b'"environment"', b'"environment": "dev", "environment"'), "twice"),
        (CONTENT[:-30], "cut off"),
        (changed(reason="x" * 100_000), "more than the 65536"),
    ],
)
def test_what_is_no_decision_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said):
        decode_approval(content)
