"""What an owner signs in the place of evidence counts for one release, until its end, and says all of it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.engine.source.promotions import release
from tests.unit.evidence.examples import NOW
from towpath.errors import EvidenceError, MalformedEvidenceError, OtherSubjectError, UntrustedSignatureError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import APPROVALS, POLICY, TrustedKey, TrustedKeys
from towpath.gates.evidence_exception import (
    LONGEST,
    ExceptionStatement,
    decode_exception,
    encode_exception,
    exception_paths,
    verify_exception,
)

OLGA, BOB = PrivateKey.generate(), PrivateKey.generate()
TRUSTED = TrustedKeys(
    (TrustedKey(("olga",), OLGA.public, (POLICY,)), TrustedKey(("bob",), BOB.public, (APPROVALS,)))
)
OLD = release(1)
SAID = ExceptionStatement(
    OLD, (OLD.author,), "olga", "of before", NOW.isoformat(), (NOW + timedelta(days=30)).isoformat()
)


def signed(said: ExceptionStatement = SAID, key: PrivateKey = OLGA, use: str = POLICY) -> tuple[bytes, str]:
    content = encode_exception(said)
    return content, sign_text(content, use, key)


def verify(content: bytes, signature: str, **asked: Any) -> Any:
    about = {"now": NOW, "app": "hello", "release": OLD.id, **asked}
    return verify_exception(content, signature, TRUSTED, **about)


def test_it_says_the_whole_release_and_who_signed() -> None:
    verified = verify(*signed())
    assert verified.statement == SAID
    assert verified.statement.release == OLD
    assert verified.fingerprint == OLGA.public.fingerprint
    assert "olga" in str(verified)
    assert "of before" in str(verified)


@pytest.mark.parametrize(
    ("parts", "asked", "error", "why"),
    [
        (signed(), {"app": "shop"}, OtherSubjectError, "for another app"),
        (signed(), {"release": release(2).id}, OtherSubjectError, "for another release"),
        (signed(), {"now": NOW + timedelta(days=30)}, UntrustedSignatureError, "has ended"),
        (signed(), {"now": NOW - timedelta(days=1)}, UntrustedSignatureError, "in the future"),
        (signed(key=BOB), {}, EvidenceError, "not olga|olga's?|may sign"),
        (signed(replace(SAID, owner="bob"), BOB), {}, UntrustedSignatureError, "'bob' is no owner"),
        (signed(use=APPROVALS), {}, EvidenceError, "towpath"),
        ((signed()[0], ""), {}, MalformedEvidenceError, "signature"),
        ((signed()[0].replace(b"of before", b"of today."), signed()[1]), {}, EvidenceError, "signature"),
    ],
)
def test_what_does_not_hold_is_named(
    parts: tuple[bytes, str], asked: dict[str, Any], error: type[EvidenceError], why: str
) -> None:
    with pytest.raises(error, match=why):
        verify(*parts, **asked)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"more": 1}, "unknown key 'more'"),
        ({"_type": "https://towpath.dev/override/v1"}, "is of the type"),
        ({"until": (NOW + LONGEST + timedelta(days=1)).isoformat()}, "must end within 366 days"),
        ({"until": NOW.isoformat()}, "must end within"),
        ({"reason": "  "}, "must have a reason"),
        ({"reason": "x" * 2000}, "must have a reason"),
        ({"authors": []}, "no list of texts as 'authors'"),
        ({"authors": [1]}, "no list of texts as 'authors'"),
        ({"release": {"app": "hello"}}, "a release that cannot be read"),
        ({"release": None}, "no object as 'release'"),
    ],
)
def test_a_statement_that_says_something_else_is_refused(changes: dict[str, Any], why: str) -> None:
    content = json.dumps({**json.loads(encode_exception(SAID)), **changes}).encode()
    with pytest.raises(MalformedEvidenceError, match=why):
        decode_exception(content)


def test_a_release_without_images_needs_none() -> None:
    with pytest.raises(MalformedEvidenceError, match="without images"):
        encode_exception(replace(SAID, release=replace(OLD, images=())))


def test_it_lies_at_the_path_of_its_release() -> None:
    path, signature = exception_paths("hello", OLD.id)
    assert path == f"exceptions/hello/{OLD.id.removeprefix('sha256:')}.json"
    assert signature == f"{path}.sig"
