"""Artifacts in the Prefect UI: stable keys, Markdown or tables, nothing unredacted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from prefect.artifacts import Artifact, create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import Artifact as ArtifactResponse

from tasks.runs.server_errors import asking_again
from towpath.redact import redact, redact_data


@dataclass(frozen=True, slots=True)
class Table:
    """The newest version of a table: its id on the server (empty: there is none) and its rows."""

    id: str = ""
    rows: tuple[dict[str, Any], ...] = ()


def report(key: str, markdown: str, description: str) -> str:
    """Publish Markdown under `key`; its page in the Prefect UI, as a path."""
    with asking_again():
        made = create_markdown_artifact(redact(markdown), key=key, description=redact(description))
    return f"/artifacts/artifact/{made}"


def read_report(key: str) -> str:
    """The newest Markdown under `key`; empty when there is none."""
    return _newest(key)


def read_table(key: str) -> Table:
    """The newest table under `key`; one without rows when there is no such table."""
    with asking_again():
        newest = cast(ArtifactResponse | None, Artifact.get(key))
    if newest is None:
        return Table()
    return Table(str(newest.id), tuple(json.loads(str(newest.data or "[]"))))


def write_table(key: str, rows: Sequence[dict[str, Any]], description: str) -> None:
    """Publish a table under `key`."""
    with asking_again():
        create_table_artifact(redact_data(list(rows)), key=key, description=redact(description))


def renew_table(table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows in the place of the table's own: no new version of it, and no event."""
    with asking_again(), get_client(sync_client=True) as client:
        # The client's own method would send all rows as an event, each time.
        client.request(
            "PATCH",
            "/artifacts/{id}",
            json={"data": json.dumps(redact_data(list(rows)))},
            path_params={"id": table.id},
        )


def _newest(key: str) -> str:
    with asking_again():
        newest = cast(Artifact | None, Artifact.get(key))
    return str(newest.data or "") if newest is not None else ""
