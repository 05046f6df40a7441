"""Candidate edits of a chart's `values.yaml`."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from towpath.drift.adoption import AdoptableChange, value_at
from towpath.objects import Manifest
from towpath.overlay.texts import Edit, Edits, Overlay, read_mapping, set_value
from towpath.yamltext.manifest_reader import load_document
from towpath.yamltext.path import YamlPath
from towpath.yamltext.style import inline

_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
MAX_VALUES = 20
"""Values of a chart that are tried for one field."""


def edits(overlay: Overlay, change: AdoptableChange, _rendered: Manifest) -> Iterator[Edit]:
    """An edit of every value that equals the field in Git; a rendering shows which one makes the field."""
    if change.live is None or isinstance(change.live, dict | list):
        return
    file = f"{overlay.folder}/values.yaml"
    own = read_mapping(overlay, file) if file in overlay.files else {}
    default = f"{overlay.base}/values.yaml"
    defaults = read_mapping(overlay, default) if default in overlay.files else {}
    paths = dict.fromkeys(
        path for values in (own, defaults) for path, value in _leaves(values) if _same(value, change.git)
    )
    for path in list(paths)[:MAX_VALUES]:
        overridden = value_at(own, path)
        if overridden is not None and not _same(overridden, change.git):
            continue
        if path[0] == "image" and len(path) > 1 and path[1] in ("repository", "digest", "tag"):
            continue  # promotions set these
        current = value_at(defaults, path) if overridden is None else overridden
        yield partial(_set_values, overlay, file, current, path, change.live)


def _same(left: Any, right: Any) -> bool:
    return left is not None and (left == right if type(left) is type(right) else str(left) == str(right))


def _leaves(value: Any, path: YamlPath = ()) -> Iterator[tuple[YamlPath, Any]]:
    """(path, value) of every scalar that is not inside of a list, because a list is replaced as a whole."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif path and not isinstance(value, list):
        yield path, value


def _set_values(overlay: Overlay, file: str, current: Any, path: YamlPath, value: Any) -> Edits:
    """Keep the type of the current value where possible, because a chart may compare it."""
    if isinstance(current, str) and not isinstance(value, str):
        value = inline(value)
    elif isinstance(current, int | float) and isinstance(value, str):
        read = load_document(f"v: {value}\n", file)["v"] if _PLAIN_NUMBER.fullmatch(value) else value
        value = read if str(read) == value else value
    return set_value(overlay, file, path, value)
