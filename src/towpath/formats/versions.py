"""The versions of Towpath's files, and since which version each key is known.

KEYS is the one table of what changed. All other keys, those of the models, are known to every version.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

GROUP = "towpath.dev"
FileVersion = Literal["towpath.dev/v1", "towpath.dev/v2"]
V1: FileVersion = "towpath.dev/v1"
V2: FileVersion = "towpath.dev/v2"
VERSIONS: tuple[FileVersion, ...] = (V1, V2)
LATEST = VERSIONS[-1]
VERSION_KEY = "apiVersion"

CONFIG = "towpath.yaml"
RELEASE = "release.yaml"
QUARANTINE = "quarantine.yaml"
PAUSES = "pauses"
PRUNE = "prune.yaml"
VENDOR = "vendor.yaml"
VENDOR_LOCK = "vendor.lock.yaml"
VERIFIED = "verified"

MIGRATE = "`towpath migrate` rewrites the repository"
_WRITTEN = re.compile(r"towpath\.dev/v([1-9][0-9]{0,5})((alpha|beta)[0-9]{1,3})?")
_MACHINE = "only the machine says it"


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The versions that know a key: from `since` to `until`. `*` in `path` stands for any key or item.

    `instead` says what later versions have in its place. A key that is `deprecated` is still read; one that
    is not `obeyed` is read in every version, for what it would have meant to be told, and has no effect.
    """

    path: str
    since: FileVersion = V1
    until: FileVersion = LATEST
    deprecated: FileVersion | None = None
    obeyed: bool = True
    instead: str = ""

    @property
    def name(self) -> str:
        """The key itself."""
        return self.path.rpartition(".")[2]

    def is_known(self, version: FileVersion) -> bool:
        """Whether files of a version have this key."""
        return order(self.since) <= order(version) <= order(self.until)


KEYS: Mapping[str, tuple[KeyRange, ...]] = {
    CONFIG: (
        KeyRange("apps.*.images", since=V2),
        KeyRange("apps.*.promote", since=V2),
        KeyRange("apps.*.environments", since=V2),
        KeyRange("apps.*.dependsOn", since=V2),
        KeyRange("apps.*.namespace", since=V2),
        KeyRange("environments.*.namespaces", since=V2),
        KeyRange("apps.*.source.poll", since=V2),
        KeyRange("apps.*.source.buildArgs", since=V2),
        KeyRange("people", since=V2),
        KeyRange("environments.*.after", since=V2),
        KeyRange("environments.*.rollout", since=V2),
        KeyRange("environments.*.gate.approvals.groups", since=V2),
        KeyRange("environments.*.gate.approvals.kind", since=V2),
        KeyRange("environments.*.gate.approvals.expires", since=V2),
        KeyRange(
            "environments.*.context",
            deprecated=V2,
            obeyed=False,
            instead=f"{_MACHINE}: TOWPATH_CONTEXT, --context, or `cluster.context` in agent.yaml",
        ),
        KeyRange(
            "environments.*.kubeconfig",
            deprecated=V2,
            obeyed=False,
            instead=f"{_MACHINE}: KUBECONFIG, or `cluster.kubeconfig` in agent.yaml",
        ),
        KeyRange(
            "environments.*.allowExec",
            deprecated=V2,
            obeyed=False,
            instead=f"{_MACHINE}: TOWPATH_ALLOW_EXEC=1, or `cluster.allowExec` in agent.yaml",
        ),
    ),
    RELEASE: (
        KeyRange(VERSION_KEY, since=V2),
        KeyRange("release.images", since=V2),
        KeyRange("override", since=V2),
        KeyRange("release.image", until=V1, instead="`images`"),
        KeyRange("release.digest", until=V1, instead="`images`"),
    ),
    QUARANTINE: (
        KeyRange(VERSION_KEY, since=V2),
        KeyRange("releases.*.release", since=V2),
        KeyRange("releases.*.digest", until=V1, instead="`release`"),
    ),
    PAUSES: (KeyRange(VERSION_KEY, since=V2),),
    PRUNE: (KeyRange(VERSION_KEY, since=V2),),
    VENDOR: (KeyRange(VERSION_KEY, since=V2), KeyRange("vendor", since=V2)),
    VENDOR_LOCK: (KeyRange(VERSION_KEY, since=V2), KeyRange("vendor", since=V2)),
    VERIFIED: tuple(
        KeyRange(key, since=V2)
        for key in (
            *(VERSION_KEY, "app", "environment", "commit", "manifests", "sources"),
            *("verified_at", "flow_run"),
        )
    ),
}
"""By file: the keys that not every version knows, and those that are deprecated."""


def order(version: FileVersion) -> int:
    """The place of a version among all of them."""
    return VERSIONS.index(version)


def newest(*versions: FileVersion) -> FileVersion:
    """The newest of some versions."""
    return max(versions, key=order)


def known_version(value: object) -> FileVersion | None:
    """`value` as a version that this Towpath knows."""
    return next((each for each in VERSIONS if each == value), None)


def is_newer(value: object) -> bool:
    """Whether a value of `apiVersion` is a version of Towpath's files after the newest known one."""
    match = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    return match is not None and int(match[1]) > len(VERSIONS)


def ranges_in(data: Any, file: str) -> Iterator[tuple[tuple[str | int, ...], KeyRange]]:
    """The keys in `data`, a file's content, that are in KEYS: (path, range)."""
    for each in KEYS[file]:
        for path in _paths(data, each.path.split("."), ()):
            yield path, each


def range_problem(each: KeyRange, version: FileVersion) -> str:
    """Why a file of `version` must not have the key; empty when it may."""
    if order(version) < order(each.since):
        return f"`{each.name}` is known since {each.since}; {MIGRATE}"
    if order(version) > order(each.until):
        return f"`{each.name}` is a key of {each.until}; {version} has {each.instead}"
    return ""


def is_key_of(path: tuple[str | int, ...], file: str, version: FileVersion) -> bool:
    """Whether files of `version` have the key at `path`, which is one of the models."""
    return all(each.is_known(version) for each in KEYS[file] if _leads_to(each.path.split("."), path))


def _leads_to(steps: list[str], path: tuple[str | int, ...]) -> bool:
    return len(steps) <= len(path) and all(step in ("*", str(key)) for step, key in zip(steps, path))  # noqa: B905


def _paths(data: Any, steps: list[str], path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if not steps:
        yield path
    elif steps[0] != "*":
        if isinstance(data, dict) and steps[0] in data:
            yield from _paths(data[steps[0]], steps[1:], (*path, steps[0]))
    else:
        entries = (
            data.items() if isinstance(data, dict) else enumerate(data if isinstance(data, list) else ())
        )
        for key, value in entries:
            yield from _paths(value, steps[1:], (*path, key))
