"""Runs one flow run in a process that was forked for it. A run brings a flow's name and parameters only."""

import inspect
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._internal.control_listener import configure_from_env
from prefect._internal.pydantic.validated_func import ValidatedFunction
from prefect.client.orchestration import SyncPrefectClient
from prefect.context import SyncClientContext
from prefect.engine import handle_engine_signals
from prefect.events.worker import EventsWorker
from prefect.exceptions import ParameterTypeError, UnfinishedRun
from prefect.flow_engine import run_flow
from prefect.logging.handlers import APILogWorker
from prefect.logging.loggers import flow_run_logger
from prefect.states import Failed
from pydantic import ConfigDict, ValidationError

from towpath.orchestration import keys
from towpath.orchestration.execution.known_answers import answer_here
from towpath.orchestration.execution.known_run import load_known
from towpath.orchestration.execution.suspension import without_waiting
from towpath.orchestration.installed_flows import flows_of, installed_flow
from towpath.printable import printable

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.flows import Flow

FLUSH = 5.0
"""Seconds to hand in what the run logged and emitted."""
LARGEST_PARAMETERS = 64 * 1024
"""Bytes of a run's parameters as JSON; ours have a few hundred."""


_client: SyncClientContext | None = None


def prepare(environment: str | None) -> None:
    """Make what each child that is forked from here would make: its client, which opens no connection before,
    and what checks its parameters."""
    global _client  # noqa: PLW0603
    _client = SyncClientContext()
    for name in flows_of(environment):
        _checked(installed_flow(name))


def execute(run: str, environment: str | None, known: str = "", flows: tuple[str, ...] | None = None) -> None:
    """Run it to its end. A run that is not for this agent fails before anything is read or written.

    `known`: what the agent knows of it already (known_run.py). `flows`: it is to be of one of these, in place
    of those that the agent takes from its work pool.
    """
    configure_from_env()
    run_id = UUID(run)
    try:
        # The engine uses the same client and its connection.
        with handle_engine_signals(run_id), _client or SyncClientContext() as opened:
            client = opened.client
            name, flow_run = load_known(known) if known else _ask(client, run_id)
            if refusal := refuse(name, flow_run.parameters, environment, flows):
                _fail(client, flow_run, refusal)
                return
            flow = installed_flow(name)
            if wrong := wrong_parameters(flow, flow_run.parameters):
                _fail(client, flow_run, wrong)
                return
            flow.should_validate_parameters = False  # has just been done
            seen = without_waiting(flow_run)
            answer_here(client, seen, flow_run.deployment_id)
            # One that begins again by itself has no result: with an error it would be marked Crashed.
            with suppress(UnfinishedRun):
                run_flow(flow, flow_run=seen)
    finally:
        APILogWorker.drain_all(timeout=FLUSH)
        EventsWorker.drain_all(timeout=FLUSH)


def _ask(client: SyncPrefectClient, run_id: UUID) -> "tuple[str, FlowRun]":
    flow_run = client.read_flow_run(run_id)
    return client.read_flow(flow_run.flow_id).name, flow_run


def refuse(
    flow: str,
    parameters: Mapping[str, Any],
    environment: str | None,
    flows: tuple[str, ...] | None = None,
) -> str | None:
    """Why this agent does not run it; None when it does. Pure."""
    mine = "the build agent" if environment is None else f"the agent of {environment}"
    own = flows_of(environment) if flows is None else flows
    if flow not in own:
        return f"{mine} runs {', '.join(own)}, and no flow of another name"
    if environment is not None and parameters.get("environment") != environment:
        return f"{mine} runs nothing for another environment"
    if len(json.dumps(parameters)) > LARGEST_PARAMETERS:
        return f"the parameters have more than {LARGEST_PARAMETERS} bytes"
    return None


def wrong_parameters(flow: "Flow[..., Any]", parameters: Mapping[str, Any]) -> str | None:
    """Which parameters the flow does not take as they are; None when it takes all."""
    try:
        inspect.signature(flow.fn).bind(**parameters)
        _checked(flow).validate_call_args((), dict(parameters))
    except ValidationError as error:
        why = str(ParameterTypeError.from_validation_error(error))
    except (TypeError, ValueError) as error:
        why = str(error)
    else:
        return None
    return f"the parameters are not those of {flow.name}: {printable(why)}"


@cache
def _checked(flow: "Flow[..., Any]") -> ValidatedFunction:
    """Checks a flow's parameters as Prefect does, which would build a model of them anew for each run."""
    return ValidatedFunction(flow.fn, config=ConfigDict(arbitrary_types_allowed=True))


def _fail(client: SyncPrefectClient, flow_run: "FlowRun", why: str) -> None:
    flow_run_logger(flow_run=flow_run).error("%s. Nothing was read or changed.", why)
    client.set_flow_run_state(flow_run.id, Failed(name=keys.REFUSED, message=f"Refused: {why}."))
