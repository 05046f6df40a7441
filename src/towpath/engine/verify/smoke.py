"""Smoke checks: what must come back from a Service (through the API server) or a URL, and Jobs."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from towpath.adapters.http_probe import ask
from towpath.adapters.kubernetes import Cluster, ServiceAnswer
from towpath.applyset.hooks import SMOKE, hooks_for
from towpath.applyset.inventory import Owner
from towpath.config import Environment, SmokeCheck
from towpath.engine.live.digest_keys import read_key
from towpath.engine.live.jobs import find_run, start_run, wait_ended
from towpath.engine.source.render import Rendered
from towpath.errors import TowpathError
from towpath.kube.apply_order import HOOK_ANNOTATION
from towpath.objects import ref_of
from towpath.printable import pluralize

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
        check = self.check
        where = check.url or f"{check.service}:{check.port}{check.path}"
        if check.job:
            return f"Job {check.job}: {self.problem or f'succeeded in {self.seconds:.0f} s'}"
        return f"{where}: {self.problem or f'answered {self.status} in {self.seconds:.2f} s'}"

    def to_json(self) -> dict[str, Any]:
        check = self.check
        return {
            "service": check.service,
            "port": check.port,
            "path": check.path,
            "url": check.url,
            "job": check.job,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "problem": self.problem or None,
        }


def run_smoke_checks(
    cluster: Proxy, namespace: str, checks: Sequence[SmokeCheck], end: float
) -> tuple[SmokeResult, ...]:
    """Run every check; one that fails is asked again a few times, until `end` (monotonic seconds)."""
    return tuple(_patiently(cluster, namespace, check, end) for check in checks if check.job is None)


def run_smoke_jobs(
    cluster: Cluster, rendered: Rendered, checks: Sequence[SmokeCheck], end: float
) -> tuple[SmokeResult, ...]:
    """Run every Job that a check names: once for what is rendered, its result is that of the live Job."""
    return tuple(_run_job(cluster, rendered, check, end) for check in checks if check.job is not None)


def _run_job(cluster: Cluster, rendered: Rendered, check: SmokeCheck, end: float) -> SmokeResult:
    started = time.monotonic()
    jobs = hooks_for(rendered.hooks, SMOKE)
    job = next((each for each in jobs if each["metadata"]["name"] == check.job), None)
    if job is None:
        problem = f"{rendered.app} has no Job of this name with the annotation {HOOK_ANNOTATION}: {SMOKE}"
        return SmokeResult(check, None, 0.0, problem)
    owner = Owner(rendered.app, rendered.environment, rendered.namespace)
    try:
        sealing = read_key(cluster, rendered.namespace) if rendered.holds_values else None
        key = rendered.recorded_digest(sealing)
        live = find_run(cluster, ref_of(job), key) or start_run(cluster, job, owner, key)
        ended = wait_ended(cluster, ref_of(job), live["metadata"]["uid"], end - started)
    except TowpathError as error:
        return SmokeResult(check, None, time.monotonic() - started, error.message)
    return SmokeResult(check, None, time.monotonic() - started, "" if ended.succeeded else ended.message)


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
        answer = _answer(cluster, namespace, check)
    except TowpathError as error:
        return SmokeResult(check, None, time.monotonic() - started, error.message)
    problem = judge_answer(check, answer.status, answer.body, answer.seconds)
    return SmokeResult(check, answer.status, answer.seconds, problem)


def _answer(cluster: Proxy, namespace: str, check: SmokeCheck) -> ServiceAnswer:
    if check.url:
        return ask(check.url, timeout=TIMEOUT)
    assert check.service  # noqa: S101 # the model has one of them
    assert check.port  # noqa: S101
    return cluster.service_proxy(namespace, check.service, check.port, check.path, timeout=TIMEOUT)


def addressed(checks: Iterable[SmokeCheck], environment: Environment, app: str) -> list[SmokeCheck]:
    """The checks with the environment's name and namespace in their URLs."""
    names = {"{environment}": environment.name, "{namespace}": environment.namespace_of(app)}
    done = []
    for check in checks:
        url = check.url
        for name, value in names.items():
            url = url.replace(name, value) if url else url
        done.append(check.model_copy(update={"url": url}))
    return done


def judge_answer(check: SmokeCheck, status: int, body: bytes, seconds: float = 0.0) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if status != check.status:
        # What an app answers may hold anybody's data: a run's state keeps its size alone.
        return f"answered {status}, not {check.status} ({pluralize(len(body), 'byte')}, not kept)"
    if check.contains is not None and check.contains.encode() not in body:
        return f"answered {status}, but the body does not contain {check.contains!r}"
    if check.latency is not None and seconds > (longest := check.latency.total_seconds()):
        return f"answered {status} after {seconds:.2f} s, later than {longest:g} s"
    return ""
