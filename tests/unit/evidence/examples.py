"""A release's evidence, a decision, keys and the texts of trusted keys, as the tests of the room use them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from towpath.evidence.approval import ApprovalStatement
from towpath.evidence.bundle import encode_bundle
from towpath.evidence.envelope import sign_envelope
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.statement import Image, ReleaseEvidence, ScanEvidence, encode_statement
from towpath.evidence.trusted_keys import APPROVALS, COMMITS, EVIDENCE, TrustedKey, TrustedKeys

DIGEST = "sha256:" + "1" * 64
OTHER_DIGEST = "sha256:" + "2" * 64
MANIFESTS = "sha256:" + "3" * 64
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BUILD, ALICE, MALLORY = (PrivateKey.generate() for _ in range(3))

EVIDENCE_OF_HELLO = ReleaseEvidence(
    app="hello",
    images=(Image("127.0.0.1:5000/hello", DIGEST),),
    source="https://git.example.com/hello.git",
    commit="c" * 40,
    authors=("Ann <ann@example.com>", "Bob Übel <bob@example.com>"),
    previous=OTHER_DIGEST,
    scan=ScanEvidence("passed", "sha256:" + "4" * 64, "5" * 64),
    builder="build",
    started_at="2026-11-21T11:00:00Z",
    finished_at="2026-11-21T11:05:00Z",
)
APPROVAL = ApprovalStatement(
    app="hello",
    environment="prod",
    release=DIGEST,
    manifests=MANIFESTS,
    decision="approve",
    approver="alice",
    at="2026-11-21T11:30:00Z",
    expires="2026-11-28T11:30:00Z",
    reason="tested by hand",
    base_commit="d" * 40,
)


def trusted(*more: TrustedKey, **changes: Any) -> TrustedKeys:
    """The build agent and Alice, each for her own; `changes` are of the build agent's line."""
    build = TrustedKey(("build",), BUILD.public, (COMMITS, EVIDENCE))
    return TrustedKeys((replace(build, **changes), TrustedKey(("alice",), ALICE.public, (APPROVALS,)), *more))


def bundle(key: PrivateKey = BUILD, **changes: Any) -> bytes:
    """The evidence, changed, signed and bundled."""
    payload = encode_statement(replace(EVIDENCE_OF_HELLO, **changes))
    return encode_bundle(sign_envelope(payload, key), key.public)
