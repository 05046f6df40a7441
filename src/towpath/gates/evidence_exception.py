"""Exceptions: what an owner signs so that a release without evidence may enter, until a day that he names.

A JSON text in the environment repository with the whole release, since nothing else proves what it is; its
signature lies beside it: `ssh-keygen -Y sign -n towpath-policy`. It takes the place of evidence and of
nothing else: order, soak, approvals and today's scan policy are asked as ever.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from towpath.errors import OtherSubjectError, UntrustedSignatureError
from towpath.evidence.json_text import malformed, object_at, parse_object, text_of, time_of
from towpath.evidence.owners import verify_owner
from towpath.evidence.trusted_keys import CLOCK_SKEW, TrustedKeys
from towpath.formats.versions import V2
from towpath.release.codec import decode_release, encode_release
from towpath.release.model import Release

EXCEPTION_TYPE = "https://towpath.dev/exception/v1"
EXCEPTIONS = "exceptions"
"""The folder in the environment repository."""
LONGEST = timedelta(days=366)
"""How long an exception may count: a release that is needed for longer is delivered again."""
MAX_BYTES = 256 * 1024
MAX_REASON = 1000
_KEYS = {"_type", "release", "authors", "owner", "reason", "at", "until"}
_WHAT = "an exception"


@dataclass(frozen=True, slots=True)
class ExceptionStatement:
    """One owner's word that a release is what it says, and may enter until `until`. Times are RFC 3339.

    `authors` wrote what is new with it, as far as the owner knows: none of them approves it.
    """

    release: Release
    authors: tuple[str, ...]
    owner: str
    reason: str
    at: str
    until: str


@dataclass(frozen=True, slots=True)
class VerifiedException:
    """A statement that is proven, and by which key."""

    statement: ExceptionStatement
    fingerprint: str

    def __str__(self) -> str:
        said = self.statement
        return f"no evidence: an exception of {said.owner} until {said.until}: {said.reason}"


def exception_paths(app: str, release: str) -> tuple[str, str]:
    """The paths of a release's exception and of its signature in the environment repository."""
    path = f"{EXCEPTIONS}/{app}/{release.removeprefix('sha256:')}.json"
    return path, f"{path}.sig"


def encode_exception(statement: ExceptionStatement) -> bytes:
    """The text to sign, the same for the same statement."""
    data = {
        "_type": EXCEPTION_TYPE,
        "release": encode_release(statement.release, V2),
        "authors": list(statement.authors),
        **{name: getattr(statement, name) for name in ("owner", "reason", "at", "until")},
    }
    content = f"{json.dumps(data, indent=2, ensure_ascii=False)}\n".encode()
    decode_exception(content)  # whoever reads it is as strict
    return content


def decode_exception(content: bytes) -> ExceptionStatement:
    """Read a statement; MalformedEvidenceError when it lacks something or says more than Towpath knows."""
    data = parse_object(content, _WHAT, largest=MAX_BYTES)
    if unknown := sorted(set(data) - _KEYS):
        raise malformed(_WHAT, f"has the unknown key {unknown[0][:60]!r}")
    if (stated := text_of(data, "_type", _WHAT)) != EXCEPTION_TYPE:
        raise malformed(_WHAT, f"is of the type {stated[:80]!r}, not {EXCEPTION_TYPE!r}")
    texts = {name: text_of(data, name, _WHAT) for name in ("owner", "reason", "at", "until")}
    if not texts["reason"].strip() or len(texts["reason"]) > MAX_REASON:
        raise malformed(_WHAT, f"must have a reason of at most {MAX_REASON} characters")
    lasts = time_of(texts["until"], _WHAT) - time_of(texts["at"], _WHAT)
    if not timedelta() < lasts <= LONGEST:
        raise malformed(_WHAT, f"must end within {LONGEST.days} days after it is made")
    return ExceptionStatement(_release(object_at(data, "release", _WHAT)), _authors(data), **texts)


def _release(data: Mapping[str, object]) -> Release:
    try:
        release = decode_release(data, V2)
    except ValueError as error:
        raise malformed(_WHAT, f"has a release that cannot be read: {error}") from None
    if not release.images:
        raise malformed(_WHAT, "is about a release without images, which needs no evidence")
    return release


def _authors(data: Mapping[str, object]) -> tuple[str, ...]:
    authors = data.get("authors")
    if not isinstance(authors, list) or not authors or not all(isinstance(each, str) for each in authors):
        raise malformed(_WHAT, "has no list of texts as 'authors'")
    return tuple(authors)


def verify_exception(  # noqa: PLR0913
    content: bytes, signature: str, trusted: TrustedKeys, now: datetime, *, app: str, release: str
) -> VerifiedException:
    """The statement in `content`, if its owner signed it, for this release, and it counts at `now`.

    EvidenceError names what does not hold.
    """
    statement = decode_exception(content)
    made = time_of(statement.at, _WHAT)
    signed = verify_owner(content, signature, trusted, made, now, expected=(statement.owner,))
    asked = {"app": (statement.release.app, app), "release": (statement.release.id, release)}
    for name, (stated, wanted) in asked.items():
        if stated != wanted:
            raise OtherSubjectError(
                f"{statement.owner}'s exception is for another {name}: {stated[:80]!r}, not {wanted[:80]!r}",
                remedy="It lies at the path of what it is about: `towpath policy except` writes it there.",
            )
    if now >= time_of(statement.until, _WHAT):
        raise UntrustedSignatureError(
            f"{statement.owner}'s exception for {app} {release[:19]} has ended at {statement.until}",
            remedy="Deliver its commit again, or have an owner sign another exception.",
        )
    if made > now + CLOCK_SKEW:
        raise UntrustedSignatureError(
            f"{statement.owner}'s exception is dated {statement.at}, which is in the future",
            remedy="Set the clock of the machine that signed it, and sign again.",
        )
    return VerifiedException(statement, signed.fingerprint)


def made_now(release: Release, authors: tuple[str, ...], owner: str, reason: str, until: datetime) -> bytes:
    """The text to sign of an exception that an owner makes now."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return encode_exception(
        ExceptionStatement(release, authors, owner, reason, at, until.isoformat(timespec="seconds"))
    )
