"""The Prefect server as the command line uses it: what runs, what was published, what waits for people."""

import getpass
import json
import os
import socket
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from towpath.errors import MissingPartError, RefusedError, TransientError, UnknownNameError
from towpath.orchestration import keys
from towpath.orchestration.api import NotFoundError, PrefectApi
from towpath.orchestration.delivery.repository import require_repository
from towpath.orchestration.execution import server_clock
from towpath.orchestration.runs import Run, TaskState, run_of, task_of, time_of
from towpath.printable import printable
from towpath.settings import Settings

KNOCK_TIMEOUT = 3.0
"""Seconds to wait for the server's first sign of life."""
PAGE = 200
"""The server's own limit of answers to one query."""
T = TypeVar("T")
Record = Mapping[str, Any]


class Server:
    """Questions and requests to the Prefect server."""

    def __init__(self, api: PrefectApi, repository: tuple[str, str] | None = None) -> None:
        """`repository`: URL and branch of the environment repository that its agents must work on."""
        self._api, self._repository = api, repository
        self._flows: dict[str, str] = {}

    def url(self, run: Run) -> str:
        """The run's page in the UI."""
        return f"{self._api.url.removesuffix('/api')}/runs/flow-run/{run.id}"

    def start(  # noqa: PLR0913
        self,
        deployment: str,
        parameters: Mapping[str, Any],
        *,
        name: str,
        tags: Iterable[str] = (),
        key: str | None = None,
        person: str | None = None,
    ) -> tuple[Run, bool]:
        """Create a run of `FLOW/DEPLOYMENT`; the same `key` gives the same run. True: it is a new one.

        RefusedError, and no run, when its agent works on another environment repository than this one.
        `person`: who asks; by default who is at the keyboard.
        """
        request = str(uuid.uuid4())  # sent again, it creates no second run, and finds the first as its own
        body = {
            "parameters": dict(parameters),
            "name": name,
            "tags": [*tags, keys.person_tag(person or whoami())],
            "labels": {keys.REQUEST_LABEL: request},
            "idempotency_key": key or request,
        }
        found = self._deployment(deployment)
        self.require_agent(keys.environment_of(*deployment.split("/", 1)) or None)
        path = f"/deployments/{found}/create_flow_run"
        answer = self._api.request("POST", path, body)
        run, labels = self._read(path, lambda it: (self._run(it), it.get("labels") or {}), answer.content)
        return run, answer.status == 201 or labels.get(keys.REQUEST_LABEL) == request

    def require_agent(self, environment: str | None) -> None:
        """RefusedError when the agent of an environment (None: that builds) works on another repository."""
        if self._repository is not None:
            require_repository(self._api, environment, *self._repository)

    def run(self, run_id: str) -> Run:
        """The run of that id."""
        try:
            path = f"/flow_runs/{uuid.UUID(run_id)}"
            return self._read(path, self._run, self._api.get(path))
        except (ValueError, NotFoundError) as error:
            raise UnknownNameError("run", run_id) from error

    def by_key(self, wanted: Sequence[str]) -> list[Run]:
        """Runs created with one of these idempotency keys."""
        return self._query({"idempotency_key": {"any_": list(wanted)}}) if wanted else []

    def waiting(self, *, tags: Sequence[str] = ()) -> list[Run]:
        """Runs that wait for a person, the newest first."""
        runs = self.find(keys.PROMOTE, kinds=["PAUSED"], tags=tags)
        return sorted(runs, key=lambda run: str(run.created), reverse=True)

    def soaking(self, *, tags: Sequence[str] = ()) -> list[Run]:
        """Promotions that go on by themselves when their soak time is over, the newest first."""
        return [run for run in self.find(keys.PROMOTE, kinds=["SCHEDULED"], tags=tags) if run.soaks]

    def waiting_with(self, app: str, environment: str, digest: str) -> Run | None:
        """The promotion of this release that waits there, for a person or its soak time; None: none does."""
        tags = [keys.app_tag(app), keys.environment_tag(environment)]
        runs = [run for run in self.waiting(tags=tags) if str(run.pause_key).startswith(keys.APPROVAL)]
        runs += self.soaking(tags=tags)
        return next((run for run in runs if run.parameters.get("digest") == digest), None)

    def find(
        self, flow: str, *, kinds: Sequence[str] = (), tags: Sequence[str] = (), limit: int = PAGE
    ) -> list[Run]:
        """Runs of a flow in one of these states that carry all of these tags, the newest first."""
        return self._query(_narrowed({}, kinds, tags), flow, limit=limit)

    def recent(
        self, flows: Sequence[str], *, kinds: Sequence[str], tags: Sequence[str], limit: int
    ) -> list[Run]:
        """Runs of these flows that were to begin by now, the newest first; states and tags as in `find`."""
        begun = {"expected_start_time": {"before_": server_clock.now().isoformat()}}
        return self._query(_narrowed(begun, kinds, tags), *flows, limit=limit)

    def tasks(self, run: Run) -> list[TaskState]:
        """The task runs of a run in the order in which they began."""
        body = {"flow_runs": {"id": {"any_": [run.id]}}, "limit": PAGE}
        found = self._list("/task_runs/filter", body, lambda task: task_of(task) if task["state"] else None)
        states = [task for task in found if task is not None]
        return sorted(states, key=lambda task: (task.started is None, task.started, task.name))

    def resume(self, run: Run, answer: Mapping[str, Any]) -> None:
        """Answer a waiting run's form, by the UI's own request. RefusedError when it does not take it."""
        path = f"/flow_runs/{run.id}/resume"
        result = self._api.post(path, {"run_input": dict(answer)})
        # The server answers a refusal with 200 as well: only the status tells.
        status, details = self._read(path, lambda it: (it["status"], it.get("details") or {}), result)
        if status != "ACCEPT":
            reason = details.get("reason") or status
            raise RefusedError(f"{run.name} did not take the answer: {reason}", remedy=f"See {self.url(run)}")

    def question(self, run: Run) -> str:
        """The Markdown above a waiting run's form: release, plan, what to do. Empty when there is none."""
        return printable(str(self._input(run, keys.description_key) or ""))

    def refusal(self, run: Run) -> str:
        """Why the last answer to a waiting run did not count; empty when none was refused."""
        return printable(str(self._input(run, keys.verdict_key) or ""))

    def asked(self, run: Run) -> dict[str, str]:
        """What an answer to a waiting run must be about; empty when a former version of Towpath asks."""
        try:
            found = json.loads(str(self._input(run, keys.asked_key) or "{}"))
        except ValueError:
            return {}
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            return {}
        return found

    def report(self, run: Run, key: str) -> str:
        """The Markdown that `run` published under `key`; empty when it published none."""
        body = {"artifacts": {"key": {"any_": [key]}, "flow_run_id": {"any_": [run.id]}}, "limit": 1}
        texts = self._list("/artifacts/filter", body, lambda artifact: artifact.get("data"))
        return printable(str(texts[0])) if texts and texts[0] else ""

    def versions(self, key: str, limit: int) -> list[dict[str, str]]:
        """What was published under `key`, the newest first: `at`, `summary`, `run`, `report` (Markdown)."""
        body = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": limit}
        return self._list("/artifacts/filter", body, _version)

    def table(self, key: str) -> tuple[list[dict[str, Any]], datetime | None]:
        """The rows of the newest table artifact under `key`, and when it was written."""
        body = {"artifacts": {"key": {"any_": [key]}}, "sort": "UPDATED_DESC", "limit": 1}
        return next(iter(self._list("/artifacts/filter", body, _table)), ([], None))

    def deployments(self, flow: str) -> list[str]:
        """Names of a flow's deployments."""
        body = {"flows": {"name": {"any_": [flow]}}}
        return sorted(self._list("/deployments/filter", body, lambda deployment: str(deployment["name"])))

    def _deployment(self, name: str) -> str:
        path = f"/deployments/name/{quote(name)}"
        try:
            return self._read(path, lambda deployment: str(deployment["id"]), self._api.get(path))
        except NotFoundError as error:
            raise MissingPartError(
                f"the Prefect server has no deployment {name}",
                remedy="`prefect --no-prompt deploy --all` creates those of prefect.yaml"
                " (`towpath local up` does; `towpath deployments` writes the file).",
            ) from error

    def _input(self, run: Run, key: Callable[[str], str]) -> Any:
        """What belongs to the suspension of a run; None when there is nothing."""
        if run.pause_key is None:
            return None
        try:
            return self._api.get(f"/flow_runs/{run.id}/input/{quote(key(run.pause_key))}")
        except NotFoundError:
            return None

    def _query(self, wanted: Record, *flows: str, limit: int = PAGE) -> list[Run]:
        body = {"flow_runs": dict(wanted), "sort": "EXPECTED_START_TIME_DESC", "limit": limit}
        body |= {"flows": {"name": {"any_": list(flows)}}} if flows else {}
        flow = flows[0] if len(flows) == 1 else ""
        return self._list("/flow_runs/filter", body, lambda run: self._run(run, flow))

    def _list(self, path: str, body: Record, read: Callable[[Record], T]) -> list[T]:
        answer = self._api.post(path, body)
        return self._read(path, lambda records: [read(record) for record in records], answer)

    def _run(self, run: Record, flow: str = "") -> Run:
        if not flow:
            flow_id = str(run["flow_id"])
            if flow_id not in self._flows:
                self._flows[flow_id] = str(self._api.get(f"/flows/{flow_id}")["name"])
            flow = self._flows[flow_id]
        return run_of(run, flow)

    def _read(self, path: str, read: Callable[[Any], T], answer: Any) -> T:
        try:
            return read(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._api.strange(path, error) from error


def _narrowed(wanted: Record, kinds: Sequence[str], tags: Sequence[str]) -> Record:
    of_kinds = {"state": {"type": {"any_": list(kinds)}}} if kinds else {}
    return {**wanted, **of_kinds, **({"tags": {"all_": list(tags)}} if tags else {})}


def _version(artifact: Record) -> dict[str, str]:
    created = time_of(artifact.get("created"))
    return {
        "at": created.isoformat() if created else "",
        "summary": printable(artifact.get("description") or ""),
        "run": str(artifact.get("flow_run_id") or ""),
        "report": printable(str(artifact.get("data") or "")),
    }


def _table(artifact: Record) -> tuple[list[dict[str, Any]], datetime | None]:
    rows, updated = artifact.get("data"), time_of(artifact.get("updated"))
    return json.loads(rows) if isinstance(rows, str) else list(rows or []), updated


@contextmanager
def connect(settings: Settings) -> Iterator[Server]:
    """The server of `PREFECT_API_URL` or of the local stack. Never starts one just for the call."""
    api = PrefectApi(prepare(settings, knock=True))
    try:
        yield Server(api, (settings.environments, settings.branch) if settings.environments else None)
    finally:
        api.close()


def require_agent(settings: Settings, environment: str | None) -> None:
    """RefusedError when the agent that would do the work works on another environment repository.

    Asked before anything else is read, because what is read of another repository misleads. A server that
    does not answer is told later, by whoever needs it.
    """
    if not settings.environments:
        return
    with suppress(MissingPartError, TransientError), connect(settings) as server:
        server.require_agent(environment)


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
    except (OSError, KeyError, ImportError):  # a user without a name: in a container, on Windows
        return "unknown"


def _knock(url: str) -> None:
    """Fail fast when nobody listens."""
    if not url.startswith(("http://", "https://")):
        raise MissingPartError(
            f"PREFECT_API_URL is {url!r}", remedy="It reads like http://127.0.0.1:4200/api."
        )
    try:
        # A connection is enough: a server that is busy answers late, and the real request waits for that.
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=KNOCK_TIMEOUT).close()
    except (OSError, ValueError) as error:
        raise MissingPartError(
            f"the Prefect server at {url} does not answer: {error}",
            remedy="Start it with `towpath local up`, or set PREFECT_API_URL to one that runs.",
        ) from error
