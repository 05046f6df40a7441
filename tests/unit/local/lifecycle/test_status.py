"""Who died, from supervisord's log."""

import pytest

from towpath.local.common.stack import Stack
from towpath.local.lifecycle.status import ComponentStatus, Death, deaths, recent_deaths, status

LOG = """\
2026-03-01 10:00:00,100 INFO supervisord started with pid 7
2026-03-01 10:00:05,200 WARN exited: old (exit status 1; not expected)
2026-03-01 11:00:00,100 INFO supervisord started with pid 8
2026-03-01 11:00:01,000 INFO spawned: 'etcd' with pid 9
2026-03-01 11:00:05,200 WARN exited: etcd (terminated by SIGKILL; not expected)
2026-03-01 11:00:06,200 INFO stopped: kubelet (terminated by SIGTERM)
"""


@pytest.fixture
def logged(described: Stack) -> Stack:
    described.layout.log.mkdir(parents=True)
    (described.layout.log / "supervisord.log").write_text(LOG)
    return described


def test_deaths_are_those_of_this_boot_that_nobody_asked_for(logged: Stack) -> None:
    (death,) = deaths(logged.layout)
    assert (death.component, death.how) == ("etcd", "terminated by SIGKILL")


def test_no_log_no_deaths(described: Stack) -> None:
    assert deaths(described.layout) == ()


def one(*, ready: bool, died: float | None) -> ComponentStatus:
    death = Death("x", died, "exit status 1") if died is not None else None
    return ComponentStatus("x", "", "RUNNING", 1, (), 1, 1.0, ready, "", 0, death)


@pytest.mark.parametrize(
    ("ready", "died", "told"),
    [(True, None, False), (True, 999.0, True), (True, 1.0, False), (False, None, True)],
)
def test_what_is_worth_telling(ready: bool, died: float | None, told: bool) -> None:
    assert bool(recent_deaths((one(ready=ready, died=died),), now=1000.0)) is told


def test_a_stack_that_is_down_shows_every_component_as_not_running(described: Stack) -> None:
    statuses = status(described)
    assert len(statuses) == 14
    assert {(state.ready, state.pid, state.problem) for state in statuses} == {(False, None, "does not run")}
