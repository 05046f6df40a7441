"""The registry, the Docker Engine and Prefect's server, agents of the local stack."""

from pathlib import Path

import towpath
from towpath.local.common.ports import LOOPBACK
from towpath.local.common.stack import POOLS, Stack
from towpath.local.common.system import effective_user
from towpath.local.parts import readiness
from towpath.local.parts.component import Component, program
from towpath.local.parts.process_environment import agent_environment, client_environment, python_environment
from towpath.orchestration.origin_guard import VARIABLE

FORK_SERVER = "fork-server"
_LAUNCH = Path(towpath.__file__).with_name("agent") / "launch.py"


def registry(stack: Stack) -> Component:
    """The OCI registry."""
    return Component(
        name="registry",
        role="registry",
        purpose="keeps images and releases",
        command=(program(stack, "docker-registry"), "serve", str(stack.layout.run / "registry.json")),
        ready=readiness.http("registry", "/v2/"),
        environment={"OTEL_TRACES_EXPORTER": "none"},
        ports=("registry",),
    )


def docker(stack: Stack) -> Component:
    """A private Docker Engine without a bridge network; it changes neither firewall nor interfaces."""
    return Component(
        name="docker",
        purpose="builds images",
        command=(
            program(stack, "dockerd"),
            f"--host={stack.docker_host}",
            f"--data-root={stack.layout.data / 'docker'}",
            f"--exec-root={stack.layout.run / 'docker'}",
            f"--pidfile={stack.layout.run / 'docker.pid'}",
            f"--config-file={stack.layout.run / 'docker.json'}",
            "--bridge=none",
            "--iptables=false",
            "--ip-forward=false",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            f"--cgroup-parent=/{stack.layout.cgroup}/docker",
            *([f"--group={group}"] if (group := stack.user("build")) else []),
            "--log-level=warn",
        ),
        ready=readiness.engine,
        stop_within=15,
    )


def prefect_server(stack: Stack) -> Component:
    """Prefect's API, UI and services, on SQLite."""
    data = stack.layout.data / "prefect"
    return Component(
        name="prefect-server",
        role="prefect",
        purpose="schedules and shows the flows",
        command=(stack.python, "-m", "towpath.orchestration.local_server", str(stack.port("prefect"))),
        ready=readiness.http("prefect", "/api/health"),
        environment={
            **python_environment(stack, "prefect"),
            "PREFECT_HOME": str(data),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{data / 'prefect.db'}",
            # The default, memory, would leak an environment's lock when the server restarts.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            # Each cancelled run of a whole day is looked at in each of these turns, by default every 20 s.
            "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "120",
            "PREFECT_SERVER_UI_API_URL": stack.prefect_api,
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(_origins(stack)),
            VARIABLE: ",".join(_origins(stack)),
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(data / "ui"),
        },
        ports=("prefect",),
        ready_within=120.0,
    )


def _origins(stack: Stack) -> tuple[str, ...]:
    """Where a person opens the UI."""
    return tuple(f"http://{host}:{stack.port('prefect')}" for host in (LOOPBACK, "localhost"))


def fork_server(stack: Stack) -> Component:
    """The preloaded process of the agents; it needs root to give them users of their own."""
    users = [user for pool in POOLS if (user := stack.user(pool))]
    return Component(
        name=FORK_SERVER,
        purpose="forks the agents, which share its memory",
        command=(
            *(stack.python, "-m", "towpath.cli.fork_server", str(stack.layout.socket(FORK_SERVER))),
            *(str(effective_user()), *users),
        ),
        ready=readiness.unix(lambda stack: stack.layout.socket(FORK_SERVER)),
        environment=client_environment(stack, FORK_SERVER),
        directory=str(stack.project),
        ready_within=120.0,
    )


def agent(stack: Stack, pool: str) -> Component:
    """`towpath agent` of an environment, or of `build`, with the credentials of that one only."""
    name = f"agent-{pool}"
    # A repository from outside may not have such an environment.
    ready = "/readyz" if stack.own_repositories else "/healthz"
    return Component(
        name=name,
        role=pool,
        purpose="builds, scans and pushes"
        if pool == "build"
        else f"promotes to {pool}, and heals it at once",
        command=(
            *(stack.python, "-I", "-S", str(_LAUNCH), str(stack.layout.socket(FORK_SERVER))),
            "agent",
            pool,
            f"--name=towpath-{pool}",
            "--interval=5",
            "--grace=10",
            f"--address={stack.address(name)}",
        ),
        ready=readiness.http(name, ready),
        environment=agent_environment(stack, pool),
        ports=(name,),
        needs=(FORK_SERVER, "prefect set-up", "accounts", "repositories", "deployments"),
        directory=str(stack.project),
        ready_within=180.0,
        stop_within=25,
    )
