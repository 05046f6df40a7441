"""Files that are there whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file of mode 0600 in one step: whoever reads it, even after a crash, sees all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    temporary.replace(path)


def write_json(path: Path, value: object) -> None:
    """`write_private` of a value as JSON."""
    write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """The value, or None when there is none that can be read."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
