"""The Prefect server's clock, as its answers tell it: that of this machine may be minutes off.

What the server compares with its own clock is dated by this one. Nothing that is proven is: a server could
say any time.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache, wraps
from typing import Any

SMALL = 5.0
"""Seconds: clocks that differ by less count as the same, since an answer's date has whole seconds."""
SLOW = 2.0
"""Seconds: an answer that took longer says nothing, since it was dated at some time in between."""
TELL = 60.0
"""Seconds of difference of which people are told."""
LOOK = 20.0
_SENT = "towpath_sent"
_ahead = timedelta()


def now() -> datetime:
    """What the server's clock shows."""
    return datetime.now(UTC) + _ahead


def theirs(moment: datetime) -> datetime:
    """What the server's clock shows when this machine's shows `moment`."""
    return moment + _ahead


def note(date: str | None, seconds: float) -> None:
    """Compare the clocks by the header Date of an answer that came after so many seconds."""
    global _ahead  # noqa: PLW0603
    if date is None or seconds > SLOW:
        return
    try:
        ahead = parsedate_to_datetime(date) - datetime.now(UTC)
    except (TypeError, ValueError):
        return
    _ahead = ahead if abs(ahead.total_seconds()) > SMALL else timedelta()


@lru_cache(maxsize=1)
def watch() -> None:
    """Let Prefect's clients in this process, and those forked from it, compare the clocks at each answer."""
    from prefect.client.orchestration import PrefectClient, SyncPrefectClient

    async def sent(request: Any) -> None:
        _send(request)

    async def answered(response: Any) -> None:
        _answer(response)

    for client, hooks in ((PrefectClient, (sent, answered)), (SyncPrefectClient, (_send, _answer))):
        client.__init__ = _with_hooks(client.__init__, *hooks)  # type: ignore[method-assign]


def _send(request: Any) -> None:
    request.extensions[_SENT] = time.monotonic()


def _answer(response: Any) -> None:
    sent = response.request.extensions.get(_SENT)
    if sent is not None:
        note(response.headers.get("Date"), time.monotonic() - sent)


def _with_hooks(init: Callable[..., None], sent: object, answered: object) -> Callable[..., None]:
    @wraps(init)
    def with_hooks(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        hooks = self._client.event_hooks
        hooks["request"].append(sent)
        hooks["response"].append(answered)

    return with_hooks


async def tell(say: Callable[[str], None]) -> None:
    """Say by how much the clocks differ, again when that has changed."""
    import asyncio

    told = 0.0
    while True:
        ahead = _ahead.total_seconds()
        if abs(ahead - told) >= TELL:
            told = ahead
            say(difference(ahead))
        await asyncio.sleep(LOOK)


def difference(ahead: float) -> str:
    """A sentence about a server's clock that is so many seconds ahead of this machine's."""
    if abs(ahead) < TELL:
        return "the clocks of this machine and of the Prefect server agree again"
    side = "behind" if ahead > 0 else "ahead of"
    return (
        f"this machine's clock is {abs(ahead):.0f} s {side} that of the Prefect server: set it. What is"
        " signed by clocks that differ by more than 5 minutes is refused"
    )
