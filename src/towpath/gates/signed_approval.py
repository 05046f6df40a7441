"""Signed approvals: a statement and the signature of its approver in one text, judged where it takes effect.

The text is the statement as it was signed, then OpenSSH's signature of it. It is kept as it is.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from towpath.config import People
from towpath.errors import MalformedEvidenceError, OtherSubjectError, UntrustedSignatureError
from towpath.evidence.approval import ApprovalStatement
from towpath.evidence.trusted_keys import APPROVALS, TrustedKey, TrustedKeys, parse_line
from towpath.evidence.verification import verify_approval

MAX_CHARACTERS = 100_000
_BEGIN = "-----BEGIN SSH SIGNATURE-----"


@dataclass(frozen=True, slots=True)
class AskedApproval:
    """What a statement must be about: one release with one set of manifests. Both hashes are whole."""

    app: str
    environment: str
    release: str
    manifests: str


def join_signed(content: bytes, signature: str) -> str:
    """One text of a statement and its signature."""
    return content.decode() + signature


def split_signed(text: str) -> tuple[bytes, str]:
    """The statement and its signature; MalformedEvidenceError where one is missing, or there are several."""
    if len(text) > MAX_CHARACTERS:
        raise _malformed(f"has more than {MAX_CHARACTERS} characters")
    count = text.count(_BEGIN)
    if count != 1:
        raise _malformed("has no signature; it may be cut off" if not count else f"has {count} signatures")
    # A form in a browser sends line breaks as it likes; signed was what Towpath writes.
    content, begin, signature = text.replace("\r\n", "\n").partition(_BEGIN)
    return content.encode(), begin + signature.rstrip() + "\n"


def verify_signed(
    text: str, asked: AskedApproval, keys: TrustedKeys, people: People, now: datetime
) -> tuple[ApprovalStatement, str]:
    """The statement and the person who made it. EvidenceError names what does not hold.

    Whether that person may approve, and wrote none of it, is for the gate to judge.
    """
    content, signature = split_signed(text)
    verified = verify_approval(content, signature, keys, now)
    statement = verified.statement
    statement.require(asked.app, asked.environment, asked.release, asked.manifests, now)
    return statement, people.person(statement.approver)


def approval_keys(people: People, trusted: TrustedKeys | None) -> TrustedKeys:
    """The keys that may sign approvals: those in `people`, and those that the agent trusts for it.

    A person's key is his under each of his names. Lines that cannot be read are left out: `key_problems`.
    """
    entries = [key for _, key, _ in _keys_of(people) if key is not None]
    for entry in trusted.entries if trusted else ():
        if entry.may_sign(APPROVALS):
            names = dict.fromkeys((*entry.principals, *map(people.person, entry.principals)))
            entries.append(replace(entry, principals=tuple(names)))
    return TrustedKeys(tuple(entries))


def key_problems(people: People) -> Iterator[tuple[str, int, str]]:
    """(person, index, what is wrong) of each key in `people` that cannot be read."""
    yield from ((*place, problem) for place, key, problem in _keys_of(people) if key is None)


def require_decision(statement: ApprovalStatement, decision: str, person: str, named: str) -> None:
    """Raise where the form says something else than the statement that comes with it."""
    if statement.decision != decision:
        raise OtherSubjectError(
            f"the form says {decision}, and the signed statement {statement.decision}",
            remedy="Sign what you decide: `towpath approve --sign`, or `towpath reject --sign`.",
        )
    if named != person:
        raise UntrustedSignatureError(
            f"the form names {named!r}, and the statement is signed by {person}",
            remedy="Nobody decides in another's name.",
        )


def encode_trailer(text: str) -> str:
    """The text on one line, for the message of the promotion's commit."""
    return base64.b64encode(text.encode()).decode()


def _keys_of(people: People) -> Iterator[tuple[tuple[str, int], TrustedKey | None, str]]:
    for name, person in people.persons.items():
        for index, line in enumerate(person.public_keys):
            try:
                # The name is not part of the text: what `people` allows as a name, a file of keys may not.
                entry = parse_line(f"person {line}")
            except (ValueError, MalformedEvidenceError) as error:
                yield (name, index), None, getattr(error, "message", str(error))
                continue
            if entry.namespaces and APPROVALS not in entry.namespaces:
                yield (name, index), None, f"may sign {', '.join(entry.namespaces)} only, no approvals"
                continue
            names = dict.fromkeys((name, *person.spellings))
            yield (name, index), replace(entry, principals=tuple(names), namespaces=(APPROVALS,)), ""


def _malformed(problem: str) -> MalformedEvidenceError:
    return MalformedEvidenceError(
        f"the signed approval {problem}",
        remedy="`towpath approve --sign` makes one: a statement, and one signature of it.",
    )
