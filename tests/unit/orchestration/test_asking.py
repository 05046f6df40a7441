"""Agents are asked whether they work, also while others ask; the real server: tests/flows/test_canary.py."""

from towpath.engine.verify.agents import AgentPod
from towpath.orchestration.api import NotFoundError
from towpath.orchestration.canaries import Asking
from towpath.orchestration.runs import Run, run_of

POD = AgentPod("prod", "towpath-system", "towpath-agent-prod-1")


class Deleting:
    """Runs of which another verification, which begins later, deletes the first that nobody has taken."""

    def __init__(self, deleted: int) -> None:
        self._left, self.asked = deleted, list[str]()

    def ask(self, environment: str, pod: str) -> str:
        self.asked.append(f"{environment} {pod} {len(self.asked)}")
        return self.asked[-1]

    def read(self, run: str) -> Run:
        if self._left:
            self._left -= 1
            raise NotFoundError(f"nothing for {run}")
        state = {"type": "COMPLETED", "message": "it works"}
        return run_of({"id": run, "name": "canary", "tags": [], "parameters": {}, "state": state}, "canary")

    def unanswered(self, _environment: str) -> list[Run]:
        return []

    def remove(self, run: str) -> None:
        raise AssertionError(run)


def asking(runs: Deleting) -> Asking:
    times = iter(range(1000))
    return Asking(  # type: ignore[arg-type]
        runs, ["prod"], lambda: [POD], lambda _: None, clock=lambda: float(next(times)), sleep=lambda _: None
    )


def test_a_run_that_another_verification_deletes_is_asked_for_anew() -> None:
    runs = Deleting(2)
    assert asking(runs).until_all_work(60.0) == []
    assert len(runs.asked) == 3


def test_that_it_is_always_deleted_is_said() -> None:
    assert asking(Deleting(10_000)).until_all_work(20.0) == [f"{POD}: its canary run was deleted"]
