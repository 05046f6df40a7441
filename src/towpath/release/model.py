"""A release (an image by digest), and `release.yaml`: the release of an environment and its promotion."""

import dataclasses
import functools
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from towpath.files import read_text
from towpath.yamltext.config_reader import config_error, read_document
from towpath.yamltext.writer import dump

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
RELEASE_FILE = "release.yaml"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

_MESSAGES = {"unexpected_keyword_argument": "unknown key"}
"""By pydantic's type of problem."""

ScanStatus = Literal["passed", "blocked", "not-scanned"]


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """The result of scanning the image. `policy` is the hash of the scan policy that judged it.

    `os` is the operating system that the scanner recognised (`debian 12.5`); empty: none, and no package of a
    distribution was looked up. `findings` is id -> worst severity, so that another policy can judge it; None:
    not recorded. The record in the registry has findings, `release.yaml` has none.
    """

    status: ScanStatus
    scanners: tuple[str, ...] = ()
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    scanner_version: str = ""
    policy: str = ""
    findings: dict[str, str] | None = None
    os: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return _plain(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`; raises ValueError for other data."""
        return _typed(cls, data)


@dataclass(frozen=True, slots=True)
class Release:
    """An image by digest, the commit it was built from, and its scan. `built_at` is RFC 3339."""

    app: str
    image: str
    digest: str
    commit: str
    source: str
    subject: str
    author: str
    built_at: str
    scan: ScanSummary
    flow_run: str

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.digest):
            raise ValueError("`digest` must be sha256: and 64 hex digits, never a tag")
        if self.commit and not _COMMIT.fullmatch(self.commit):
            raise ValueError("`commit` must be a whole commit id")

    @property
    def reference(self) -> str:
        """`IMAGE@sha256:…`"""
        return f"{self.image}@{self.digest}"

    def overtakes(self, other: "Release") -> bool:
        """Whether this is another image than `other`, and built later."""
        return self.digest != other.digest and self.built > other.built

    @property
    def built(self) -> datetime:
        """`built_at` as a point in time, in whatever zone it was written; the first of all for no time."""
        try:
            time = datetime.fromisoformat(self.built_at)
        except ValueError:
            return datetime.min.replace(tzinfo=UTC)
        return time if time.tzinfo else time.replace(tzinfo=UTC)

    @property
    def short(self) -> str:
        """The first seven digits of the commit; of the digest when there is no commit."""
        return self.commit[:7] or self.digest.removeprefix("sha256:")[:7]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return _plain(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`; raises ValueError for other data."""
        return _typed(cls, data)


@dataclass(frozen=True, slots=True)
class EnvironmentRelease:
    """The release of an app in an environment.

    Times are RFC 3339; `rolls_back` is the digest that it replaced.
    """

    release: Release
    promoted_at: str
    promoted_by: str
    promoted_from: str | None = None
    approved_by: tuple[str, ...] = ()
    flow_run: str = ""
    verified_at: str | None = None
    rolls_back: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return _plain(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`; raises ValueError for other data."""
        return _typed(cls, data)


def release_path(app: str, environment: str) -> str:
    """The path of `release.yaml` in the environment repository."""
    return f"apps/{app}/{environment}/{RELEASE_FILE}"


def load_release_file(root: Path, path: str = RELEASE_FILE) -> EnvironmentRelease | None:
    """Read one `release.yaml` below `root`; None when the app is not released there yet."""
    text = read_text(root, path)
    return None if text is None else parse_release_file(text, path)


def parse_release_file(text: str, file: str = RELEASE_FILE) -> EnvironmentRelease:
    """Parse the text of a `release.yaml`; `file` is its name in errors. It has no other keys."""
    document = read_document(text, file)
    try:
        return _typed(EnvironmentRelease, document.data, extra="forbid")
    except ValueError as error:
        problems = [
            (document.line(tuple(path)), f"{'.'.join(map(str, path))}: {message}" if path else message)
            for path, message in _problems(error)
        ]
        raise config_error(problems, file) from error


def dump_release_file(release: EnvironmentRelease) -> str:
    """The text of `release.yaml`: the same bytes for the same release, on every machine."""
    head = "# Written by Towpath with every promotion and rollback. Change it by `towpath promote` only.\n"
    data = _without_findings(release).to_json()
    del data["release"]["scan"]["findings"]
    return dump(data, head=head, file=RELEASE_FILE)


def _plain(value: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(value)))
    return data


def _without_findings(state: EnvironmentRelease) -> EnvironmentRelease:
    scan = dataclasses.replace(state.release.scan, findings=None)
    return dataclasses.replace(state, release=dataclasses.replace(state.release, scan=scan))


def _typed(cls: type[T], data: Any, *, extra: Literal["ignore", "forbid"] = "ignore") -> T:
    # Records in the registry may be of another version of Towpath: what this one does not know is left out.
    value: T = _adapter(cast("type", cls)).validate_json(json.dumps(data), extra=extra)
    return value


@functools.cache
def _adapter(cls: type) -> "TypeAdapter[Any]":
    # Imported here: most users of a release need no pydantic, which is slow to import.
    from pydantic import ConfigDict, TypeAdapter, with_config

    return TypeAdapter(with_config(ConfigDict(strict=True))(cls))


def _problems(error: ValueError) -> list[tuple[tuple[str | int, ...], str]]:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return [((), str(error))]
    return [
        (problem["loc"], _MESSAGES.get(problem["type"]) or problem["msg"].replace("Value error, ", ""))
        for problem in error.errors(include_url=False, include_input=False)
    ]
