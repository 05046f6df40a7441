"""Flow runs of `reconcile` that run in this process: made from the deployment, as a worker's, and seen there.

What a worker's run costs beside its work is left out: no program is started, no code fetched.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.context import SyncClientContext
from prefect.exceptions import PrefectException
from prefect.flow_engine import run_flow_sync
from prefect.states import Crashed, Running

from towpath.engine.reconcile.loop import listening
from towpath.engine.reconcile.result import ReconcileResult
from towpath.engine.reconcile.rounds import Further, going_on, only_one
from towpath.engine.watch.run_protocol import Ended, Unrecorded
from towpath.errors import TowpathError, TransientError
from towpath.orchestration import keys
from towpath.orchestration.api import HeldError, NotFoundError, PrefectApi
from towpath.orchestration.execution.heartbeats import EVERY, beat
from towpath.orchestration.execution.known_answers import answer_here
from towpath.orchestration.execution.lease import SECONDS, kept
from towpath.orchestration.execution.turn import turn
from towpath.orchestration.installed_flows import installed_flow
from towpath.orchestration.profile import with_settings
from towpath.redact import redact

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

LAST_ANSWER = 5.0
"""Seconds that the server has to say which run it has made, when this process ends meanwhile."""
GIVE_WAY = 0.1
"""Seconds in which a run of this machine that waits for the lock gets it: it looks twice as often."""
QUICK = 5.0
"""Seconds that the server has for a question whose answer is only good when it is quick."""
SLOW = 30.0
"""Seconds that it has to give the lock: an answer that nobody waits for leaves it locked until it expires."""


class InProcessRuns:
    """One environment's. All methods but `tend` are called by one thread, which entered the object."""

    def __init__(
        self, url: str, environment: str, cache: Path, say: Callable[[str], None], agent: str = ""
    ) -> None:
        """`cache`: the agent's, which its other runs have, too; `agent`: the name of the worker beside it."""
        self._environment, self._cache, self._say, self._agent = environment, cache, say, agent
        self._title = keys.deployment(keys.RECONCILE, environment)
        self._api = PrefectApi(url, read_timeout=QUICK, retries=0)
        self._locks = PrefectApi(url, read_timeout=SLOW, retries=0)
        self._deployment: DeploymentResponse | None = None
        self._lease: UUID | None = None
        self._released = float("-inf")
        self._current: str = ""
        self._orphan: str = ""
        self._beat = 0.0
        self._abandoned = False
        self._lock = threading.Lock()
        self._open = contextlib.ExitStack()
        self._client_is_open = False

    @contextlib.contextmanager
    def warm(self) -> Iterator[None]:
        """Keep the client open between runs, and leave out what only a run of its own process needs.

        A server that is away is no error: the client is opened when there is something to run.
        """
        # A heartbeat of the engine's own would make each run wait a second for its thread: see `tend`.
        with with_settings(flows={"heartbeat_frequency": None}, client={"max_retries": 2}), self._open:
            with contextlib.suppress(*_AWAY):
                self._load()
            yield

    @property
    def current(self) -> str:
        """The id of the run that is under way; empty when none is."""
        return self._current

    @contextlib.contextmanager
    def locked(self) -> Iterator[bool | None]:
        """As Runner."""
        name = keys.lock_name(self._environment)
        time.sleep(max(0.0, self._released + GIVE_WAY - time.monotonic()))
        with turn(self._cache, name) as mine:
            taken = self._take(name) if mine() else False
            if not isinstance(taken, UUID):
                yield taken
                return
            self._lease = taken
            try:
                with kept(get_client(sync_client=True), name, taken):
                    yield True
            finally:
                self._lease = None
        self._released = time.monotonic()

    def _take(self, name: str) -> UUID | bool | None:
        """The lease that the server gives; True where there is no such lock, of which the run tells.

        False, too, where the server does not answer and is not away: it is asked again. Nobody works without
        the lock because one request was lost.
        """
        ask = {"names": [name], "slots": 1, "mode": "concurrency", "lease_duration": SECONDS}
        try:
            given = self._locks.post("/v2/concurrency_limits/increment-with-lease", ask)
            return UUID(given["lease_id"]) if given["limits"] else True
        except HeldError:
            return False
        except (TowpathError, KeyError, TypeError, ValueError):  # busy, away, or a proxy answers in its place
            return None if self.is_away() else False

    def is_away(self) -> bool:
        """As Runner."""
        name = keys.lock_name(self._environment)
        try:
            return "active_slots" not in self._api.get(f"/v2/concurrency_limits/{name}")
        except NotFoundError:
            return False
        except (TransientError, TypeError):
            return True

    def run(self, apps: Sequence[str] | None, further: Further = only_one) -> Ended | None:
        """As Runner."""
        run: FlowRun | None = None
        concluded: list[ReconcileResult] = []
        try:
            deployment, flow = self._load(), installed_flow(keys.RECONCILE)
            parameters = {"environment": self._environment, "apps": None if apps is None else list(apps)}
            with self._lock:  # until the run is known that the server has: whoever abandons waits for it
                if self._abandoned:
                    return None
                run = self._create(deployment, parameters, Running())
                self._current, self._beat = str(run.id), 0.0
            self.tend()
            with listening(concluded.append), going_on(further):
                # Without the deployment's id in hand the engine opens no channel for being suspended, which a
                # reconcile never is; the flow's body knows the deployment all the same.
                seen = run.model_copy(update={"deployment_id": None})
                answer_here(get_client(sync_client=True), seen, run.deployment_id, begun=True)
                state = run_flow_sync(flow, flow_run=seen, parameters=parameters, return_type="state")
        except TowpathError as error:
            return Ended(error.message, failed=True, again=error.transient)
        except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and the watching goes on
            return self._broken(run, error, concluded)
        finally:
            with self._lock:
                self._current = ""
        return _ended(cast("State[Any]", state), concluded)

    def _broken(
        self, run: "FlowRun | None", error: Exception, concluded: list[ReconcileResult]
    ) -> Ended | None:
        self._deployment = None  # it may be another one by now
        if not self.is_away():
            return Ended(f"the run broke off: {redact(str(error))}", failed=True, again=True)
        self._orphan = str(run.id) if run is not None else ""
        if not concluded:
            return None
        return _ended_of(concluded[-1])

    def record(self, past: Unrecorded) -> bool:
        """As Runner."""
        kind, name = (StateType.FAILED, "Failed") if past.failed else (StateType.COMPLETED, "Completed")
        when = f"{past.started:%Y-%m-%d %H:%M:%S} to {past.ended:%H:%M:%S} UTC"
        message = f"{past.summary}\nWhile the Prefect server or Git was away, {when}."
        state: State[Any] = State(type=kind, name=name, message=redact(message))
        try:
            client = get_client(sync_client=True)
            if self._orphan:
                client.set_flow_run_state(UUID(self._orphan), state, force=True)
                self._orphan = ""
            else:
                deployment = self._load()
                parameters = {"environment": self._environment, "apps": list(past.apps) or None}
                self._create(deployment, parameters, state)
        except _AWAY:
            return False
        self._say(f"recorded: {past.summary.partition(chr(10))[0]}")
        return True

    def tend(self) -> None:
        """Send the current run's heartbeat when it is time: a run whose heartbeats end is marked Crashed."""
        with self._lock:
            run, due = self._current, time.monotonic() - self._beat >= EVERY
            if not run or not due:
                return
            self._beat = time.monotonic()
        beat(run, self._title)

    def abandon(self, why: str) -> None:
        """Mark the run that is under way as crashed, and begin none: this process ends."""
        self._abandoned = True
        known = self._lock.acquire(timeout=LAST_ANSWER)
        run = self._current
        if known:
            self._lock.release()
        if run:
            with contextlib.suppress(*_AWAY), get_client(sync_client=True) as client:
                client.set_flow_run_state(UUID(run), Crashed(message=why), force=True)

    def health(self) -> dict[str, str] | None:
        """Each app's health, as the environment's table says; None while nobody says."""
        key = keys.status_key(self._environment)
        with contextlib.suppress(TowpathError, ValueError, KeyError, TypeError):
            data = self._api.get(f"/artifacts/{key}/latest")["data"]
            rows = json.loads(data) if isinstance(data, str) else data
            return {str(row["app"]): str(row["health"]) for row in rows}
        return None

    def last_success(self) -> float | None:
        """Unix time at which the newest reconcile that succeeded has ended; None while nobody says."""
        query = {
            "flows": {"name": {"any_": [keys.RECONCILE]}},
            "flow_runs": {
                "tags": {"all_": [keys.environment_tag(self._environment)]},
                "state": {"type": {"any_": ["COMPLETED"]}},
            },
            "sort": "END_TIME_DESC",
            "limit": 1,
        }
        with contextlib.suppress(TowpathError, ValueError, KeyError, TypeError, IndexError):
            newest = self._api.post("/flow_runs/filter", query)[0]
            return datetime.fromisoformat(newest["end_time"]).timestamp()
        return None

    def _load(self) -> "DeploymentResponse":
        """The deployment, asked once. What it says of code is not obeyed: the installed flow is run."""
        if not self._client_is_open:
            self._open.enter_context(SyncClientContext.get_or_create())
            self._client_is_open = True
        if self._deployment is None:
            self._deployment = get_client(sync_client=True).read_deployment_by_name(self._title)
        return self._deployment

    def _create(
        self, deployment: "DeploymentResponse", parameters: dict[str, Any], state: "State[Any]"
    ) -> "FlowRun":
        # Begun as Running: a scheduled run would be taken by the worker, a pending one would be cancelled
        # while a scheduled reconcile is on its way. What keeps them apart is the environment's lock.
        labels: dict[str, bool | int | float | str] = {keys.WORKER_LABEL: self._agent} if self._agent else {}
        labels |= {keys.LEASE_LABEL: str(self._lease)} if self._lease else {}
        return get_client(sync_client=True).create_flow_run_from_deployment(
            deployment.id,
            parameters=parameters,
            state=state,
            name=keys.reconcile_name(self._environment),
            tags=[keys.environment_tag(self._environment), keys.WATCH_TAG],
            labels=labels or None,
        )


_AWAY = (httpx.HTTPError, PrefectException, OSError, RuntimeError)


def _ended(state: "State[Any]", concluded: list[ReconcileResult]) -> Ended:
    failed = not state.is_completed()
    if not concluded:
        # It did not come as far: Git, the cluster or the lock could not be had.
        return Ended(state.message or str(state.name), failed=failed, again=failed)
    return Ended(
        state.message or str(state.name),
        failed=failed,
        again=failed and any(each.transient for each in concluded[-1].outcomes),
        done=concluded[-1],
    )


def _ended_of(done: ReconcileResult) -> Ended:
    again = any(each.transient for each in done.outcomes)
    return Ended(done.summary(), failed=bool(done.failures), again=again, done=done)
