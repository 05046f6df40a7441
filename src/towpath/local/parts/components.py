"""What the local stack runs, in one table."""

from towpath.local.common.stack import POOLS, Stack
from towpath.local.parts.cluster import CLUSTER
from towpath.local.parts.component import Component
from towpath.local.parts.delivery import agent, docker, fork_server, prefect_server, registry


def components(stack: Stack) -> tuple[Component, ...]:
    """What this stack runs, in the order of starting; what was given from outside is left out."""
    table: list[Component] = [prefect_server(stack)]
    if stack.own_cluster:
        table += [make(stack) for make in CLUSTER]
    if stack.own_registry:
        table.append(registry(stack))
    if stack.own_engine:
        table.append(docker(stack))
    return (*table, fork_server(stack), *(agent(stack, pool) for pool in POOLS))
