"""Smoke checks: one HTTP request each through the API server's service proxy, and what must come back."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from towpath.adapters.kubernetes import ServiceAnswer
from towpath.config import SmokeCheck
from towpath.errors import TowpathError
from towpath.redact import redact

TIMEOUT = 10.0
"""Seconds one request may take."""
ATTEMPTS = 5
"""Endpoints follow readiness with a little delay, so the first answer is not always the app's."""


class Proxy(Protocol):
    """What is asked of a cluster."""

    def service_proxy(
        self, namespace: str, service: str, port: int | str, path: str = "/", *, timeout: float = 10.0
    ) -> ServiceAnswer: ...


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """What one check asked and got. `problem` is empty when it passed."""

    check: SmokeCheck
    status: int | None
    seconds: float
    problem: str

    @property
    def passed(self) -> bool:
        return not self.problem

    def __str__(self) -> str:
        where = f"{self.check.service}:{self.check.port}{self.check.path}"
        return f"{where}: {self.problem or f'answered {self.status} in {self.seconds:.2f} s'}"

    def to_json(self) -> dict[str, Any]:
        check = self.check
        return {
            "service": check.service,
            "port": check.port,
            "path": check.path,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "problem": self.problem or None,
        }


def run_smoke_checks(
    cluster: Proxy, namespace: str, checks: Sequence[SmokeCheck], end: float
) -> tuple[SmokeResult, ...]:
    """Run every check; one that fails is asked again a few times, until `end` (monotonic seconds)."""
    return tuple(_patiently(cluster, namespace, check, end) for check in checks)


def _patiently(cluster: Proxy, namespace: str, check: SmokeCheck, end: float) -> SmokeResult:
    pause = threading.Event()
    for attempt in range(1, ATTEMPTS + 1):
        result = _ask(cluster, namespace, check)
        wait = 0.2 * 2**attempt
        if result.passed or attempt == ATTEMPTS or time.monotonic() + wait > end:
            return result
        pause.wait(wait)
    raise AssertionError


def _ask(cluster: Proxy, namespace: str, check: SmokeCheck) -> SmokeResult:
    started = time.monotonic()
    try:
        answer = cluster.service_proxy(namespace, check.service, check.port, check.path, timeout=TIMEOUT)
    except TowpathError as error:
        return SmokeResult(check, None, time.monotonic() - started, error.message)
    return SmokeResult(check, answer.status, answer.seconds, judge_answer(check, answer.status, answer.body))


def judge_answer(check: SmokeCheck, status: int, body: bytes) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if status != check.status:
        said = " ".join(redact(body[:500].decode(errors="replace")).split())[:200]
        return f"answered {status}, not {check.status}" + (f": {said}" if said else "")
    if check.contains is not None and check.contains.encode() not in body:
        return f"answered {status}, but the body does not contain {check.contains!r}"
    return ""
