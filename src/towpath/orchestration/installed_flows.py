"""The flows that are installed with Towpath, by name: an agent runs these and nothing else."""

import importlib
from typing import TYPE_CHECKING, Any, cast

from towpath.orchestration import keys

if TYPE_CHECKING:
    from prefect.flows import Flow

BUILD = (keys.DELIVER,)
ENVIRONMENT = (keys.PROMOTE, keys.RECONCILE, keys.ROLLBACK)
SHOWS = (keys.CANARY,)
"""By these an agent shows that it works: it runs them for whoever asks, and writes nothing by them."""


def flows_of(environment: str | None) -> tuple[str, ...]:
    """Names of the flows that the agent of an environment runs; None: the agent that builds."""
    return BUILD if environment is None else ENVIRONMENT


def flow_module(name: str) -> str:
    """The module that holds a flow of that name."""
    return f"flows.{name}"


def installed_flow(name: str) -> "Flow[..., Any]":
    """The flow of that name, from the package that is installed beside this one."""
    return cast("Flow[..., Any]", getattr(importlib.import_module(flow_module(name)), name))
