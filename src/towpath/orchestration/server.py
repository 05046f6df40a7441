"""The Prefect server, as the command line uses it. Importing this is cheap; `connect` imports Prefect."""

import getpass
import json
import os
import socket
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from towpath.errors import MissingPartError, RefusedError, TransientError, UnknownNameError
from towpath.orchestration.runs import Run, TaskState, run_of, task_of
from towpath.printable import printable
from towpath.settings import Settings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

KNOCK_TIMEOUT = 3.0
"""Seconds to wait for the server's first sign of life."""
PAGE = 200
"""The server's own limit of answers to one query."""


class Server:
    """Questions and requests to the Prefect server."""

    def __init__(self, client: "SyncPrefectClient", api_url: str) -> None:
        self._client = client
        self._api_url = api_url
        self._flows: dict[str, str] = {}

    def url(self, run: Run) -> str:
        """The run's page in the UI."""
        return f"{self._api_url.removesuffix('/').removesuffix('/api')}/runs/flow-run/{run.id}"

    def start(
        self,
        deployment: str,
        parameters: Mapping[str, Any],
        *,
        name: str,
        tags: Iterable[str] = (),
        key: str | None = None,
    ) -> tuple[Run, bool]:
        """Create a run of `FLOW/DEPLOYMENT`; the same `key` gives the same run. True: it is a new one."""
        from prefect.states import Scheduled

        found = self._deployment(deployment)
        if key is not None and (known := self.by_key([key])):
            return known[0], False
        created = self._client.create_flow_run_from_deployment(
            found,
            parameters=dict(parameters),
            state=Scheduled(),
            name=name,
            tags=[*tags, f"by:{whoami()}"],
            idempotency_key=key,
        )
        return self._run(created), True

    def run(self, run_id: str) -> Run:
        """The run of that id."""
        from prefect.exceptions import ObjectNotFound

        try:
            return self._run(self._client.read_flow_run(UUID(run_id)))
        except (ValueError, ObjectNotFound) as error:
            raise UnknownNameError("run", run_id) from error

    def by_key(self, keys: Sequence[str]) -> list[Run]:
        """Runs created with one of these idempotency keys."""
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey

        if not keys:
            return []
        wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=list(keys)))
        return self._query(wanted)

    def waiting(self, *, tags: Sequence[str] = ()) -> list[Run]:
        """Runs that wait for a person, the newest first."""
        found = self.find("promote", kinds=["PAUSED"], tags=tags)
        return sorted(found, key=lambda run: str(run.created), reverse=True)

    def find(
        self, flow: str, *, kinds: Sequence[str] = (), tags: Sequence[str] = (), limit: int = PAGE
    ) -> list[Run]:
        """Runs of a flow in one of these states that carry all of these tags, the newest first."""
        from prefect.client.schemas.filters import (
            FlowFilter,
            FlowFilterName,
            FlowRunFilter,
            FlowRunFilterState,
            FlowRunFilterStateType,
            FlowRunFilterTags,
        )
        from prefect.client.schemas.objects import StateType

        wanted = FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType(kind) for kind in kinds]))
            if kinds
            else None,
            tags=FlowRunFilterTags(all_=list(tags)) if tags else None,
        )
        return self._query(wanted, FlowFilter(name=FlowFilterName(any_=[flow])), limit)

    def tasks(self, run: Run) -> list[TaskState]:
        """The task runs of a run in the order in which they began."""
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

        found = self._client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run.id)])), limit=PAGE
        )
        states = [task_of(task) for task in found if task.state is not None]
        return sorted(states, key=lambda task: (task.started is None, task.started, task.name))

    def resume(self, run: Run, answer: Mapping[str, Any]) -> None:
        """Answer a waiting run's form, by the UI's own request. RefusedError when it does not take it."""
        result = self._client.resume_flow_run(UUID(run.id), run_input=dict(answer))
        # The server answers a refusal with 200 as well: only the status tells.
        if result.status.value != "ACCEPT":
            reason = getattr(result.details, "reason", None) or result.status.value
            raise RefusedError(f"{run.name} did not take the answer: {reason}", remedy=f"See {self.url(run)}")

    def question(self, run: Run) -> str:
        """The Markdown above a waiting run's form: release, plan, what to do. Empty when there is none."""
        return printable(str(self._input(run, f"suspended-{run.pause_key}-description") or ""))

    def form(self, run: Run) -> dict[str, Any]:
        """The JSON Schema of a waiting run's form."""
        schema = self._input(run, f"suspended-{run.pause_key}-schema")
        return schema if isinstance(schema, dict) else {}

    def report(self, run: Run, key: str) -> str:
        """The Markdown that `run` published under `key`; empty when it published none."""
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

        found = self._client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=[key]), flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run.id)])
            ),
            limit=1,
        )
        return printable(str(found[0].data)) if found and found[0].data else ""

    def versions(self, key: str, limit: int) -> list[dict[str, str]]:
        """What was published under `key`, the newest first: `at`, `summary`, `run`, `report` (Markdown)."""
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
        from prefect.client.schemas.sorting import ArtifactSort

        found = self._client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            sort=ArtifactSort.CREATED_DESC,
            limit=limit,
        )
        return [
            {
                "at": each.created.isoformat() if each.created else "",
                "summary": printable(each.description or ""),
                "run": str(each.flow_run_id or ""),
                "report": printable(str(each.data or "")),
            }
            for each in found
        ]

    def table(self, key: str) -> tuple[list[dict[str, Any]], datetime | None]:
        """The rows of the newest table artifact under `key`, and when it was written."""
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
        from prefect.client.schemas.sorting import ArtifactSort

        found = self._client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            sort=ArtifactSort.UPDATED_DESC,
            limit=1,
        )
        if not found:
            return [], None
        rows = found[0].data
        return (json.loads(rows) if isinstance(rows, str) else list(rows or [])), found[0].updated

    def deployments(self, flow: str) -> list[str]:
        """Names of a flow's deployments."""
        from prefect.client.schemas.filters import FlowFilter, FlowFilterName

        found = self._client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])))
        return sorted(deployment.name for deployment in found)

    def _deployment(self, name: str) -> UUID:
        from prefect.exceptions import ObjectNotFound

        try:
            return self._client.read_deployment_by_name(name).id
        except ObjectNotFound as error:
            raise MissingPartError(
                f"the Prefect server has no deployment {name}",
                remedy="`prefect --no-prompt deploy --all` creates those of prefect.yaml"
                " (`towpath local up` does; `towpath deployments` writes the file).",
            ) from error

    def _input(self, run: Run, key: str) -> Any:
        from prefect.exceptions import PrefectHTTPStatusError

        try:
            # The value is JSON inside of the answer's JSON.
            return json.loads(self._client.read_flow_run_input(UUID(run.id), key))
        except PrefectHTTPStatusError as error:
            if error.response.status_code == 404:
                return None
            raise

    def _query(self, wanted: Any, flow: Any = None, limit: int = PAGE) -> list[Run]:
        from prefect.client.schemas.sorting import FlowRunSort

        found = self._client.read_flow_runs(
            flow_filter=flow, flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=limit
        )
        return [self._run(run) for run in found]

    def _run(self, run: "FlowRun") -> Run:
        flow_id = str(run.flow_id)
        if flow_id not in self._flows:
            self._flows[flow_id] = self._client.read_flow(run.flow_id).name
        return run_of(run, self._flows[flow_id])


