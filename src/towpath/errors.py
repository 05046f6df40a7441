"""Every error that Towpath raises, and whether a retry can help.

TowpathError
├── TransientError        may go away by itself: network, timeout, 429, 503. Retried
└── TerminalError         does not go away by itself. Never retried
    ├── ConfigError       a file of the user is wrong: file, line, key
    │   └── TooLargeError more than may be read or rendered
    ├── UnknownNameError  no such app, environment, revision, release …
    ├── RefusedError      a policy does not allow it: scan, gate, admission, prune limit
    ├── BuildError        the image does not build, or its tests fail
    ├── ConflictError     somebody else changed the same thing meanwhile
    ├── NotLeadingError   another agent of the environment leads: this one writes nothing
    ├── SyncError         the API server refused objects; names each
    ├── VerifyError       synced, but not healthy; names each offender
    ├── EvidenceError     a signed statement does not prove what it must
    │   ├── MalformedEvidenceError   it cannot be read: cut off, too large, keys twice …
    │   ├── UntrustedSignatureError  its signature does not hold, or not by a key trusted for this
    │   └── OtherSubjectError        it speaks of something else: another digest, app, environment
    └── MissingPartError  a program, service or right this machine lacks
"""

import difflib
import errno
from collections.abc import Iterable
from dataclasses import dataclass

_NO_ROOM = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))


class TowpathError(Exception):
    """`message` says what was touched and what is wrong with it, `remedy` what to do next."""

    transient = False

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class TransientError(TowpathError):
    """May go away by itself. `retry_after` is in seconds, where the other side asked for a delay."""

    transient = True

    def __init__(self, message: str, *, remedy: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class TerminalError(TowpathError):
    """A retry gives the same error."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file; `line` is 0 where it is not known."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


class ConfigError(TerminalError):
    """A file that a person wrote is wrong. Reads `FILE:LINE: what`, so that editors can jump to it.

    `problems` are all that are known, in the order of their lines; the message tells each on a line.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int | None = None,
        remedy: str | None = None,
        more: Iterable[Problem] = (),
    ) -> None:
        self.file = file
        self.line = line
        self.problems = (Problem(file, line or 0, message), *more)
        super().__init__("\n".join(map(str, self.problems)), remedy=remedy)


class TooLargeError(ConfigError):
    """More time, memory, bytes or values than one app may take: to try its other environments is vain."""


class UnknownNameError(TerminalError):
    """There is no `kind` of that `name`. The remedy is the nearest known name, or all of them."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), *, where: str = "") -> None:
        known = sorted(known)
        nearest = difflib.get_close_matches(name, known, n=1)
        place = f" in {where}" if where else ""
        remedy = (
            f"Did you mean {nearest[0]}?" if nearest else f"There are: {', '.join(known)}." if known else None
        )
        super().__init__(f"unknown {kind} {name!r}{place}", remedy=remedy)
        self.kind = kind
        self.name = name


class RefusedError(TerminalError):
    """A policy does not allow it."""


class BuildError(TerminalError):
    """The image does not build, or its tests fail; the message ends with the last lines of output."""


class ConflictError(TerminalError):
    """Somebody else changed the same thing meanwhile."""


class NotLeadingError(TerminalError):
    """This agent does not lead its environment, or does not any more; nothing was written."""


class SyncError(TerminalError):
    """The API server refused objects; the message names each with the server's reason."""


class VerifyError(TerminalError):
    """Synced, but not healthy in time; the message names each offender."""


class EvidenceError(TerminalError):
    """A signed statement does not prove what it must."""


class MalformedEvidenceError(EvidenceError):
    """A signed statement, its envelope or its signature cannot be read; nothing of it was used."""


class UntrustedSignatureError(EvidenceError):
    """The signature does not hold, or its key is not trusted for this, by this name, at that time."""


class OtherSubjectError(EvidenceError):
    """The statement is signed, but speaks of something else than what was asked."""


class MissingPartError(TerminalError):
    """This machine lacks a program, a service or a right; the remedy says how to get it."""


def as_towpath_error(error: Exception) -> TowpathError:
    """Any exception as a TowpathError: a full or read-only disk is TerminalError, all others are bugs."""
    if isinstance(error, TowpathError):
        return error
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        where = f" {error.filename}" if error.filename else ""
        return TerminalError(
            f"cannot write{where}: {error.strerror}",
            remedy="Make room, or name another folder in TOWPATH_CACHE.",
        )
    return TowpathError(
        f"unexpected {type(error).__name__}: {error}",
        remedy="This is a bug. TOWPATH_TRACEBACK=1 shows where; please report it.",
    )
