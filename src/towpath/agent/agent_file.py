"""`agent.yaml`: what an agent is told by the machine it runs on. Its models are strict and frozen."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from towpath.adapters.endpoint import parse_address
from towpath.config.keys.fields import Branch, Duration, Model, Name, Text
from towpath.config.machine_file import AbsolutePath, Prefect
from towpath.kube.lease import LeaseTimes
from towpath.settings import SIGNING_KEY, TRUSTED_KEYS

AGENT_FILE = "agent.yaml"
SHORTEST_LEASE, LONGEST_LEASE = timedelta(seconds=5), timedelta(minutes=5)
BUILD = "build"
"""In the place of an environment: the agent that builds."""


class Repository(Model):
    """The environment repository. `poll`: how often its branch is asked for its newest commit."""

    url: Text | None = None
    branch: Branch | None = None
    poll: Duration = timedelta(seconds=15)
    addresses: Annotated[
        tuple[Text, ...], Field(max_length=20, description="Further URLs of it, under which people reach it.")
    ] = ()
    publish: Annotated[
        bool,
        Field(description="Whether the agent publishes its state there, at refs/towpath/ENVIRONMENT/state."),
    ] = True


class ClusterFile(Model):
    """The connection to the environment's cluster; `in-cluster`: the account of the agent's pod."""

    kubeconfig: Annotated[str, StringConstraints(pattern=r"^(in-cluster|/[^\x00]*)$(?!\n)")] | None = None
    context: Annotated[
        Text | None, Field(description="Context of the kubeconfig; null: its current one.")
    ] = None
    allow_exec: Annotated[
        bool, Field(description="Whether the kubeconfig may run a program to get its credentials.")
    ] = False

    @model_validator(mode="after")
    def _has_contexts(self) -> "ClusterFile":
        if self.kubeconfig == "in-cluster" and self.context is not None:
            raise ValueError("`in-cluster` has no contexts")
        return self

    def environ(self) -> dict[str, str | None]:
        """The environment variables that it stands for. A kubeconfig that is named here is the one meant."""
        return {
            "KUBECONFIG": self.kubeconfig,
            "TOWPATH_CONTEXT": self.context or ("" if self.kubeconfig else None),
            "TOWPATH_ALLOW_EXEC": "1" if self.allow_exec else None,
        }


class DockerEngine(Model):
    """Where images are built; for the agent `build` only."""

    host: Annotated[str, StringConstraints(pattern=r"^(unix|tcp)://\S+$(?!\n)")]


class BuildKitServer(Model):
    """Where images are built in place of a Docker Engine; `tls`: a folder with ca.crt, tls.crt, tls.key."""

    host: Annotated[str, StringConstraints(pattern=r"^(unix|tcp)://\S+$(?!\n)")]
    tls: AbsolutePath | None = None


class Keys(Model):
    """The agent's own private key, and the file of the public keys that it trusts (`allowed_signers`)."""

    signing: AbsolutePath | None = None
    trusted: AbsolutePath | None = None


class Runs(Model):
    """How many flow runs may be under way at once, and how long they have to end when the agent does."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 8
    grace: Duration = timedelta(seconds=30)


class Leader(Model):
    """For several agents of one environment: the one that holds their Lease works, the others stand by."""

    namespace: Annotated[
        Name,
        Field(description="Of the Lease `towpath-agent-ENVIRONMENT`, in the environment's cluster."),
    ]
    lease_duration: Annotated[
        Duration, Field(description="How long nobody renews it until another agent leads (5s to 5m).")
    ] = timedelta(seconds=LeaseTimes().lasts)

    @field_validator("lease_duration")
    @classmethod
    def _is_of_use(cls, value: timedelta) -> timedelta:
        if not SHORTEST_LEASE <= value <= LONGEST_LEASE:
            raise ValueError("must be from 5s to 5m")
        return value

    @property
    def times(self) -> LeaseTimes:
        """What follows from `lease_duration`."""
        return LeaseTimes(int(self.lease_duration.total_seconds()))


class AgentFile(Model):
    """The whole of `agent.yaml`. What the environment variables of the process say goes before it."""

    api_version: Annotated[Literal["towpath.dev/v1"], Field(alias="apiVersion")]
    environment: Annotated[Name, Field(description="The environment, or `build`.")]
    name: Annotated[
        Name | None,
        Field(description="At the Prefect server, the same after a restart; null: pool and host."),
    ] = None
    repository: Repository = Repository()
    prefect: Prefect = Prefect()
    cluster: ClusterFile = ClusterFile()
    docker: DockerEngine | None = None
    buildkit: BuildKitServer | None = None
    keys: Keys = Keys()
    runs: Runs = Runs()
    leader: Annotated[
        Leader | None, Field(description="null: this agent is the only one of its environment.")
    ] = None
    listen: Annotated[str, Field(description="HOST:PORT of /metrics, /readyz, /healthz and /notify.")] = (
        "127.0.0.1:4210"
    )
    notify_token_file: AbsolutePath | None = None

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parse_address(value)
        return value

    @model_validator(mode="after")
    def _has_a_cluster(self) -> "AgentFile":
        if self.leader is not None and self.environment == BUILD:
            raise ValueError("`leader` needs the cluster of an environment, which `build` has not")
        return self

    @model_validator(mode="after")
    def _has_one_builder(self) -> "AgentFile":
        if self.docker and self.buildkit:
            raise ValueError("`docker` and `buildkit` are two builders, and one builds")
        return self

    def environ(self) -> Iterator[tuple[str, str]]:
        """The environment variables that it stands for. MissingPartError for a secret that is not there."""
        named = {
            "TOWPATH_ENVIRONMENTS": self.repository.url,
            "TOWPATH_ENVIRONMENTS_BRANCH": self.repository.branch,
            **self.cluster.environ(),
            "DOCKER_HOST": self.docker.host if self.docker else None,
            "BUILDKIT_HOST": self.buildkit.host if self.buildkit else None,
            "TOWPATH_BUILDKIT_TLS": self.buildkit.tls if self.buildkit else None,
            SIGNING_KEY: self.keys.signing,
            TRUSTED_KEYS: self.keys.trusted,
        }
        yield from ((name, value) for name, value in named.items() if value is not None)
        yield from self.prefect.environ().items()
