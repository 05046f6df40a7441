"""What one agent does, and with whom: from `agent.yaml`, options and defaults."""

import socket
from dataclasses import dataclass, field
from pathlib import Path

from towpath.agent.agent_file import BUILD, AgentFile
from towpath.config.machine_file import read_secret
from towpath.kube.lease import LeaseTimes, lease_name
from towpath.orchestration import keys


@dataclass(frozen=True, slots=True)
class AgentConfiguration:
    """`environment` is None for the agent that builds. Times are in seconds; `address` is HOST:PORT.

    `lease_namespace`: where the Lease is that this agent must hold to work; empty: it is alone. All that
    share it have the same `lease_times`.
    """

    environment: str | None
    name: str = ""
    interval: float = 15.0
    address: str = "127.0.0.1:4210"
    limit: int = 8
    grace: float = 30.0
    notify_token: str = field(default="", repr=False)
    addresses: tuple[str, ...] = ()
    publish: bool = True
    lease_namespace: str = ""
    lease_times: LeaseTimes = field(default_factory=LeaseTimes)

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
            lease_namespace=file.leader.namespace if file.leader else "",
            lease_times=file.leader.times if file.leader else LeaseTimes(),
            notify_token=read_secret(Path(file.notify_token_file)) if file.notify_token_file else "",
        )

    @property
    def pool(self) -> str:
        """The work pool that it polls."""
        return keys.pool(self.environment)

    @property
    def worker_name(self) -> str:
        """Tells it apart from other agents of its pool that work; the same after a restart.

        Of those that share a Lease one works at a time, and the next one goes on at once with what it left.
        """
        shared = self.lease_name if self.lease_namespace else ""
        return self.name or shared or f"{self.pool}-{socket.gethostname()}"

    @property
    def lease_name(self) -> str:
        """The Lease of the environment's agents."""
        return lease_name(self.environment or BUILD)
