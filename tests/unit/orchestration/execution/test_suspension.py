"""The engine gets a run for which it waits for nothing; people can suspend it all the same."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from prefect._flow_run_suspension import FlowRunSuspensionRequest
from prefect.client.schemas.objects import FlowRun

from towpath.orchestration.execution import suspension
from towpath.orchestration.execution.suspension import without_waiting


def test_it_is_listened_for_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[UUID] = []

    @contextmanager
    def observe(run: UUID, _request: FlowRunSuspensionRequest) -> Iterator[None]:
        heard.append(run)
        yield

    monkeypatch.setattr(suspension, "observe_flow_run_suspension", observe)
    monkeypatch.setattr(suspension, "AFTER", 0.3)
    run = FlowRun(flow_id=uuid4(), deployment_id=uuid4())
    seen = without_waiting(run)
    assert (seen.id, seen.deployment_id, run.deployment_id is None) == (run.id, None, False)
    assert heard == []
    deadline = time.monotonic() + 10
    while not heard:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert heard == [run.id]
