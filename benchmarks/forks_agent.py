"""The agent that benchmarks/forks.py measures: `towpath agent build`, where `deliver` only sleeps."""

import math
import sys
import time
import types

from prefect import flow, task

from towpath.agent.configuration import AgentConfiguration
from towpath.agent.start import start_agent
from towpath.errors import TowpathError
from towpath.orchestration import keys
from towpath.orchestration.installed_flows import flow_module

STEP = 4.0
"""Seconds of a step at most."""


@task(name="sleep")
def sleep(seconds: float) -> None:
    time.sleep(seconds)


@flow(name=keys.DELIVER)
def deliver(app: str, revision: str) -> None:  # noqa: ARG001 - the parameters of the real one
    """Steps of as many seconds as `revision` says: a run stops between two of them, when it is suspended."""
    seconds = float(revision)
    steps = max(1, math.ceil(seconds / STEP))
    for _ in range(steps):
        sleep(seconds / steps)


def report(error: TowpathError) -> None:
    print(error.message, file=sys.stderr)


def install() -> None:
    """Let it be the flow of that name that an agent has."""
    module = types.ModuleType(flow_module(keys.DELIVER))
    vars(module)[keys.DELIVER] = deliver
    sys.modules[module.__name__] = module


def main() -> int:
    install()
    address, limit, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    return start_agent(AgentConfiguration(None, name, address=address, limit=limit, grace=60.0), report)


if __name__ == "__main__":
    sys.exit(main())
