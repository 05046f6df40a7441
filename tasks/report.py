"""Artifacts in the Prefect UI: stable keys, Markdown or tables, nothing unredacted."""

import json
from collections.abc import Sequence
from typing import Any, cast

from prefect.artifacts import Artifact, create_markdown_artifact, create_table_artifact

from tasks.server_errors import asking_again
from towpath.redact import redact


def report(key: str, markdown: str, description: str) -> None:
    """Publish Markdown under `key`."""
    with asking_again():
        create_markdown_artifact(redact(markdown), key=key, description=description)


def read_report(key: str) -> str:
    """The newest Markdown under `key`; empty when there is none."""
    return _newest(key)


def read_table(key: str) -> list[dict[str, Any]]:
    """The rows of the newest table under `key`; none when there is no such table."""
    return list(json.loads(_newest(key) or "[]"))


def write_table(key: str, rows: Sequence[dict[str, Any]], description: str) -> None:
    """Publish a table under `key`."""
    with asking_again():
        create_table_artifact(json.loads(redact(json.dumps(list(rows)))), key=key, description=description)


def _newest(key: str) -> str:
    with asking_again():
        newest = cast(Artifact | None, Artifact.get(key))
    return str(newest.data or "") if newest is not None else ""
