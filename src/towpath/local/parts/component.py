"""A component of the local stack: a long-running process."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from towpath.local.common.stack import Stack
from towpath.local.parts.readiness import Check
from towpath.local.programs.tools import find


@dataclass(frozen=True, slots=True)
class Component:
    """A long-running process. `purpose` describes it to a person; `needs` are components and steps
    (lifecycle/steps.py) that come before. `role` names its user; None: only root can run it.

    `ready_within` and `stop_within` are in seconds.
    """

    name: str
    purpose: str
    command: tuple[str, ...]
    ready: Check
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    ready_within: float = 60.0
    stop_within: int = 10
    directory: str | None = None
    role: str | None = None


def program(stack: Stack, name: str) -> str:
    """The path of a program; its bare name when it is missing, so that starting it fails with that name."""
    return str(find(name, stack.settings) or name)
