"""Starts an agent: everything its flow runs need is imported once, then each of them is forked."""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

from towpath.adapters.kubernetes.in_cluster import is_inside
from towpath.agent.configuration import AgentConfiguration
from towpath.agent.zygote import Order, keep, preload
from towpath.errors import TowpathError
from towpath.orchestration.installed_flows import flow_module, flows_of
from towpath.orchestration.profile import refresh_settings, share_tls_contexts, switch_heartbeats_off
from towpath.orchestration.server import prepare
from towpath.settings import Settings


def start_agent(configuration: AgentConfiguration, report: Callable[[TowpathError], None]) -> int:
    """Run the agent until it ends; its exit code. `report` tells people of the error that ended it."""
    prepare(Settings.load(os.environ))
    # The agent asks for the server's version once, its runs do not.
    os.environ.setdefault("PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED", "false")
    refresh_settings()
    preload(modules(configuration))
    share_tls_contexts()
    # A run's heartbeats are sent by the agent: see orchestration/execution/heartbeats.py.
    switch_heartbeats_off()
    _prepare_runs(configuration)
    return keep(functools.partial(_serve, configuration, report), functools.partial(_run, configuration))


def modules(configuration: AgentConfiguration) -> Iterator[str]:
    """What is imported before anything is forked."""
    yield "towpath.orchestration.execution.flow_child"
    for flow in flows_of(configuration.environment):
        yield flow_module(flow)
    yield from _LATER if configuration.environment is not None else _LATER_BUILD
    if configuration.environment is not None and is_inside():
        yield "kubernetes.config"


def _serve(
    configuration: AgentConfiguration, report: Callable[[TowpathError], None], control: Connection
) -> None:
    from towpath.agent.serve import run_agent

    try:
        run_agent(configuration, control)
    except TowpathError as error:
        report(error)
        sys.exit(1)


def _prepare_runs(configuration: AgentConfiguration) -> None:
    from towpath.orchestration.execution.flow_child import prepare
    from towpath.orchestration.execution.related_resources import relate_without_asking

    relate_without_asking()
    prepare(configuration.environment)


def _run(configuration: AgentConfiguration, order: Order) -> None:
    from towpath.orchestration.execution.flow_child import execute

    execute(order.run, configuration.environment, order.known)


_AT_RUN_TIME = (
    *("anyio._backends._asyncio", "anyio.streams.tls", "encodings.utf_8_sig", "multiprocessing.popen_fork"),
    *("prefect._internal.pytz", "prefect._internal.states", "prefect.task_engine"),
    *("prefect.utilities.visualization", "git", "towpath.agent.serve"),
)
_LATER = (*_AT_RUN_TIME, "towpath.engine.reconcile.loop")
_LATER_BUILD = (*_AT_RUN_TIME, "docker")
"""Modules that others import only when they use them."""
