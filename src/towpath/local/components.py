"""The components of the local stack, in one table: what runs, with which command, and when it is ready."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from towpath.local import readiness
from towpath.local.configuration import certificate, kubeconfigs
from towpath.local.ports import LOOPBACK
from towpath.local.readiness import Check
from towpath.local.stack import ENVIRONMENTS, NODE, POOLS, Stack
from towpath.local.tools import find

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
"""The only variables of the caller that every component gets: none of them is a credential of his."""
FOR_GIVEN_REPOSITORIES = ("SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "TOWPATH_GIT_HOSTS")
"""What workers get besides, when --environments names a repository that is not ours."""
FOR_GIVEN_REGISTRY = ("DOCKER_CONFIG",)
"""What workers get besides, when --registry names one that is not ours."""


@dataclass(frozen=True, slots=True)
class Component:
    """A long-running process. `needs` are components and steps (steps.py) that must be ready before.

    `ready_within` and `stop_within` are in seconds.
    """

    name: str
    what: str
    command: tuple[str, ...]
    ready: Check
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    ready_within: float = 60.0
    stop_within: int = 10
    directory: str | None = None


def components(stack: Stack) -> tuple[Component, ...]:
    """What this stack runs, in the order of starting; what was given from outside is left out."""
    table: list[Component] = [prefect_server(stack)]
    if stack.own_cluster:
        table += [make(stack) for make in CLUSTER]
    if stack.own_registry:
        table.append(registry(stack))
    if stack.own_engine:
        table.append(docker(stack))
    table += [worker(stack, pool) for pool in POOLS]
    return (*table, *(watch(stack, environment) for environment in ENVIRONMENTS))


def etcd(stack: Stack) -> Component:
    """The cluster's database."""
    authority, _ = certificate(stack, "ca")
    cert, key = certificate(stack, "etcd")
    client, peer = f"https://{stack.address('etcd')}", f"https://{stack.address('etcd-peer')}"
    return Component(
        name="etcd",
        what="the cluster's database",
        command=(
            _program(stack, "etcd"),
            f"--data-dir={stack.layout.data / 'etcd'}",
            "--name=towpath",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=towpath={peer}",
            f"--cert-file={cert}",
            f"--key-file={key}",
            f"--trusted-ca-file={authority}",
            "--client-cert-auth",
            f"--peer-cert-file={cert}",
            f"--peer-key-file={key}",
            f"--peer-trusted-ca-file={authority}",
            "--peer-client-cert-auth",
            "--log-level=warn",
        ),
        ready=readiness.https("etcd", "/health", "etcd-client"),
        ports=("etcd", "etcd-peer"),
    )


def apiserver(stack: Stack) -> Component:
    """The API server."""
    authority, _ = certificate(stack, "ca")
    cert, key = certificate(stack, "apiserver")
    etcd_cert, etcd_key = certificate(stack, "etcd-client")
    kubelet_cert, kubelet_key = certificate(stack, "apiserver-kubelet")
    _, accounts = certificate(stack, "service-accounts")
    return Component(
        name="kube-apiserver",
        what="the cluster's API",
        command=(
            _program(stack, "kube-apiserver"),
            f"--bind-address={LOOPBACK}",
            f"--secure-port={stack.port('apiserver')}",
            f"--advertise-address={stack.gateway}",
            "--endpoint-reconciler-type=none",
            f"--etcd-servers=https://{stack.address('etcd')}",
            f"--etcd-cafile={authority}",
            f"--etcd-certfile={etcd_cert}",
            f"--etcd-keyfile={etcd_key}",
            f"--tls-cert-file={cert}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={authority}",
            f"--kubelet-certificate-authority={authority}",
            f"--kubelet-client-certificate={kubelet_cert}",
            f"--kubelet-client-key={kubelet_key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts.with_suffix('.pub')}",
            f"--service-account-signing-key-file={accounts}",
            f"--service-cluster-ip-range={stack.service_range}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            # For an aggregated API; nobody holds a certificate of that name. Without it the others complain.
            f"--requestheader-client-ca-file={authority}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--profiling=false",
        ),
        ready=readiness.https("apiserver", "/readyz"),
        ports=("apiserver",),
        needs=("etcd",),
        stop_within=20,
    )


