"""Questions to the Prefect server of the stack."""

import time
from collections.abc import Callable

import httpx


def insist(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer; SQLite answers 503 when many write at once."""
    for _ in range(20):
        answer = ask()
        if answer.status_code != 503:
            break
        time.sleep(1)
    return answer.raise_for_status()
