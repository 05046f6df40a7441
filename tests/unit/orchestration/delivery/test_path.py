"""How far a delivery is, by the states of its runs."""

import pytest

from towpath.orchestration import keys
from towpath.orchestration.delivery.path import state_of
from towpath.orchestration.runs import Run, run_of


def run(kind: str) -> Run:
    state = {"type": "SCHEDULED" if kind == keys.SOAKS else kind, "name": kind}
    return run_of({"id": "1", "name": "x", "tags": [], "parameters": {}, "state": state}, "deliver")


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        (["SCHEDULED"], "scheduled"),
        (["PENDING"], "scheduled"),
        (["RUNNING"], "running"),
        (["CANCELLING"], "running"),
        (["COMPLETED"], "succeeded"),
        (["FAILED"], "failed"),
        (["CRASHED"], "failed"),
        (["CANCELLED"], "failed"),
        (["COMPLETED", "SCHEDULED"], "running"),
        (["COMPLETED", "PAUSED"], "waiting"),
        (["COMPLETED", keys.SOAKS], "waiting"),
        (["COMPLETED", keys.SOAKS, "RUNNING"], "running"),
        (["COMPLETED", "COMPLETED", "FAILED"], "failed"),
    ],
)
def test_one_word_for_the_whole_way(kinds: list[str], word: str) -> None:
    assert state_of([run(kind) for kind in kinds]) == word
