"""The Kubernetes versions with known schemas: a file each, written by tools/kubernetes_schemas.py."""

import functools
import json
import lzma
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath.errors import UnknownNameError
from towpath.objects import group_of

_DATA = Path(__file__).parent / "data"
_SUFFIX = ".json.xz"
_VERSION = re.compile(r"v?(1\.[0-9]{1,3})(\.[0-9]+.*)?\Z")
Schema = dict[str, Any]
TypeName = tuple[str, str]
"""(apiVersion, kind)"""


@dataclass(frozen=True, slots=True)
class ApiSchemas:
    """What an API server of one version serves. `definitions` are JSON Schemas that name each other."""

    version: str
    kinds: Mapping[TypeName, str]
    definitions: Mapping[str, Schema]
    groups: frozenset[str]

    def served(self, group: str, kind: str) -> list[str]:
        """The API versions that serve this kind: in its group, else in the group that it moved to."""
        named = [api_version for api_version, each in self.kinds if each == kind]
        return [each for each in named if group_of(each) == group] or named


def known_versions() -> list[str]:
    """All versions that have a file, the newest last."""
    names = (file.name.removesuffix(_SUFFIX) for file in _DATA.glob(f"*{_SUFFIX}"))
    return sorted(names, key=lambda name: [int(part) for part in name.split(".")])


def resolve_version(named: str | None) -> str:
    """The known version that is meant: `1.35`, `v1.35` or `1.35.4`; None means the newest one."""
    known = known_versions()
    if named is None:
        return known[-1]
    match = _VERSION.match(named)
    if not match or match[1] not in known:
        raise UnknownNameError("Kubernetes version", named, known)
    return match[1]


def nearest_version(named: str) -> str:
    """The known version nearest to another one that is written as one."""
    minor = int(named.lstrip("v").split(".")[1])
    return min(known_versions(), key=lambda known: abs(int(known.split(".")[1]) - minor))


@functools.cache
def load_schemas(version: str) -> ApiSchemas:
    """The schemas of a version of `known_versions`."""
    data = json.loads(lzma.decompress((_DATA / f"{version}{_SUFFIX}").read_bytes()))
    names = (name.split(" ") for name in data["kinds"])
    kinds = {(api_version, kind): data["kinds"][f"{api_version} {kind}"] for api_version, kind in names}
    groups = frozenset(group_of(api_version) for api_version, _ in kinds)
    return ApiSchemas(version, kinds, data["definitions"], groups)
