"""The public keys that an agent trusts: an `allowed_signers` file of OpenSSH, and what each may sign.

    prod namespaces="git" ssh-ed25519 AAAA…
    build valid-before="20261101000000Z" ssh-ed25519 AAAA…          (retired: its earlier signatures hold)
    alice@example.com namespaces="towpath" sk-ssh-ed25519@openssh.com AAAA…

`ssh-keygen -Y verify` and `git log --show-signature` read the same file. What of OpenSSH's format would trust
more than is written, patterns of names and certificate authorities, is refused.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from towpath.errors import ConfigError, MalformedEvidenceError, Problem, UntrustedSignatureError
from towpath.evidence.public_key import PublicKey

COMMITS = "git"
"""Namespace of commits, as Git signs them."""
APPROVALS = "towpath"
"""Namespace of approvals: `ssh-keygen -Y sign -n towpath`."""
EVIDENCE = "towpath-evidence"
"""Namespace of release evidence, whose envelope names none itself."""
POLICY = "towpath-policy"
"""Namespace of what an owner signs: a policy that is looser than before, an exception."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead the clock of the machine that signed may be."""
LATE = timedelta(days=7)
"""How long after a key's end a commit of it may arrive: an agent may have been down, or cut off."""
MAX_KEYS = 1000
MAX_CHARACTERS = 1024 * 1024
_FIELD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="([^"]*)")?')
_NAME = re.compile(r'[^\s,"*?!#\x00-\x1f\x7f-\x9f]+')
_TIME = re.compile(r"(\d{8})(\d{4}(?:\d{2})?)?Z")


