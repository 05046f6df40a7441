"""An agent answers canary runs whatever one of them is; on a real server: tests/flows/test_canary.py."""

import asyncio

import pytest

from towpath.agent import answering
from towpath.agent.answering import Answering
from towpath.orchestration.agent_worker import Child


async def no_fork(run: str) -> Child:
    raise AssertionError(run)


def test_what_goes_wrong_once_silences_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "EVERY", 0.001)
    agent, turns = Answering("http://127.0.0.1:9/api", "prod", no_fork), list[int]()

    async def turn() -> int:
        turns.append(len(turns))
        raise KeyError("parameters")

    async def keep() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(agent.keep(), 0.5)

    monkeypatch.setattr(agent, "turn", turn)
    asyncio.run(keep())
    assert len(turns) > 1
