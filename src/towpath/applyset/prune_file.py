"""`prune.yaml`: the deletions that a person confirmed by a commit, for exactly the listed objects.

    apiVersion: towpath.dev/v2
    reason: hello moved to another cluster
    objects:
    - {kind: PersistentVolumeClaim, namespace: prod, name: data, uid: 0d5c2f6e-…}

`towpath plan APP ENVIRONMENT --confirm` prints it. The uid binds a confirmation to one object: a new object
of the same name needs a new one.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from towpath.files import read_text
from towpath.formats.record import RecordForm, read_record, write_record
from towpath.formats.versions import PRUNE, VERSION_KEY, FileVersion
from towpath.objects import ObjectRef
from towpath.yamltext.config_reader import config_error

PRUNE_FILE = PRUNE
_OBJECT_KEYS = ("group", "kind", "namespace", "name", "uid")
FORM = RecordForm(
    PRUNE,
    {VERSION_KEY: {}, "reason": {}, "objects": {"*": {key: {} for key in _OBJECT_KEYS}}},
    head="# Deletions that are meant. Commit this file beside release.yaml; remove it when they are done.\n",
)
ConfirmedDeletions = Mapping[ObjectRef, str]
"""Object -> the uid that it must have to be deleted."""


def prune_path(app: str, environment: str) -> str:
    """The path of an app's `prune.yaml` in the environment repository."""
    return f"apps/{app}/{environment}/{PRUNE_FILE}"


def load_confirmed_deletions(root: Path, app: str, environment: str) -> dict[ObjectRef, str]:
    """The confirmed deletions of a checkout; none without the file. Raises ConfigError with file and line."""
    path = prune_path(app, environment)
    text = read_text(root, path)
    return {} if text is None else parse_prune_file(text, path)


def parse_prune_file(text: str, file: str = PRUNE_FILE) -> dict[ObjectRef, str]:
    """Parse the text of a `prune.yaml` of any known version; `file` is its name in errors."""
    record = read_record(text, file, FORM)
    data = record.data
    if data is None or set(data) - {"reason"} != {"objects"}:
        raise config_error([(1, "must have `objects`, and may have `reason`")], file)
    objects = data["objects"]
    if not isinstance(objects, list) or not isinstance(data.get("reason", ""), str):
        raise config_error([(1, "`objects` must be a list, and `reason` a text")], file)
    problems = [
        (
            record.line(("objects", index)),
            "must have the texts `kind`, `name` and `uid`, and may have `group` and `namespace`",
        )
        for index, item in enumerate(objects)
        if not _is_object(item)
    ]
    if problems:
        raise config_error(problems, file)
    return {
        ObjectRef(item.get("group", ""), item["kind"], item.get("namespace", ""), item["name"]): item["uid"]
        for item in objects
    }


def dump_prune_file(objects: Iterable[tuple[ObjectRef, str]], version: FileVersion, reason: str = "") -> str:
    """The text of a `prune.yaml` for (object, uid) pairs."""
    listed = []
    for ref, uid in objects:
        entry = {
            "group": ref.group,
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": uid,
        }
        listed.append({key: value for key, value in entry.items() if value})
    data = ({"reason": reason} if reason else {}) | {"objects": listed}
    return write_record(data, version, FORM)


def _is_object(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and {"kind", "name", "uid"} <= set(item) <= set(_OBJECT_KEYS)
        and all(isinstance(value, str) for value in item.values())
        and all(item[key] for key in ("kind", "name", "uid"))
    )