def agent_signs(environment: str | None) -> str:
    """What the agent of an environment signs; None: the one that builds."""
    return EVIDENCE if environment is None else COMMITS


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One line: who signs with the key, what, and when. No namespaces: everything. `line` counts from 1."""

    principals: tuple[str, ...]
    key: PublicKey
    namespaces: tuple[str, ...] = ()
    valid_after: datetime | None = None
    valid_before: datetime | None = None
    comment: str = ""
    line: int = 0

    def __str__(self) -> str:
        """The line in the file, without its end."""
        options = [
            *([f'namespaces="{",".join(self.namespaces)}"'] if self.namespaces else []),
            *([f'valid-after="{_format_time(self.valid_after)}"'] if self.valid_after else []),
            *([f'valid-before="{_format_time(self.valid_before)}"'] if self.valid_before else []),
        ]
        fields = (",".join(self.principals), ",".join(options), self.key.openssh, self.comment)
        return " ".join(filter(None, fields))

    def may_sign(self, namespace: str) -> bool:
        """Whether the line allows this kind of text."""
        return not self.namespaces or namespace in self.namespaces

    def time_problem(self, signed_at: datetime, arrived: datetime | None = None) -> str:
        """Why the key could not sign at that time; empty when it could.

        `arrived` is given for what arrives soon after it was signed: long after the key's end it is too late.
        """
        if self.valid_after and signed_at < self.valid_after:
            return f"was not valid before {_shown(self.valid_after)}"
        if self.valid_before and signed_at >= self.valid_before:
            return f"was valid until {_shown(self.valid_before)} only"
        if self.valid_before and arrived and arrived >= self.valid_before + LATE:
            return f"was valid until {_shown(self.valid_before)}, and this arrived at {_shown(arrived)} only"
        return ""


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """All lines of the file."""

    entries: tuple[TrustedKey, ...] = ()

    def principal(  # noqa: PLR0913
        self,
        key: PublicKey,
        namespace: str,
        expected: Collection[str],
        signed_at: datetime,
        received: datetime | None = None,
        *,
        arrives: bool = False,
    ) -> str:
        """Who of `expected` signed with `key`, whose signature was verified before.

        `signed_at` is the time that the signer states. `received` is when it was first seen here: nothing is
        dated after it. `arrives` says that it was made shortly before, so that a key that ended long ago is
        not believed, whatever the date. Raises UntrustedSignatureError when the key is not trusted for this
        at that time.
        """
        if received is not None and signed_at > received + CLOCK_SKEW:
            raise UntrustedSignatureError(
                f"what key {key.fingerprint} signed is dated {_shown(signed_at)}, which is in the future",
                remedy="Set the clock of the machine that signed it, and sign again.",
            )
        allowed = self._allowed(key, namespace, expected)
        problems = [entry.time_problem(signed_at, received if arrives else None) for entry in allowed]
        if all(problems):
            raise UntrustedSignatureError(
                f"key {key.fingerprint} of {_names(allowed[0].principals)} {problems[0]},"
                f" and this is dated {_shown(signed_at)}",
                remedy="Sign it again with the key that is valid now: `towpath keys list`.",
            )
        entry = allowed[problems.index("")]
        return next(name for name in entry.principals if name in expected)

    def _allowed(self, key: PublicKey, namespace: str, expected: Collection[str]) -> list[TrustedKey]:
        """The lines by which one of `expected` may sign this with the key, at some time; at least one."""
        known = [entry for entry in self.entries if entry.key == key]
        if not known:
            raise UntrustedSignatureError(
                f"key {key.fingerprint} is not among the {len(self.entries)} trusted keys",
                remedy="If it should be, add its line to the file of trusted keys: `towpath keys trust`.",
            )
        ours = [entry for entry in known if set(entry.principals) & set(expected)]
        if not ours:
            names = ", ".join(dict.fromkeys(name for entry in known for name in entry.principals))
            raise UntrustedSignatureError(
                f"key {key.fingerprint} is {names}'s, and only {_names(expected)} may sign this",
                remedy="Nobody signs in another's name. Have it signed by who may.",
            )
        allowed = [entry for entry in ours if entry.may_sign(namespace)]
        if not allowed:
            raise UntrustedSignatureError(
                f"key {key.fingerprint} of {_names(ours[0].principals)} may sign"
                f" {_names(ours[0].namespaces)} only, not {namespace}",
                remedy="Use the key that is for this, or allow it in the file of trusted keys.",
            )
        return allowed

    def keys_for(self, namespace: str) -> Iterable[PublicKey]:
        """Each key that may sign this kind of text, once."""
        return dict.fromkeys(entry.key for entry in self.entries if entry.may_sign(namespace))


def parse_trusted_keys(text: str, file: str) -> TrustedKeys:
    """Read the text of the file; ConfigError names each line that is wrong."""
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(f"has more than {MAX_CHARACTERS} characters", file=file)
    entries: list[TrustedKey] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            entries.append(parse_line(line.strip(), number))
        except MalformedEvidenceError as error:
            problems.append(Problem(file, number, error.message))
        except ValueError as error:
            problems.append(Problem(file, number, str(error)))
    if len(entries) > MAX_KEYS:
        problems.append(Problem(file, 0, f"has more than {MAX_KEYS} keys"))
    if problems:
        first, *more = problems
        raise ConfigError(
            first.message,
            file=file,
            line=first.line or None,
            more=more,
            remedy='A line reads: NAME [namespaces="git"] [valid-before="20261231Z"] KIND BASE64.'
            " `towpath keys` writes them.",
        )
    return TrustedKeys(tuple(entries))


def parse_line(line: str, number: int = 0) -> TrustedKey:
    """One line of the file; ValueError or MalformedEvidenceError when it is wrong."""
    fields = list(_FIELD.finditer(line))
    texts = [field.group() for field in fields]
    if len(texts) < 3:
        raise ValueError("lacks a name, a kind of key or a key")
    principals = tuple(check_name(name) for name in texts[0].strip('"').split(","))
    options: dict[str, str] = {}
    at = 1
    if "=" in texts[1] or texts[1] == "cert-authority":
        options = _options(texts[1])
        at = 2
    if len(texts) < at + 2:
        raise ValueError("lacks a kind of key or a key")
    key = PublicKey.parse(f"{texts[at]} {texts[at + 1]}")
    comment = line[fields[at + 2].start() :] if len(fields) > at + 2 else ""
    after, before = (_parse_time(options.get(name)) for name in ("valid-after", "valid-before"))
    if after and before and after >= before:
        raise ValueError("valid-after is not before valid-before: the key was never valid")
    namespaces = tuple(check_name(name) for name in options.get("namespaces", "").split(",") if name)
    if "namespaces" in options and not namespaces:
        raise ValueError("namespaces are empty: the key may sign nothing")
    return TrustedKey(principals, key, namespaces, after, before, comment, number)


def check_name(name: str) -> str:
    """A name of a signer or a namespace; ValueError for patterns, which OpenSSH would match with others."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:60]!r} is no name: no spaces, commas, quotes or patterns (`*`, `?`, `!`)")
    return name


def _options(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in re.findall(r'(?:[^,"]|"[^"]*")+', text):
        option = _OPTION.fullmatch(part)
        name = option[1].lower() if option else part
        if name not in ("namespaces", "valid-after", "valid-before") or not option or option[2] is None:
            raise ValueError(f"option {name[:60]!r} is not supported: it could trust more than this key")
        if name in found:
            raise ValueError(f"option {name!r} is there twice")
        found[name] = option[2]
    return found


def _parse_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"time {text[:40]!r} must be YYYYMMDD[HHMM[SS]]Z, in UTC with the Z")
    digits = match[1] + (match[2] or "0000").ljust(6, "0")
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"time {text!r} does not exist") from None


def _format_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y%m%d%H%M%S}Z"


def _shown(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _names(names: Iterable[str]) -> str:
    return " or ".join(names) or "nobody"
