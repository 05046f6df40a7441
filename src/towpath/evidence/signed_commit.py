"""SSH signatures of commits, judged from the commit's own bytes, as Git stores them."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from towpath.errors import EvidenceError
from towpath.evidence.json_text import malformed
from towpath.evidence.ssh_signature import parse_ssh_signature
from towpath.evidence.trusted_keys import COMMITS, TrustedKeys

MAX_BYTES = 1024 * 1024
"""Of a commit's object: its headers and message."""
_HEADER = b"gpgsig"
_COMMITTER = re.compile(rb"committer [^\n]* (-?\d{1,12}) [+-]\d{4}")
_WHAT = "a commit"


@dataclass(frozen=True, slots=True)
class CommitVerdict:
    """One commit: who signed it, or why nobody is believed to have.

    `principal` is empty when the signature does not count, and `reason` says why; `remedy` what to do.
    `fingerprint` is the key's, of whatever signature it carries. `committed_at` is what its maker states.
    """

    commit: str
    principal: str = ""
    reason: str = ""
    remedy: str = ""
    fingerprint: str = ""
    committed_at: datetime | None = None

    @property
    def trusted(self) -> bool:
        """Whether it is signed by one of those who were expected."""
        return bool(self.principal)


def judge_commit(
    commit: str,
    content: bytes,
    trusted: TrustedKeys,
    expected: Collection[str],
    received: datetime | None = None,
) -> CommitVerdict:
    """Who of `expected` signed the commit whose object is `content`. Its maker chooses its date.

    So `received`, when it was first seen here, limits that date from both sides: it is not after it, and a
    key that ended more than a week (`LATE`) before it signs nothing any more. None: that is not known, the
    date alone is judged. The committer's name proves nothing at all.
    """
    fingerprint, committed_at = "", None
    try:
        payload, text = split_signature(content)
        committed_at = commit_time(payload)
        if not text:
            remedy = "Only what its agent or owner signed counts here; have it committed again by them."
            return CommitVerdict(commit, "", "it is not signed", remedy, "", committed_at)
        signature = parse_ssh_signature(text)
        fingerprint = signature.key.fingerprint
        signature.require(payload, COMMITS)
        principal = trusted.principal(signature.key, COMMITS, expected, committed_at, received, arrives=True)
    except EvidenceError as error:
        return CommitVerdict(commit, "", error.message, error.remedy or "", fingerprint, committed_at)
    return CommitVerdict(commit, principal, "", "", fingerprint, committed_at)


def split_signature(content: bytes) -> tuple[bytes, str]:
    """What was signed, and the signature's text: empty when there is none.

    MalformedEvidenceError for several signatures, which programs choose from in different ways.
    """
    head, separator, message = content.partition(b"\n\n")
    if not separator:
        raise malformed(_WHAT, "has no end of its headers")
    kept: list[bytes] = []
    signature: list[bytes] = []
    inside = seen = False
    for line in head.split(b"\n"):
        if line.startswith(b" ") and inside:
            signature.append(line[1:])
        elif line.startswith(_HEADER):
            if seen or not line.startswith(_HEADER + b" "):
                raise malformed(_WHAT, "has several signatures, or one of an unknown form")
            inside = seen = True
            signature.append(line.removeprefix(_HEADER + b" "))
        else:
            inside = False
            kept.append(line)
    try:
        text = b"\n".join(signature).decode("ascii")
    except UnicodeDecodeError:
        raise malformed(_WHAT, "has a signature that is no text") from None
    return b"\n".join(kept) + separator + message, text


def commit_time(content: bytes) -> datetime:
    """The committer's time; MalformedEvidenceError when there is none, or two."""
    head = content.partition(b"\n\n")[0]
    lines = [line for line in head.split(b"\n") if line.startswith(b"committer ")]
    match = _COMMITTER.fullmatch(lines[0]) if len(lines) == 1 else None
    if match is None:
        raise malformed(_WHAT, "has no valid committer")
    try:
        return datetime.fromtimestamp(int(match[1]), UTC)
    except (ValueError, OverflowError, OSError):
        raise malformed(_WHAT, "has a time that does not exist") from None
