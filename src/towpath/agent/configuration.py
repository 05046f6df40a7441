"""What one agent does, and with whom: from `agent.yaml`, options and defaults."""

import socket
from dataclasses import dataclass, field
from pathlib import Path

from towpath.agent.agent_file import AgentFile
from towpath.config.machine_file import read_secret
from towpath.orchestration import keys

BUILD = "build"
"""In the place of an environment: the agent that builds."""


@dataclass(frozen=True, slots=True)
class AgentConfiguration:
    """`environment` is None for the agent that builds. Times are in seconds; `address` is HOST:PORT."""

    environment: str | None
    name: str = ""
    interval: float = 15.0
    address: str = "127.0.0.1:4210"
    limit: int = 8
    grace: float = 30.0
    notify_token: str = field(default="", repr=False)
    addresses: tuple[str, ...] = ()
    publish: bool = True

    @classmethod
    def from_file(cls, file: AgentFile) -> "AgentConfiguration":
        """What an `agent.yaml` says. Raises MissingPartError when a secret that it names is not there."""
        return cls(
            environment=None if file.environment == BUILD else file.environment,
            name=file.name or "",
            interval=max(file.repository.poll.total_seconds(), 1.0),
            address=file.listen,
            limit=file.runs.limit,
            grace=file.runs.grace.total_seconds(),
            addresses=file.repository.addresses,
            publish=file.repository.publish,
            notify_token=read_secret(Path(file.notify_token_file)) if file.notify_token_file else "",
        )

    @property
    def pool(self) -> str:
        """The work pool that it polls."""
        return keys.pool(self.environment)

    @property
    def worker_name(self) -> str:
        """Tells it apart from other agents of its pool; the same after a restart."""
        return self.name or f"{self.pool}-{socket.gethostname()}"
