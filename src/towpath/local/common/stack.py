"""One local stack: its folders, its options, and the addresses that follow from them."""

import ipaddress
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from towpath.local.common.files import read_json, write_json
from towpath.local.common.layout import Layout
from towpath.local.common.ports import DEFAULT_PORTS, LOOPBACK
from towpath.settings import Settings

ENVIRONMENTS = ("dev", "staging", "prod")
"""Environments of the example, in promotion order; each has a namespace, an account and a work pool."""
POOLS = ("build", *ENVIRONMENTS)
ROLES = (*POOLS, "prefect", "registry", "cluster")
"""What has an operating-system user of its own: each agent, and the parts that need no root."""
REPOSITORIES_ROLE = "git"
"""Nothing runs as this user; its group may push to the repositories."""
ACCOUNTS_NAMESPACE = "towpath-system"
NODE = "towpath"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROJECT = Path(__file__).resolve().parents[4]
"""Root of the checkout: prefect.yaml, flows/, examples/. In an installed package it holds none of them."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the stack. A part that is not None is used from outside instead of starting one.

    `users`: whether each agent has an operating-system user of its own.
    """

    ports: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_PORTS))
    subnet: str = "10.244.77.0/24"
    kubeconfig: str | None = None
    context: str | None = None
    registry: str | None = None
    environments: str | None = None
    docker_host: str | None = None
    users: bool = False

    @classmethod
    def load(cls, layout: Layout) -> "Options | None":
        """The options of an earlier `up`; None when there was none."""
        content = read_json(layout.options)
        if not isinstance(content, dict):
            return None
        known = {name: content[name] for name in cls.__dataclass_fields__ if name in content}
        saved = known.pop("ports", {})  # of an earlier version, maybe with parts that are no more
        ports = {name: saved.get(name, number) for name, number in DEFAULT_PORTS.items()}
        return cls(ports=ports, **known)

    def save(self, layout: Layout) -> None:
        """Save the options for later calls of `up`."""
        write_json(layout.options, asdict(self))


@dataclass(frozen=True, slots=True)
class Stack:
    """One local stack: everything from which its components are configured."""

    layout: Layout
    options: Options
    settings: Settings
    project: Path = PROJECT
    python: str = sys.executable

    def with_options(self, options: Options) -> "Stack":
        """The same stack with other options."""
        return replace(self, options=options)

    @property
    def own_cluster(self) -> bool:
        """Whether the stack runs Kubernetes itself."""
        return self.options.kubeconfig is None

    @property
    def own_registry(self) -> bool:
        """Whether the stack runs a registry itself."""
        return self.options.registry is None

    @property
    def own_engine(self) -> bool:
        """Whether the stack runs a Docker Engine itself."""
        return self.options.docker_host is None

    @property
    def own_repositories(self) -> bool:
        """Whether the stack hosts the Git repositories itself."""
        return self.options.environments is None

    def user(self, role: str) -> str | None:
        """The operating-system user of a role; None: the one that starts the stack."""
        return self.layout.user(role) if self.options.users else None

    def port(self, name: str) -> int:
        """Number of a named port."""
        return self.options.ports[name]

    def address(self, port: str) -> str:
        """`127.0.0.1:5000` of a named port."""
        return f"{LOOPBACK}:{self.port(port)}"

    @property
    def gateway(self) -> str:
        """Address of this machine, and of the node, in the pods' network."""
        return str(next(ipaddress.ip_network(self.options.subnet).hosts()))

    @property
    def service_range(self) -> str:
        """Cluster addresses of Services; never routed."""
        return "10.96.77.0/24"

    @property
    def registry(self) -> str:
        """Registry that images are pushed to: `127.0.0.1:5000`."""
        return self.options.registry or self.address("registry")

    @property
    def apiserver(self) -> str:
        """URL of the own API server."""
        return f"https://{self.address('apiserver')}"

    @property
    def prefect_api(self) -> str:
        """URL of the Prefect API."""
        return f"http://{self.address('prefect')}/api"

    @property
    def docker_host(self) -> str:
        """Where the Docker Engine answers."""
        return self.options.docker_host or f"unix://{self.layout.socket('docker')}"

    @property
    def environments_url(self) -> str:
        """Environment repository."""
        return self.options.environments or str(self.layout.git / "environments.git")

    @property
    def local_repositories(self) -> bool:
        """Whether the environment repository is a folder of this machine."""
        return "://" not in self.environments_url and self.environments_url.startswith("/")

    @property
    def search_path(self) -> str:
        """PATH of every component."""
        return f"{Path(self.python).parent}:{self.settings.tools}:{SYSTEM_PATH}"

    def variables(self) -> dict[str, str]:
        """Environment variables with which other verbs and a shell reach the stack."""
        return {
            "PREFECT_API_URL": self.prefect_api,
            "TOWPATH_ENVIRONMENTS": self.environments_url,
            "TOWPATH_GIT_ALLOW_FILE": "1" if self.local_repositories else "0",
            "KUBECONFIG": str(self.layout.kubeconfig("admin")),
            "DOCKER_HOST": self.docker_host,
            "TOWPATH_TRUSTED_KEYS": str(self.layout.trusted_keys),
        }
