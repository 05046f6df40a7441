"""What an agent is told by the machine it runs on: file, environment variables and mounted secrets."""

import socket
from dataclasses import dataclass, field

from towpath.orchestration import keys


@dataclass(frozen=True, slots=True)
class AgentConfiguration:
    """`environment` is None for the agent that builds. Times are in seconds."""

    environment: str | None
    name: str = ""
    interval: float = 15.0
    address: str = "127.0.0.1:4210"
    limit: int = 8
    grace: float = 30.0
    notify_token: str = field(default="", repr=False)

    @property
    def pool(self) -> str:
        """The work pool that it polls."""
        return keys.pool(self.environment)

    @property
    def worker_name(self) -> str:
        """Tells it apart from other agents of its pool; the same after a restart."""
        return self.name or f"{self.pool}-{socket.gethostname()}"
