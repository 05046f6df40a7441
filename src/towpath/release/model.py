"""A release: images by digest, the commit they were built from, their scan; and when it was promoted."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

ScanStatus = Literal["passed", "blocked", "not-scanned"]


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """The result of scanning the images. `policy` is the hash of the scan policy that judged them.

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
        data: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return data


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """One image of a release: its name in `towpath.yaml`, its repository, and its digest."""

    name: str
    image: str
    digest: str

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.digest):
            raise ValueError("`digest` must be sha256: and 64 hex digits, never a tag")

    @property
    def reference(self) -> str:
        """`IMAGE@sha256:…`"""
        return f"{self.image}@{self.digest}"


Images = tuple[ReleaseImage, ...]
"""The images of a release, by name."""


@dataclass(frozen=True, slots=True)
class ReleaseRef:
    """Which release runs, and which images: what a look at a cluster needs of a release."""

    id: str = ""
    images: Images = ()


@dataclass(frozen=True, slots=True)
class Release:
    """None, one or several images, the commit they were built from, their scan. `built_at` is RFC 3339."""

    app: str
    images: Images
    commit: str
    source: str
    subject: str
    author: str
    built_at: str
    scan: ScanSummary
    flow_run: str

    def __post_init__(self) -> None:
        if self.commit and not _COMMIT.fullmatch(self.commit):
            raise ValueError("`commit` must be a whole commit id")
        if not self.images and not self.commit:
            raise ValueError("a release without images must have a `commit`")
        if len(set(repositories(self.images))) < len(self.images):
            raise ValueError("two images must not have the same repository")
        object.__setattr__(self, "images", tuple(sorted(self.images, key=lambda each: each.name)))

    @property
    def id(self) -> str:
        """What tells this release from the app's others.

        The digest of its image; of several the SHA-256 over their digests by name; the commit without any.
        """
        return id_of_images(self.images) if self.images else self.commit

    @property
    def ref(self) -> ReleaseRef:
        """Its id and images."""
        return ReleaseRef(self.id, self.images)

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of its images."""
        return tuple(each.digest for each in self.images)

    @property
    def quarantine_ids(self) -> tuple[str, ...]:
        """What a quarantine may name to keep it out: its id, or the digest of any of its images."""
        return (self.id, *self.digests)

    @property
    def references(self) -> str:
        """`IMAGE@sha256:…` of each image, with commas between them."""
        return ", ".join(each.reference for each in self.images)

    def overtakes(self, other: "Release") -> bool:
        """Whether this is another release than `other`, and built later."""
        return self.id != other.id and self.built > other.built

    @property
    def built(self) -> datetime:
        """`built_at` as a point in time, in whatever zone it was written; the first of all for no time."""
        return _time_of(self.built_at)

    @property
    def short_id(self) -> str:
        """The first seven digits of the commit; of the id when there is no commit."""
        return self.commit[:7] or self.id.removeprefix("sha256:")[:7]


@dataclass(frozen=True, slots=True)
class Override:
    """An owner's word that a release passes its `gate` (break-glass) or its `quarantine`, and why.

    `statement` is the id of what the owner signed.
    """

    waives: str
    by: str
    reason: str
    statement: str

    def __str__(self) -> str:
        return f"{self.by} waived the {self.waives}: {self.reason}"


@dataclass(frozen=True, slots=True)
class EnvironmentRelease:
    """The release of an app in an environment.

    Times are RFC 3339; `rolls_back` is the id of the release that it replaced; `override` let it in.
    """

    release: Release
    promoted_at: str
    promoted_by: str
    promoted_from: str | None = None
    approved_by: tuple[str, ...] = ()
    flow_run: str = ""
    verified_at: str | None = None
    rolls_back: str | None = None
    override: Override | None = None

    @property
    def promoted(self) -> datetime:
        """`promoted_at` as a point in time, as `Release.built`: whoever may push can write any text there."""
        return _time_of(self.promoted_at)


def _time_of(text: str) -> datetime:
    """The point in time, in whatever zone it was written; the first of all for no time."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def id_of_images(images: Images) -> str:
    """The id of a release of one or several images."""
    if len(images) == 1:
        return images[0].digest
    digests = {each.name: each.digest for each in images}
    canonical = json.dumps(digests, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def one_image(name: str, image: str, digest: str) -> Images:
    """The images of a release that has one."""
    return (ReleaseImage(name, image, digest),)


def is_release_id(text: str) -> bool:
    """Whether a text can be the id of a release: a digest, or a whole commit id."""
    return bool(_DIGEST.fullmatch(text) or _COMMIT.fullmatch(text))


def repositories(images: Mapping[str, str] | Images) -> list[str]:
    """The repositories of images, sorted: those of an app, or those of a release."""
    return sorted(images.values() if isinstance(images, Mapping) else (each.image for each in images))
