"""What a repository may have delivered: its apps, branches and tags. Pure."""

import re
from dataclasses import dataclass, field

from towpath.door.door_file import DoorFile, Issuer, Repository
from towpath.errors import TowpathError

BRANCH = "refs/heads/"
TAG = "refs/tags/"
COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""A whole commit id, by SHA-1 or SHA-256."""


class RequestError(TowpathError):
    """A request that is not served. `reason` is the word of the metrics, `status` HTTP's."""

    def __init__(self, status: int, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


def unauthorized(reason: str, message: str) -> RequestError:
    """Who asks has not proven who he is."""
    return RequestError(401, reason, message)


def forbidden(reason: str, message: str) -> RequestError:
    """Who asks is known, and may not ask for this."""
    return RequestError(403, reason, message)


def malformed(message: str) -> RequestError:
    """The request cannot be read."""
    return RequestError(400, "malformed", message)


@dataclass(frozen=True, slots=True)
class Rule:
    """One repository, with the secrets themselves."""

    repository: Repository
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    hook_secrets: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        return self.repository.name

    def apps(self, ref: str, app: str | None) -> tuple[str, ...]:
        """The apps to deliver from that ref, or only `app`. RequestError when one is not allowed."""
        patterns, name = self._patterns(ref)
        if not any(ref_matches(pattern, name) for pattern in patterns):
            raise forbidden("ref", f"{self.name} may not have {ref[:300]} delivered")
        if app is None:
            return self.repository.apps
        if app not in self.repository.apps:
            raise forbidden("app", f"{self.name} may not have an app of that name delivered")
        return (app,)

    def _patterns(self, ref: str) -> tuple[tuple[str, ...], str]:
        if ref.startswith(BRANCH):
            return self.repository.branches, ref.removeprefix(BRANCH)
        if ref.startswith(TAG):
            return self.repository.tags, ref.removeprefix(TAG)
        return (), ref


@dataclass(frozen=True, slots=True)
class Rules:
    """All repositories by name, and the issuers of tokens by their URL."""

    by_name: dict[str, Rule]
    issuers: dict[str, tuple[str, Issuer]]

    @classmethod
    def of(cls, file: DoorFile) -> "Rules":
        """With the secrets that the file names. MissingPartError when one is not there."""
        rules = {}
        for repository in file.repositories:
            own = tuple(secret.read().encode() for secret in repository.secrets)
            hook = (
                tuple(secret.read().encode() for secret in repository.hook.secrets) if repository.hook else ()
            )
            rules[repository.name] = Rule(repository, own, hook)
        return cls(rules, {issuer.url: (name, issuer) for name, issuer in file.issuers.items()})


def ref_matches(pattern: str, name: str) -> bool:
    """Whether a branch or tag has a name of that pattern: `*` is anything but `/`, `**` anything."""
    parts = re.split(r"(\*\*|\*)", pattern)
    wild = {"**": ".+", "*": "[^/]*"}
    return re.fullmatch("".join(wild.get(part) or re.escape(part) for part in parts), name) is not None


def commit_id(value: object) -> str:
    """A whole commit id; RequestError for anything else."""
    if not isinstance(value, str) or not COMMIT.fullmatch(value) or set(value) == {"0"}:
        raise malformed("`commit` must be a whole commit id: 40 or 64 lower-case hex digits")
    return value


def ref_name(value: object) -> str:
    """A branch or tag with its `refs/…`; RequestError for anything else."""
    if not isinstance(value, str) or len(value) > 500 or re.search(r"[\x00-\x20\x7f\ud800-\udfff]", value):
        raise malformed("`ref` must be refs/heads/BRANCH or refs/tags/TAG")
    return value