def controller_manager(stack: Stack) -> Component:
    """The controllers."""
    authority, authority_key = certificate(stack, "ca")
    cert, key = certificate(stack, "controller-manager")
    _, accounts = certificate(stack, "service-accounts")
    path = kubeconfigs(stack)["controller-manager"]
    return Component(
        name="kube-controller-manager",
        what="the cluster's controllers",
        command=(
            _program(stack, "kube-controller-manager"),
            f"--kubeconfig={path}",
            f"--authentication-kubeconfig={path}",
            f"--authorization-kubeconfig={path}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={stack.port('controller-manager')}",
            f"--tls-cert-file={cert}",
            f"--tls-private-key-file={key}",
            f"--root-ca-file={authority}",
            f"--cluster-signing-cert-file={authority}",
            f"--cluster-signing-key-file={authority_key}",
            f"--service-account-private-key-file={accounts}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--profiling=false",
            # Its default of 20 requests a second is for clusters of many; here people would only wait.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ),
        ready=readiness.https("controller-manager", "/healthz"),
        ports=("controller-manager",),
        needs=("kube-apiserver",),
    )


def scheduler(stack: Stack) -> Component:
    """The scheduler."""
    cert, key = certificate(stack, "scheduler")
    path = kubeconfigs(stack)["scheduler"]
    return Component(
        name="kube-scheduler",
        what="places pods",
        command=(
            _program(stack, "kube-scheduler"),
            f"--kubeconfig={path}",
            f"--authentication-kubeconfig={path}",
            f"--authorization-kubeconfig={path}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={stack.port('scheduler')}",
            f"--tls-cert-file={cert}",
            f"--tls-private-key-file={key}",
            "--leader-elect=false",
            "--profiling=false",
        ),
        ready=readiness.https("scheduler", "/healthz"),
        ports=("scheduler",),
        needs=("kube-apiserver",),
    )


def containerd(stack: Stack) -> Component:
    """The container runtime, apart from Docker's."""
    return Component(
        name="containerd",
        what="runs the pods' containers",
        command=(
            _program(stack, "containerd"),
            "--config",
            str(stack.layout.run / "containerd" / "config.toml"),
        ),
        ready=readiness.unix(lambda stack: stack.layout.run / "containerd" / "containerd.sock"),
    )


def kubelet(stack: Stack) -> Component:
    """The node."""
    return Component(
        name="kubelet",
        what="the cluster's node",
        command=(
            _program(stack, "kubelet"),
            f"--config={stack.layout.run / 'kubelet.json'}",
            f"--kubeconfig={kubeconfigs(stack)['kubelet']}",
            f"--root-dir={stack.layout.data / 'kubelet'}",
            f"--cert-dir={stack.layout.data / 'kubelet' / 'pki'}",
            f"--hostname-override={NODE}",
            f"--node-ip={stack.gateway}",
        ),
        ready=readiness.node,
        ports=("kubelet", "kubelet-health"),
        needs=("containerd", "kube-apiserver", "network", "pause image", "kube-controller-manager"),
    )


CLUSTER: tuple[Callable[[Stack], Component], ...] = (
    etcd,
    apiserver,
    controller_manager,
    scheduler,
    containerd,
    kubelet,
)
"""The one-node Kubernetes. No kube-proxy: the API server's proxy reaches the pods."""


def registry(stack: Stack) -> Component:
    """The OCI registry."""
    return Component(
        name="registry",
        what="keeps images and releases",
        command=(_program(stack, "docker-registry"), "serve", str(stack.layout.run / "registry.json")),
        ready=readiness.http("registry", "/v2/"),
        environment={"OTEL_TRACES_EXPORTER": "none"},
        ports=("registry",),
    )


def docker(stack: Stack) -> Component:
    """A private Docker Engine: builds without network, changes neither firewall nor interfaces."""
    return Component(
        name="docker",
        what="builds images",
        command=(
            _program(stack, "dockerd"),
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
        what="schedules and shows the flows",
        command=(
            stack.python,
            "-m",
            "uvicorn",
            "--factory",
            "towpath.cli.prefect_server:create_app",
            f"--host={LOOPBACK}",
            f"--port={stack.port('prefect')}",
            "--timeout-keep-alive=5",
            "--timeout-graceful-shutdown=3",
            "--log-level=warning",
        ),
        ready=readiness.http("prefect", "/api/health"),
        environment={
            **_python_environment(stack, "prefect"),
            "PREFECT_HOME": str(data),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{data / 'prefect.db'}",
            # Memory, the default, would leak an environment's lock when the server restarts.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_UI_API_URL": stack.prefect_api,
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(data / "ui"),
        },
        ports=("prefect",),
        ready_within=120.0,
    )


def worker(stack: Stack, pool: str) -> Component:
    """A worker: runs the flows of one work pool, with the credentials of that pool and no other."""
    return Component(
        name=f"worker-{pool}",
        what=f"runs the flows of pool {pool}",
        command=(
            stack.python,
            "-m",
            "prefect",
            "worker",
            "start",
            f"--pool={pool}",
            "--type=process",
            f"--name=towpath-{pool}",
            "--install-policy=never",
        ),
        ready=readiness.worker(pool),
        environment=worker_environment(stack, pool),
        needs=("prefect set-up", "accounts", "repositories"),
        directory=str(stack.project),
        # SQLite makes a server's first minute a slow one when everybody comes at once.
        ready_within=180.0,
        stop_within=15,
    )


def watch(stack: Stack, environment: str) -> Component:
    """Heals an environment at once, with the credentials of its worker."""
    name = f"watch-{environment}"
    # Whether a repository that was given has such an environment is not for the stack to say.
    ready = "/readyz" if stack.own_repositories else "/healthz"
    return Component(
        name=name,
        what=f"heals {environment} at once",
        command=(
            str(Path(stack.python).with_name("towpath")),
            "watch",
            environment,
            "--interval=5",
            f"--metrics-address={stack.address(name)}",
        ),
        ready=readiness.http(name, ready),
        environment=worker_environment(stack, environment, name),
        ports=(name,),
        needs=("prefect set-up", "accounts", "repositories", "deployments"),
        directory=str(stack.project),
        ready_within=180.0,
        stop_within=15,
    )


def worker_environment(stack: Stack, pool: str, name: str = "") -> dict[str, str]:
    """All that a worker, and so its flow runs, see; `name` is another component's with the same rights.

    TOWPATH_HOME is its own: the settings of the stack's name the admin's credentials.
    """
    name = name or f"worker-{pool}"
    environment = {
        **_python_environment(stack, name),
        **project_environment(stack),
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "TOWPATH_HOME": str(stack.layout.data / "home" / name / "towpath"),
        "TOWPATH_CACHE": str(stack.settings.cache),
        "TOWPATH_ENVIRONMENTS": stack.environments_url,
        "TOWPATH_GIT_ALLOW_FILE": "1" if stack.local_repositories else "0",
        **({} if stack.own_repositories else _passed(FOR_GIVEN_REPOSITORIES)),
        **({} if stack.own_registry else _passed(FOR_GIVEN_REGISTRY)),
    }
    if pool == "build":
        environment["DOCKER_HOST"] = stack.docker_host
    else:
        environment["KUBECONFIG"] = str(stack.layout.kubeconfig(pool))
    return environment


def project_environment(stack: Stack) -> dict[str, str]:
    """What finds the flows, their imports and the server."""
    return {"PREFECT_API_URL": stack.prefect_api, "PYTHONPATH": str(stack.project)}


def _python_environment(stack: Stack, name: str) -> dict[str, str]:
    home = stack.layout.data / "home" / name
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


def _program(stack: Stack, name: str) -> str:
    return str(find(name, stack.settings) or name)
