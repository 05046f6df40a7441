"""Signatures in commit objects, without Git; with Git: adapters/git/test_verify.py."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.evidence.examples import ALICE, BUILD, MALLORY, trusted
from towpath.errors import MalformedEvidenceError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.signed_commit import CommitVerdict, commit_time, judge_commit, split_signature
from towpath.evidence.ssh_signature import sign_text

SHA = "a" * 40
AT = 1_795_262_400
TIME = datetime.fromtimestamp(AT, UTC)
PAYLOAD = (
    b"tree " + b"b" * 40 + b"\nauthor Ann <ann@example.com> 1 +0000\n"
    b"committer Towpath <towpath@localhost> %d +0100\n\nPromote hello\n\nSigned: no\n" % AT
)


def signed(payload: bytes = PAYLOAD, key: PrivateKey = BUILD, namespace: str = "git") -> bytes:
    head, _, message = payload.partition(b"\n\n")
    text = sign_text(payload, namespace, key).strip().replace("\n", "\n ")
    return head + f"\ngpgsig {text}\n\n".encode() + message


def judge(content: bytes, **changes: object) -> CommitVerdict:
    return judge_commit(SHA, content, trusted(**changes), ["build"], TIME + timedelta(minutes=1))


def test_a_commit_by_who_is_expected_counts() -> None:
    assert judge(signed()) == CommitVerdict(SHA, "build", "", "", BUILD.public.fingerprint, TIME)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PAYLOAD, "not signed"),
        (signed(key=MALLORY), "not among"),
        (signed(key=ALICE), "alice's, and only build"),
        (signed(namespace="towpath"), "namespace 'towpath', not for 'git'"),
        (signed().replace(b"Promote hello", b"Promote Hello"), "does not hold"),
        (signed().replace(b"Ann", b"Bob"), "does not hold"),
        (signed().replace(b"+0100", b"+0200"), "does not hold"),
        (signed().replace(b"\n\n", b"\nencoding latin1\n\n", 1), "does not hold"),
        (signed().replace(b"SSH", b"PGP"), "does not begin"),
        (signed(PAYLOAD.replace(b"committer", b"Committer")), "no valid committer"),
        (signed(PAYLOAD.replace(b"+0100", b"noon")), "no valid committer"),
        (signed(PAYLOAD.replace(b"author", b"committer")), "no valid committer"),
        (signed(PAYLOAD.replace(str(AT).encode(), b"999999999999")), "does not exist"),
        (signed(PAYLOAD.replace(str(AT).encode(), str(AT + 3600).encode())), "in the future"),
        (b"", "no end of its headers"),
        (signed().split(b"\n\n")[0], "no end of its headers"),
    ],
)
def test_any_other_does_not(content: bytes, said: str) -> None:
    verdict = judge(content)
    assert not verdict.trusted
    assert said in verdict.reason
    assert verdict.remedy


def test_a_key_must_have_been_valid_at_the_commits_time() -> None:
    assert judge(signed(), valid_before=TIME + timedelta(seconds=1)).trusted
    assert "was valid until" in judge(signed(), valid_before=TIME).reason
    assert "not valid before" in judge(signed(), valid_after=TIME + timedelta(seconds=1)).reason


def test_two_signatures_are_refused() -> None:
    one = signed()
    head, separator, message = one.partition(b"\n\n")
    header = head[head.index(b"gpgsig ") :]
    for second in (header, header.replace(b"gpgsig ", b"gpgsig-sha256 ", 1), b"gpgsig"):
        with pytest.raises(MalformedEvidenceError, match="several signatures"):
            split_signature(head + b"\n" + second + separator + message)
    with pytest.raises(MalformedEvidenceError, match="unknown form"):
        split_signature(one.replace(b"gpgsig ", b"gpgsig-sha256 ", 1))


def test_a_signature_that_is_no_text_is_refused() -> None:
    with pytest.raises(MalformedEvidenceError, match="no text"):
        split_signature(signed().replace(b"BEGIN", b"B\xc9GIN", 1))


def test_a_merged_tags_signature_is_not_the_commits() -> None:
    tag = b"\nmergetag object x\n tagger x\n gpgsig is a word of the message\n\n"
    payload = PAYLOAD.replace(b"\n\n", tag, 1)
    assert split_signature(payload) == (payload, "")
    assert judge(signed(payload)).trusted


@settings(deadline=None)
@given(st.integers(0, len(signed()) - 1), st.integers(1, 255))
def test_no_changed_byte_is_accepted(at: int, difference: int) -> None:
    changed = bytearray(signed())
    changed[at] ^= difference
    assert not judge(bytes(changed)).trusted


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(content: bytes) -> None:
    assert not judge(content).trusted


def test_the_time_is_the_committers() -> None:
    assert commit_time(PAYLOAD) == TIME
