"""Canary runs: flow runs by which agents in pods show that they work. One is made for each, and waited for.

Such a run is in no work pool, so that no worker takes it: the agent in the pod that it names does, also while
it stands by (`towpath.agent.answering`), and an agent of a version that knows nothing of it never sees it.
"""

import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from towpath.engine.verify.agents import AgentPod
from towpath.errors import TowpathError
from towpath.orchestration import keys
from towpath.orchestration.api import NotFoundError, PrefectApi
from towpath.orchestration.runs import Run, run_of

HOST_LENGTH = 63
"""Characters of a host name: Kubernetes calls a pod's host by its name, and cuts off what is longer."""
SECONDS = 60.0
"""How long agents that are ready have to show that they work."""
AGAIN = 1.0
NO_POD = "no pod of them is there"


def host_of(pod: str) -> str:
    """The name that a pod's host has. Pure."""
    return pod[:HOST_LENGTH].rstrip("-.")


class CanaryRuns:
    """Those of one Prefect server."""

    def __init__(self, api: PrefectApi) -> None:
        self._api = api

    def ask(self, environment: str, pod: str) -> str:
        """Make one for the agent of the environment in that pod; its id."""
        flow = self._api.post("/flows/", {"name": keys.CANARY})["id"]
        made = self._api.post(
            "/flow_runs/",
            {
                "flow_id": flow,
                "name": keys.canary_name(environment, pod),
                "parameters": {"environment": environment, "pod": pod},
                "tags": [keys.CANARY_TAG, keys.environment_tag(environment)],
                "state": {"type": "SCHEDULED"},
            },
        )
        return str(made["id"])

    def read(self, run: str) -> Run:
        """As it is now."""
        return run_of(self._api.get(f"/flow_runs/{run}"), keys.CANARY)

    def unanswered(self, environment: str) -> list[Run]:
        """Those of the environment's agents that nobody has taken."""
        wanted = {
            "flows": {"name": {"any_": [keys.CANARY]}},
            "flow_runs": {
                "state": {"type": {"any_": ["SCHEDULED"]}},
                "tags": {"all_": [keys.CANARY_TAG, keys.environment_tag(environment)]},
            },
        }
        return [run_of(each, keys.CANARY) for each in self._api.post("/flow_runs/filter", wanted)]

    def remove(self, run: str) -> None:
        """Leave nothing of one that is answered no more."""
        self._api.request("DELETE", f"/flow_runs/{run}")


@dataclass
class Asking:
    """Asks all agents of these environments that `pods` names at each look. Times are in seconds."""

    runs: CanaryRuns
    environments: Collection[str]
    pods: Callable[[], Sequence[AgentPod]]
    tell: Callable[[str], object]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    _asked: dict[AgentPod, str] = field(default_factory=dict, init=False)
    _working: set[AgentPod] = field(default_factory=set, init=False)
    _why: dict[AgentPod, str] = field(default_factory=dict, init=False)

    def until_all_work(self, seconds: float = SECONDS) -> list[str]:
        """Which of them do not work after so long, and why; empty as soon as all do.

        A pod that comes in another's place is asked in its place, and a run that failed is asked for again.
        """
        begun = self.clock()
        self._forget()
        try:
            while True:
                pods = self.pods()
                missing = [each for each in pods if not self._works(each)]
                if pods and not missing:
                    return []
                waited = self.clock() - begun
                if waited >= seconds:
                    return [f"{each}: {self._said(each, waited)}" for each in missing] or [NO_POD]
                self.sleep(AGAIN)
        finally:
            self._forget()

    def _works(self, pod: AgentPod) -> bool:
        if pod in self._working:
            return True
        if pod not in self._asked:
            self._asked[pod] = self.runs.ask(pod.environment, pod.name)
            return False
        run = self._read(pod)
        if run is None:
            return False
        if run.over and not run.succeeded:
            self._why[pod] = f"its canary run is {run.state}: {run.message}"
            del self._asked[pod]
        elif run.succeeded:
            self._working.add(pod)
            self.tell(f"{pod}: {run.message}")
        return run.succeeded

    def _read(self, pod: AgentPod) -> Run | None:
        """The run of a pod; None, and it is asked anew, when another verification has deleted it."""
        try:
            return self.runs.read(self._asked[pod])
        except NotFoundError:
            del self._asked[pod]
            self._why[pod] = "its canary run was deleted"
            return None

    def _said(self, pod: AgentPod, waited: float) -> str:
        run = self._read(pod) if pod in self._asked else None
        if run is not None:
            state = "was not taken" if run.kind == "SCHEDULED" else f"is {run.state}"
            return self._why.get(pod) or f"its canary run {state} after {waited:.0f} s"
        return self._why.get(pod) or "it was not asked in time"

    def _forget(self) -> None:
        """Remove what was asked and not taken: by this run, or by one that was killed."""
        for environment in self.environments:
            with contextlib.suppress(TowpathError):
                for run in self.runs.unanswered(environment):
                    self.runs.remove(run.id)
