"""Ranges of semantic versions, as Helm reads them: `^1.2`, `~1.2.3`, `>=1.2, <2`, `1.x`, `1.2 - 1.4 || 3`.

Versions are parsed and ordered by the library semver, which knows no ranges: docs/decisions/0018-vendor.md.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from semver import Version

MAX_LENGTH = 200
"""Characters of a range; each of its numbers has at most nine digits."""
_NUMBER = r"(0|[1-9][0-9]{0,8})"
_PRE = r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+(?P<build>[0-9A-Za-z.-]+))?"
_PARTS = (
    rf"v?(?P<major>{_NUMBER}|[xX*])(?:\.(?P<minor>{_NUMBER}|[xX*]))?(?:\.(?P<patch>{_NUMBER}|[xX*]))?{_PRE}"
)
_PARTIAL = re.compile(_PARTS)
_COMPARATOR = re.compile(rf"(?P<op>=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*(?P<version>{_PARTS})(?=[\s,]|$)")
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")

Test = Callable[[Version], bool]


@dataclass(frozen=True, slots=True)
class _Partial:
    """A version of which minor and patch may be missing: `1.2` is the lowest version, and `known` is 2."""

    lowest: Version
    known: int

    @property
    def after(self) -> Version:
        """The first version that does not begin so."""
        return self.lowest.bump_major() if self.known == 1 else self.lowest.bump_minor()


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A parsed range. A pre-release is in it only where the range itself names one beside it."""

    text: str
    groups: tuple[tuple[tuple[Test, ...], bool], ...]

    def __contains__(self, version: Version) -> bool:
        return any(
            (version.prerelease is None or names_one) and all(test(version) for test in tests)
            for tests, names_one in self.groups
        )

    def newest(self, versions: Iterable[str]) -> str | None:
        """The newest of `versions` that is in the range, as it is spelt; None when none is."""
        known = [(parsed, text) for text in versions if (parsed := parse_version(text)) and parsed in self]
        return max(known, key=lambda each: each[0])[1] if known else None


def parse_version(text: str) -> Version | None:
    """A whole semantic version, `v` before it allowed; None for any other text."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        return Version.parse(text.removeprefix("v"))
    except ValueError:
        return None


def parse_range(text: str) -> VersionRange:
    """The range that `text` is. Raises ValueError with the problem."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"must have at most {MAX_LENGTH} characters")
    return VersionRange(text, tuple(_group(each) for each in text.split("||")))


def same_version(one: str, other: str) -> bool:
    """Whether two texts are the same version, whatever the build's metadata and a `v` before it."""
    first, second = parse_version(one), parse_version(other)
    return (
        one == other if first is None or second is None else first == second and first.build == second.build
    )


def _group(text: str) -> tuple[tuple[Test, ...], bool]:
    """What must hold at once, and whether it names a pre-release."""
    text = _HYPHEN.sub(r">=\1 <=\2", text.strip())
    tests: list[Test] = []
    names_one, at = False, 0
    while at < len(text):
        if text[at] in " \t,":
            at += 1
            continue
        match = _COMPARATOR.match(text, at)
        if match is None:
            raise ValueError(
                "must be a version such as 1.2.3, or a range such as ^1.2, ~1.2.3, 1.x or >=1.2 <2"
            )
        tests.append(_test(match["op"] or "=", match["version"]))
        names_one = names_one or bool(match["pre"])
        at = match.end()
    if not tests:
        raise ValueError("must not be empty; `*` is any version")
    return tuple(tests), names_one


def _test(operator: str, version: str) -> Test:
    partial = _partial(version)
    if partial is None:  # any version
        return (lambda _: False) if operator in ("<", ">", "!=") else (lambda _: True)
    lowest = partial.lowest
    if operator in ("~", "~>"):
        return _between(lowest, partial.after)
    if operator == "^":
        return _between(lowest, _next_breaking(partial))
    if partial.known < 3:
        after = partial.after
        return {
            "=": _between(lowest, after),
            "!=": lambda found: not _between(lowest, after)(found),
            ">": lambda found: found >= after,
            "<=": lambda found: found < after,
        }.get(operator) or _whole(operator, lowest)
    return _whole(operator, lowest)


def _whole(operator: str, version: Version) -> Test:
    tests: dict[str, Test] = {
        "=": lambda found: found == version,
        "!=": lambda found: found != version,
        ">": lambda found: found > version,
        "<": lambda found: found < version,
        ">=": lambda found: found >= version,
        "<=": lambda found: found <= version,
    }
    return tests[{"=>": ">=", "=<": "<="}.get(operator, operator)]


def _between(lowest: Version, end: Version) -> Test:
    """From `lowest` to before `end`; a pre-release of `end` is not before it."""
    return lambda found: found >= lowest and found.finalize_version() < end


def _next_breaking(partial: _Partial) -> Version:
    """The first version that `^` does not allow: the leftmost number that is not 0 may not change."""
    lowest = partial.lowest
    if lowest.major or partial.known == 1:
        return lowest.bump_major()
    if lowest.minor or partial.known == 2:
        return lowest.bump_minor()
    return lowest.bump_patch() if lowest.prerelease is None else lowest.finalize_version().bump_patch()


def _partial(text: str) -> _Partial | None:
    """None for `*`."""
    match = _PARTIAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no version")
    numbers: list[int] = []
    for part in (match["major"], match["minor"], match["patch"]):
        if part is None or part in "xX*":
            break
        numbers.append(int(part))
    if not numbers:
        return None
    known = len(numbers)
    pre = match["pre"] if known == 3 else None
    major, minor, patch = (*numbers, 0, 0)[:3]
    return _Partial(Version(major, minor, patch, prerelease=pre), known)
