"""Settings from environment variables, read once at the start; the local stack supplies missing ones."""

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from towpath.errors import MissingPartError

SIGNING_KEY = "TOWPATH_SIGNING_KEY"
"""File of the agent's private key. The local stack hands it to that agent alone, never to a shell."""
TRUSTED_KEYS = "TOWPATH_TRUSTED_KEYS"
"""File of the public keys that are trusted (`allowed_signers`)."""
GIT_CONFIG = "TOWPATH_GIT_CONFIG"
"""File of Git configuration that goes for every Git process; without it there is none."""
GIT_TIMEOUT = 120.0
"""Seconds for one Git operation over the network."""
STACK_VARIABLES = (
    "PREFECT_API_URL",
    "TOWPATH_ENVIRONMENTS",
    "TOWPATH_GIT_ALLOW_FILE",
    "KUBECONFIG",
    "DOCKER_HOST",
    TRUSTED_KEYS,
)
"""Variables that the local stack may set in its `settings.json`."""


@dataclass(frozen=True, slots=True)
class ClusterConnection:
    """Which cluster is meant, and as whom: what the machine says, and nothing else.

    `context`: None when the machine says nothing about it, empty for the kubeconfig's current one.
    """

    kubeconfig: str | None = None
    context: str | None = None
    allow_exec: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Addresses and folders. None: the setting is not set."""

    environments: str | None
    branch: str
    prefect_api_url: str | None
    git_allow_file: bool
    kubeconfig: str | None
    context: str | None
    allow_exec: bool
    docker_host: str | None
    buildkit_host: str | None
    buildkit_tls: Path | None
    trivy: str | None
    signing_key: Path | None
    trusted_keys: Path | None
    cache: Path
    home: Path
    variables: Mapping[str, str] = field(repr=False)

    def environments_url(self) -> str:
        """URL of the environment repository; MissingPartError when it is not set."""
        if not self.environments:
            raise MissingPartError(
                "no environment repository is known",
                remedy="Set TOWPATH_ENVIRONMENTS to its Git URL (`towpath init` makes one),"
                " or run `towpath local up` for an example.",
            )
        return self.environments

    def signing_key_file(self) -> Path:
        """The private key of this agent; MissingPartError when none is named."""
        if self.signing_key is None:
            raise MissingPartError(
                "no signing key is configured, and what is not signed proves nothing",
                remedy="`towpath keys make NAME` makes one for the agent NAME; name its file by"
                f" `keys.signing` in agent.yaml, or by {SIGNING_KEY}.",
            )
        return self.signing_key

    @property
    def connection(self) -> ClusterConnection:
        """The cluster that this machine leads to."""
        return ClusterConnection(self.kubeconfig, self.context, self.allow_exec)

    @property
    def tools(self) -> Path:
        """Folder of the programs that the set-up of the local stack built or installed."""
        return self.cache / "tools" / "bin"

    @property
    def keys(self) -> Path:
        """Folder of the keys that `towpath keys` keeps, unless TOWPATH_KEYS names another."""
        return self.home / "keys"

    @property
    def renders(self) -> Path:
        """Folder of the render cache."""
        return self.cache / "renders"

    @property
    def local(self) -> Path:
        """Folder of the local stack's state."""
        return self.home / "local"

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "Settings":
        """Read `environ`; a missing variable comes from the local stack's `settings.json`, if any."""
        user_home = Path(environ.get("HOME") or Path.home())
        home = Path(environ.get("TOWPATH_HOME") or user_home / ".local/share/towpath")
        variables = dict(_stack_variables(home / "local" / "settings.json"))
        # Own servers or repositories are never mixed with those of the local stack.
        if any(environ.get(name) for name in ("PREFECT_API_URL", "TOWPATH_ENVIRONMENTS")):
            variables = {}
        variables.update({name: environ[name] for name in environ if environ[name]})
        return cls(
            environments=variables.get("TOWPATH_ENVIRONMENTS"),
            branch=variables.get("TOWPATH_ENVIRONMENTS_BRANCH", "main"),
            prefect_api_url=variables.get("PREFECT_API_URL"),
            git_allow_file=variables.get("TOWPATH_GIT_ALLOW_FILE") == "1",
            kubeconfig=variables.get("KUBECONFIG"),
            context=environ.get("TOWPATH_CONTEXT"),
            allow_exec=environ.get("TOWPATH_ALLOW_EXEC") == "1",
            docker_host=variables.get("DOCKER_HOST"),
            buildkit_host=environ.get("BUILDKIT_HOST"),
            buildkit_tls=_path(environ.get("TOWPATH_BUILDKIT_TLS")),
            trivy=variables.get("TOWPATH_TRIVY"),
            signing_key=_path(environ.get(SIGNING_KEY)),
            trusted_keys=_path(variables.get(TRUSTED_KEYS)),
            cache=Path(variables.get("TOWPATH_CACHE") or user_home / ".cache/towpath"),
            home=home,
            variables={name: variables[name] for name in STACK_VARIABLES if name in variables},
        )

    def export(self, environ: MutableMapping[str, str]) -> None:
        """Set the variables that `environ` lacks, for libraries that read it themselves."""
        for name, value in self.variables.items():
            environ.setdefault(name, value)


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None


def _stack_variables(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: content[name] for name in STACK_VARIABLES if isinstance(content.get(name), str)}
