"""The names in `towpath.yaml`, read without the rest of it: which apps, which environments.

For what needs no more than that: the whole file is checked by models that are slow to import.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath.errors import TowpathError
from towpath.formats.versions import CONFIG, VERSION_KEY, known_version
from towpath.yamltext.config_reader import read_document

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Outline:
    """`apps`: name -> whether it has images. `environments`: names, in the order of promotion: no graph."""

    apps: Mapping[str, bool]
    environments: tuple[str, ...]


def read_outline(text: str) -> Outline | None:
    """The names in the text of a `towpath.yaml`; None where the whole file must be read to tell what it says.

    Whether the rest of the file is sound is not looked at.
    """
    try:
        data = read_document(text, CONFIG).data
    except TowpathError:
        return None
    if not isinstance(data, dict) or known_version(data.get(VERSION_KEY)) is None:
        return None
    apps, environments = data.get("apps"), data.get("environments")
    if not isinstance(apps, dict) or not isinstance(environments, list):
        return None
    names = [each.get("name") if isinstance(each, dict) else None for each in environments]
    if not all(map(_is_name, [*apps, *names])) or len(set(names)) < len(names):
        return None
    if not all(isinstance(app, dict) for app in apps.values()) or any(
        "after" in each for each in environments
    ):
        return None
    return Outline({name: _has_images(app) for name, app in apps.items()}, tuple(map(str, names)))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _has_images(app: Mapping[str, Any]) -> bool:
    return app.get("image") is not None or bool(app.get("images"))
