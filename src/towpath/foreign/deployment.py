"""What one definition deploys where, in words of no tool."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from towpath.foreign.definition import Definition


@dataclass(frozen=True, slots=True)
class Destination:
    """A namespace of a cluster. `cluster` is as the definitions call it, empty for their own."""

    cluster: str
    namespace: str


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A folder of the repository that the definitions are in."""

    path: str


@dataclass(frozen=True, slots=True)
class GitSource:
    """A folder of another repository, at a branch, tag or commit."""

    repository: str
    revision: str
    path: str


@dataclass(frozen=True, slots=True)
class ChartSource:
    """A chart of a repository (`repository`) or a registry (`oci`)."""

    name: str
    version: str
    repository: str = ""
    oci: str = ""


Source = LocalSource | GitSource | ChartSource


@dataclass(frozen=True, slots=True)
class Deployment:
    """One app in one place.

    `renderer` is empty where the files of the source say it. `values` are those of a chart, after
    `value_files` (paths as the source has them). `overlay` are keys of a kustomization. `manager` is the
    field manager that the tool writes as. `depends_on` are names of
    definitions of its kind that it waits for.
    """

    app: str
    destination: Destination
    source: Source
    origin: Definition
    manager: str
    renderer: str = ""
    recurse: bool = True
    heals: bool = True
    release: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    value_files: tuple[str, ...] = ()
    overlay: Mapping[str, Any] = field(default_factory=dict)
    ignore: tuple[Mapping[str, Any], ...] = ()
    depends_on: tuple[str, ...] = ()


def app_name(text: str) -> str:
    """A text as the name of an app: lower case, digits, dashes, at most 63."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-") or "app"


def same_repository(one: str, other: str) -> bool:
    """Whether two URLs name the same Git repository: scheme, login and `.git` do not matter."""
    return bool(one) and _bare(one) == _bare(other)


def _bare(url: str) -> str:
    text = re.sub(r"^[a-z0-9+]+://", "", url.strip().lower()).rpartition("@")[2]
    return text.replace(":", "/", 1).removesuffix("/").removesuffix(".git")


def merged(base: Any, over: Any) -> Any:
    """Values of a chart over others, as Helm merges them: mappings key by key, everything else whole."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    result = dict(base)
    for key, value in over.items():
        result[key] = merged(base[key], value) if key in base else value
    return result


def set_parameter(values: dict[str, Any], name: str, value: Any) -> bool:
    """Set `a.b.c` in values; False for a name that is more than keys (lists, escapes)."""
    steps = name.split(".")
    if not all(re.fullmatch(r"[A-Za-z0-9_/-]+", step) for step in steps):
        return False
    place = values
    for step in steps[:-1]:
        inner = place.setdefault(step, {})
        if not isinstance(inner, dict):
            return False
        place = inner
    place[steps[-1]] = value
    return True
