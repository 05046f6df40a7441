"""Starts an agent: everything its flow runs need is imported once, then each of them is forked."""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import NoReturn

from towpath.adapters.kubernetes.in_cluster import find_inside, is_inside
from towpath.adapters.registries.registry_login import has_logins
from towpath.agent.configuration import AgentConfiguration
from towpath.agent.end_timer import EndTimer
from towpath.agent.first_process import stand_for_agent
from towpath.agent.zygote import Order, keep, preload
from towpath.errors import TowpathError
from towpath.fence import Fence, put_up
from towpath.kube.lease import LeaseTimes
from towpath.orchestration.execution import server_clock
from towpath.orchestration.installed_flows import SHOWS, flow_module, flows_of
from towpath.orchestration.profile import refresh_settings, share_tls_contexts, switch_heartbeats_off
from towpath.orchestration.server import prepare
from towpath.progress import say
from towpath.settings import Settings

TEND = 1.0
"""Seconds between two looks at the deadline."""


def start_agent(configuration: AgentConfiguration, report: Callable[[TowpathError], None]) -> int:
    """Run the agent until it ends; its exit code. `report` tells people of the error that ended it."""
    fence = Fence() if configuration.lease_namespace else None
    if fence is not None:
        stand_for_agent()
        put_up(fence)
    prepare(Settings.load(os.environ))
    # The agent asks for the server's version once, its runs do not.
    os.environ.setdefault("PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED", "false")
    refresh_settings()
    if configuration.environment is not None and is_inside():
        find_inside()
    preload(modules(configuration), UNUSED)
    share_tls_contexts()
    server_clock.watch()
    # A run's heartbeats are sent by the agent: see orchestration/execution/heartbeats.py.
    switch_heartbeats_off()
    _prepare_runs(configuration)
    serve = functools.partial(_serve, configuration, report, fence)
    run = functools.partial(_run, configuration)
    if fence is None:
        return keep(serve, run)
    _fence_prefect()
    timer = EndTimer()
    if not timer.works:
        say("this machine cannot end an agent that is stopped: only each write asks whether it leads")
    return keep(serve, run, functools.partial(_tend, fence, timer, configuration.lease_times))


def _tend(fence: Fence, timer: EndTimer, times: LeaseTimes) -> float:
    """Let the kernel end this process, and with it all that it has forked, when its agent has lost the lead.

    The agent itself ends before, and says why, unless it is stopped.
    """
    if (until := fence.until) is not None:
        timer.set(until + times.killed - times.deadline)
    return TEND


def modules(configuration: AgentConfiguration) -> Iterator[str]:
    """What is imported before anything is forked."""
    yield "towpath.orchestration.execution.flow_child"
    for flow in (*flows_of(configuration.environment), *_answered(configuration)):
        yield flow_module(flow)
    yield from _LATER if configuration.environment is not None else _LATER_BUILD
    if has_logins(os.environ):
        yield "docker.auth"


UNUSED = ("text_unidecode",)
"""4 MB of letters, which Prefect reads to make slugs of ASCII texts. Who needs it imports it anew."""


def _answered(configuration: AgentConfiguration) -> tuple[str, ...]:
    """Flows that show that it works: of one that shares a Lease, as it is in a pod."""
    return SHOWS if configuration.lease_namespace else ()


def _serve(
    configuration: AgentConfiguration,
    report: Callable[[TowpathError], None],
    fence: Fence | None,
    control: Connection,
) -> None:
    from towpath.agent.serve import run_agent

    try:
        run_agent(configuration, control, fence, functools.partial(_leave, report))
    except TowpathError as error:
        report(error)
        sys.exit(1)


def _leave(report: Callable[[TowpathError], None], error: TowpathError) -> NoReturn:
    """End the agent's process at once, from any thread: whatever it would still do is another one's now."""
    report(error)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1)


def _fence_prefect() -> None:
    """Let what was preloaded ask before it writes to the Prefect server."""
    from towpath.orchestration.execution.fenced_requests import fence_requests

    fence_requests()


def _prepare_runs(configuration: AgentConfiguration) -> None:
    from towpath.orchestration.execution.first_uses import build_models
    from towpath.orchestration.execution.flow_child import prepare
    from towpath.orchestration.execution.related_resources import relate_without_asking

    relate_without_asking()
    build_models()
    prepare(configuration.environment)


def _run(configuration: AgentConfiguration, order: Order) -> None:
    from towpath.orchestration.execution.flow_child import execute

    if order.canary:
        put_up(None)  # a standby's, too: it runs that flow and no other, which writes nothing
        execute(order.run, configuration.environment, order.known, SHOWS)
        return
    execute(order.run, configuration.environment, order.known)


_AT_RUN_TIME = (
    *("anyio._backends._asyncio", "anyio.streams.tls", "encodings.utf_8_sig", "multiprocessing.popen_fork"),
    *("encodings.idna", "rich._emoji_codes"),
    *("prefect._internal.pytz", "prefect._internal.states", "prefect.task_engine"),
    *("prefect.utilities.visualization", "git", "towpath.agent.serve"),
)
_LATER = (*_AT_RUN_TIME, "towpath.engine.reconcile.loop")
_LATER_BUILD = (*_AT_RUN_TIME, "docker")
"""Modules that others import only when they use them."""
