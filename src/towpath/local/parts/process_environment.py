"""Environment variables of the stack's Python processes: no credentials of the caller or of another pool."""

import os
from collections.abc import Iterable

from towpath.local.common.ports import LOOPBACK
from towpath.local.common.stack import Stack
from towpath.settings import GIT_CONFIG, SIGNING_KEY, TRUSTED_KEYS

PASSED_ON = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TOWPATH_ENVIRONMENTS_BRANCH",
    "TOWPATH_TRIVY",
    "TZ",
    "http_proxy",
    "https_proxy",
)
"""The caller's variables that every component gets; none of them holds a credential."""
FOR_GIVEN_REPOSITORIES = ("SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "TOWPATH_GIT_HOSTS")
"""Further variables for agents when --environments names a repository outside of the stack."""
FOR_GIVEN_REGISTRY = ("DOCKER_CONFIG",)
"""Further variables for agents when --registry names a registry outside of the stack."""


def agent_environment(stack: Stack, pool: str) -> dict[str, str]:
    """The whole environment of a pool's agent and its flow runs.

    TOWPATH_HOME differs from the stack's, whose settings name the administrator's credentials.
    """
    name = f"agent-{pool}"
    environment = {
        **client_environment(stack, name),
        "TOWPATH_CACHE": str(stack.layout.home_of(name) / "cache"),
        "TOWPATH_ENVIRONMENTS": stack.environments_url,
        "TOWPATH_GIT_ALLOW_FILE": "1" if stack.local_repositories else "0",
        SIGNING_KEY: str(stack.layout.signing_key(pool)),
        TRUSTED_KEYS: str(stack.layout.trusted_keys),
        **({} if stack.own_repositories else _passed(FOR_GIVEN_REPOSITORIES)),
        **({} if stack.own_registry else _passed(FOR_GIVEN_REGISTRY)),
    }
    if stack.options.users and stack.own_repositories:
        environment[GIT_CONFIG] = str(stack.layout.git_config)
    if pool == "build":
        environment["DOCKER_HOST"] = stack.docker_host
    else:
        environment["KUBECONFIG"] = str(stack.layout.kubeconfig(pool))
    return environment


def client_environment(stack: Stack, name: str) -> dict[str, str]:
    """The variables of an agent, and of the process from which all are forked: it holds nothing of one agent.

    The settings of Prefect must be the same in both, but for its home: orchestration/profile.py.
    """
    return {
        **python_environment(stack, name),
        "PREFECT_API_URL": stack.prefect_api,
        "PYTHONPATH": str(stack.project),
        # Our server asks for no CSRF tokens; a run would request one for each of its clients.
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",  # as agent/start.py
        "TOWPATH_HOME": str(stack.layout.home_of(name) / "towpath"),
    }


def python_environment(stack: Stack, name: str) -> dict[str, str]:
    """The variables of every Python component; `name` selects its home folder."""
    home = stack.layout.home_of(name)
    return {
        **_passed(PASSED_ON),
        "PATH": stack.search_path,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_PROXY": f"{LOOPBACK},localhost,{stack.options.subnet}",
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_CLI_COLORS": "false",
        "PREFECT_LOGGING_COLORS": "false",
        "PREFECT_LOGGING_LEVEL": "INFO",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _passed(names: Iterable[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if os.environ.get(name)}
