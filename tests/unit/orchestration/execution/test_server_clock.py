"""The server's clock, by its answers: what is dated by it is right where this machine's is minutes off."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import ObjectNotFound

from tests.unit.adapters.answering import Answer, answering
from towpath.errors import TowpathError
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.execution import heartbeats, server_clock

MINUTES = timedelta(minutes=4)
RUN = "5f1d3e6a-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_clock, "_ahead", timedelta())


def date(ahead: timedelta) -> str:
    return format_datetime(datetime.now(UTC) + ahead, usegmt=True)


def off() -> timedelta:
    """By how much what counts as now is ahead of this machine's clock."""
    return server_clock.now() - datetime.now(UTC)


@pytest.mark.parametrize("ahead", [MINUTES, -MINUTES, timedelta(days=400)])
def test_the_date_of_an_answer_tells(ahead: timedelta) -> None:
    server_clock.note(date(ahead), 0.1)
    assert abs(off() - ahead) < timedelta(seconds=2)
    moment = datetime(2026, 5, 4, tzinfo=UTC)
    assert abs(server_clock.theirs(moment) - moment - ahead) < timedelta(seconds=2)


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(seconds=4), timedelta(seconds=-4)])
def test_clocks_that_differ_by_seconds_count_as_the_same(ahead: timedelta) -> None:
    server_clock.note(date(MINUTES), 0.1)
    server_clock.note(date(ahead), 0.1)
    assert abs(off()) < timedelta(seconds=1)


@pytest.mark.parametrize("text", [None, "yesterday", ""])
def test_an_answer_without_a_date_says_nothing(text: str | None) -> None:
    server_clock.note(text, 0.1)
    assert abs(off()) < timedelta(seconds=1)


def test_an_answer_that_came_late_says_nothing() -> None:
    server_clock.note(date(MINUTES), 3.0)
    assert abs(off()) < timedelta(seconds=1)


@pytest.fixture(scope="module")
def watched() -> Iterator[None]:
    """Clients are watched, and those of other tests are not."""
    before = [(each, each.__init__) for each in (PrefectClient, SyncPrefectClient)]
    server_clock.watch()
    yield
    for client, init in before:
        client.__init__ = init  # type: ignore[method-assign]
    server_clock.watch.cache_clear()


@pytest.fixture
def skewed(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server whose clock is minutes ahead."""
    from http.server import BaseHTTPRequestHandler

    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: date(MINUTES))
    with answering([Answer(404, b'{"detail": "none"}', {"Content-Type": "application/json"})]) as server:
        yield f"{server.url}/api"


def test_each_client_of_prefect_compares_the_clocks(watched: None, skewed: str) -> None:
    with SyncPrefectClient(skewed) as client, pytest.raises((ObjectNotFound, httpx.HTTPStatusError)):
        client.read_flow_run(RUN)  # type: ignore[arg-type]
    assert abs(off() - MINUTES) < timedelta(seconds=2)


def test_each_asynchronous_client_does(watched: None, skewed: str) -> None:
    async def ask() -> None:
        async with PrefectClient(skewed) as client:
            await client.read_flow_run(RUN)  # type: ignore[arg-type]

    with pytest.raises((ObjectNotFound, httpx.HTTPStatusError)):
        asyncio.run(ask())
    assert abs(off() - MINUTES) < timedelta(seconds=2)


def test_our_own_client_does(skewed: str) -> None:
    with pytest.raises(TowpathError):
        PrefectApi(skewed, retries=0).get("/flow_runs/x")
    assert abs(off() - MINUTES) < timedelta(seconds=2)


def test_signs_of_life_are_dated_by_the_server_s_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier one than 90 s ago would let the server mark the run Crashed at once."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(heartbeats, "emit_event", lambda event, **more: sent.append({"event": event, **more}))
    server_clock.note(date(MINUTES), 0.1)
    heartbeats.beat(RUN)
    heartbeats.end_beats(RUN)
    assert [each["event"] for each in sent] == [
        "prefect.flow-run.heartbeat",
        "prefect.flow-run.process-ended",
    ]
    assert all(abs(each["occurred"] - datetime.now(UTC) - MINUTES) < timedelta(seconds=2) for each in sent)


def test_people_are_told_by_how_much_and_when_it_is_over() -> None:
    assert server_clock.difference(240.4).startswith(
        "this machine's clock is 240 s behind that of the Prefect"
    )
    assert server_clock.difference(-240.4).startswith("this machine's clock is 240 s ahead of that of")
    assert server_clock.difference(0.0).endswith("agree again")


def test_it_is_told_once_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_clock, "LOOK", 0.01)
    said: list[str] = []

    async def story() -> None:
        telling = asyncio.create_task(server_clock.tell(said.append))
        for ahead in (timedelta(), MINUTES, MINUTES, timedelta(seconds=30), timedelta()):
            server_clock._ahead = ahead
            await asyncio.sleep(0.05)
        telling.cancel()

    asyncio.run(story())
    assert len(said) == 2
    assert "behind" in said[0]
    assert "agree" in said[1]
