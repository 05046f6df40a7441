"""What the last line of a terminal says while a run is followed."""

from towpath.cli.follow import doing
from towpath.cli.runs import Run, TaskState

RUN = Run(
    id="6f0c7f5e-6d2b-4f0e-9f6e-3a1b2c3d4e5f",
    name="promote hello 1234567 to prod",
    flow="promote",
    kind="RUNNING",
    state="Running",
    message="",
    tags=(),
    parameters={},
    pause_key=None,
    pause_until=None,
    at=None,
    created=None,
)


def step(name: str, kind: str) -> TaskState:
    return TaskState(f"id of {name}", name, kind, kind.title(), "", 1, None)


def test_it_names_the_steps_that_run_right_now() -> None:
    steps = [step("fetch", "COMPLETED"), step("sync hello", "RUNNING"), step("verify hello", "RUNNING")]
    assert doing(RUN, steps) == "sync hello, verify hello"


def test_between_two_steps_it_names_the_run() -> None:
    assert doing(RUN, [step("fetch", "COMPLETED")]) == "promote hello 1234567 to prod: Running"