@contextmanager
def connect(settings: Settings) -> Iterator[Server]:
    """The server of `PREFECT_API_URL` or of the local stack. Never starts one just for the call."""
    url = prepare(settings, knock=True)
    # Its log lines about retries are for people who operate Prefect, not for this command's user.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    import httpx
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            yield Server(client, url)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        remedy = "PREFECT_API_AUTH_STRING must hold its credentials." if status in (401, 403) else None
        raise TransientError(f"the Prefect server at {url} answered {status}", remedy=remedy) from error
    except httpx.TransportError as error:
        raise TransientError(
            f"the Prefect server at {url} stopped answering: {error}",
            remedy="The run goes on where it was. `towpath local status` shows the local stack.",
        ) from error


def prepare(settings: Settings, *, knock: bool = False) -> str:
    """Make the environment such that Prefect, once imported, talks to that server alone. Its API's URL."""
    url = settings.prefect_api_url
    if not url:
        raise MissingPartError(
            "no Prefect server is known",
            remedy="Start everything on this machine with `towpath local up`, or set PREFECT_API_URL.",
        )
    if knock:
        _knock(url)
    settings.export(os.environ)
    os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
    return url


def whoami() -> str:
    """The login name of the person at the keyboard, for a run's `by:` tag."""
    try:
        return os.environ.get("TOWPATH_ACTOR") or getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"


def _knock(url: str) -> None:
    """Fail fast, before Prefect is imported, when nobody listens."""
    if not url.startswith(("http://", "https://")):
        raise MissingPartError(
            f"PREFECT_API_URL is {url!r}", remedy="It reads like http://127.0.0.1:4200/api."
        )
    try:
        # A connection is enough: a server that is busy answers late, and the real request waits for that.
        parts = urllib.parse.urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=KNOCK_TIMEOUT).close()
    except (OSError, ValueError) as error:
        raise MissingPartError(
            f"the Prefect server at {url} does not answer: {error}",
            remedy="Start it with `towpath local up`, or set PREFECT_API_URL to one that runs.",
        ) from error
