"""Writes files atomically: a reader sees the whole content or none."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from towpath.local.common.system import effective_user


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file of mode 0600 atomically, also with respect to a crash. It keeps its owner."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        _keep_owner(path, file.fileno())
    temporary.replace(path)


def _keep_owner(path: Path, descriptor: int) -> None:
    if effective_user() != 0:  # nobody else may give a file away
        return
    with contextlib.suppress(FileNotFoundError):
        before = path.lstat()
        os.fchown(descriptor, before.st_uid, before.st_gid)


def write_json(path: Path, value: object) -> None:
    """`write_private` of a value as JSON."""
    write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """The value of a JSON file; None when it is missing or not JSON."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
