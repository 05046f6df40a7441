"""From a kubeconfig and a context to a connection: verified TLS, and nobody else than the file says."""

import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from towpath.adapters.kubernetes.cluster import Cluster
from towpath.adapters.kubernetes.credentials import Given, Nobody, Source
from towpath.adapters.kubernetes.exec_plugin import shared_source
from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.in_cluster import chosen_inside, is_inside
from towpath.adapters.kubernetes.kubeconfig import Chosen, choose, merge, parse, validate
from towpath.adapters.kubernetes.lease import LeaseClient
from towpath.adapters.kubernetes.proxy import proxy_of
from towpath.adapters.kubernetes.tls import read_file
from towpath.adapters.kubernetes.transport import Endpoint, Transport
from towpath.adapters.kubernetes.wire import READ_TIMEOUT
from towpath.config import Environment
from towpath.errors import MissingPartError, RefusedError
from towpath.settings import ClusterConnection

LOOPBACK = ("127.0.0.1", "localhost", "::1")
IN_CLUSTER = "in-cluster"
_DEFAULT = "~/.kube/config"


def connect(
    kubeconfig: str | None = None,
    context: str | None = None,
    *,
    allow_exec: bool = False,
    read_timeout: float = READ_TIMEOUT,
) -> Cluster:
    """The cluster of `context` in `kubeconfig`. A server that is silent for `read_timeout` seconds is away.

    An empty context is the current one. Without a kubeconfig: KUBECONFIG, then the pod's own service
    account, then ~/.kube/config.
    Raises MissingPartError without any of them and where kubectl would find it unusable, RefusedError for
    what is not done here: unverified TLS, a forbidden exec plugin, sending no credentials by mistake;
    TerminalError when a plugin fails.
    """
    address, transport = _connected(kubeconfig, context, allow_exec=allow_exec, fenced=True)
    return Cluster(address, transport, read_timeout=read_timeout)


def connect_lease(connection: ClusterConnection, namespace: str, name: str, timeout: float) -> LeaseClient:
    """The Lease of that name in the cluster of `connection`; raises as `connect`.

    It may be written without leading: that is how one comes to lead.
    """
    where, context = connection.kubeconfig, connection.context
    address, transport = _connected(where, context, allow_exec=connection.allow_exec, fenced=False)
    return LeaseClient(address, transport, namespace, name, timeout)


def _connected(
    kubeconfig: str | None, context: str | None, *, allow_exec: bool, fenced: bool
) -> tuple[str, Transport]:
    """The server's URL, and what sends requests there."""
    named = kubeconfig or os.environ.get("KUBECONFIG")
    inside = named == IN_CLUSTER or (not named and not context and is_inside())
    where = "the pod's service account" if inside else f"kubeconfig {named or Path(_DEFAULT).expanduser()}"
    try:
        chosen = _choose_inside(context) if inside else _choose(named or _DEFAULT, context)
        address = _checked_address(chosen)
        _check_user(chosen, tls=address.scheme == "https", allow_exec=allow_exec)
        validate(chosen)
        return address.geturl(), _transport(chosen, address, fenced=fenced)
    except KubeconfigError as error:
        wanted = f"context {context!r} of " if context else ""
        raise MissingPartError(
            f"{wanted}{where} cannot be used: {error}",
            remedy="`kubectl config get-contexts` lists the contexts that it has, and"
            " `kubectl auth whoami` says whether it gives access.",
        ) from error


def connect_environment(environment: Environment, connection: ClusterConnection) -> Cluster:
    """The cluster of `connection`, for the work of one environment.

    Raises RefusedError where towpath.yaml names a cluster and the machine no context, else as `connect`.
    """
    _require_machine_choice(environment, connection)
    return connect(connection.kubeconfig, connection.context, allow_exec=connection.allow_exec)


def shared_connection(environment: Environment, connection: ClusterConnection) -> Cluster:
    """As connect_environment, kept open for this process: known kinds and connections are used again.

    A kubeconfig that has been written anew gives a new connection.
    """
    _require_machine_choice(environment, connection)
    named = connection.kubeconfig or os.environ.get("KUBECONFIG")
    files = tuple(_written(file) for file in _files(named or _DEFAULT))
    return _shared(named, connection.context, connection.allow_exec, files)


def is_named(connection: ClusterConnection) -> bool:
    """Whether this machine says anything about a cluster: a kubeconfig, a context, or a pod's account.

    A kubeconfig that is named and not there, or cannot be used, says something: connecting tells what.
    """
    if connection.kubeconfig or connection.context or os.environ.get("KUBECONFIG"):
        return True
    return is_inside() or any(file.exists() for file in _files(_DEFAULT))


def _require_machine_choice(environment: Environment, connection: ClusterConnection) -> None:
    """Refuse where the current context may be another cluster than the one that towpath.yaml names.

    Whoever pushes to the environment repository chooses no cluster, no credentials and no program.
    """
    named = [f"`{key}`" for key in ("kubeconfig", "context") if getattr(environment, key) is not None]
    if named and connection.context is None:
        keys = " and ".join(named)
        raise RefusedError(
            f"towpath.yaml names the {keys} of {environment.name}, which is not obeyed, and this machine"
            f" does not say which context leads to {environment.name}",
            remedy="Set KUBECONFIG and TOWPATH_CONTEXT (empty: its current context; for one command:"
            " --context; in agent.yaml: `cluster: {kubeconfig, context}`), and remove"
            f" {keys} from towpath.yaml.",
        )


@lru_cache(maxsize=32)
def _shared(named: str | None, context: str | None, allow_exec: bool, _written: object) -> Cluster:
    return connect(named, context, allow_exec=allow_exec)


def _written(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _files(named: str) -> list[Path]:
    """Each file once, absolute, with its symbolic links."""
    parts = dict.fromkeys(part for part in named.split(os.pathsep) if part)
    return [Path(part).expanduser().absolute() for part in parts]


def _choose_inside(context: str | None) -> Chosen:
    if context:
        raise KubeconfigError("it has no contexts")
    return chosen_inside()


def _choose(named: str, context: str | None) -> Chosen:
    there = [file for file in _files(named) if file.exists()]
    if not there:
        raise MissingPartError(
            f"no kubeconfig at {Path(named).expanduser()}",
            remedy="Set KUBECONFIG, or start the local stack with `towpath local up`.",
        )
    return choose(merge([parse(read_file(str(file)), str(file)) for file in there]), context)


def _checked_address(chosen: Chosen) -> SplitResult:
    """The server's address, as it is asked: https, or this machine."""
    server = chosen.cluster.server
    try:
        address = urlsplit(server)
        _ = address.port
    except ValueError:
        raise KubeconfigError(f"the `server` of cluster {chosen.cluster_name!r} is no URL") from None
    if not server:
        raise KubeconfigError(f"cluster {chosen.cluster_name!r} has no `server`")
    if address.scheme not in ("http", "https") or not address.hostname:
        raise KubeconfigError(f"the `server` of cluster {chosen.cluster_name!r} does not begin with https://")
    if "@" in address.netloc or server != server.strip() or not server.isprintable():
        raise KubeconfigError(f"the `server` of cluster {chosen.cluster_name!r} is no plain URL")
    if address.scheme != "https" and address.hostname not in LOOPBACK:
        raise RefusedError(f"the API server address {server} is not https", remedy="Use an https address.")
    if chosen.cluster.skip_tls_verify:
        raise RefusedError(
            f"the kubeconfig turns off TLS verification for {server}",
            remedy="Replace `insecure-skip-tls-verify` by `certificate-authority-data`.",
        )
    return address._replace(path=address.path.rstrip("/"), query="", fragment="")


def _check_user(chosen: Chosen, *, tls: bool, allow_exec: bool) -> None:
    """Refuses ways that are closed here, and going on without the credentials that the file speaks of."""
    name, user = chosen.context, chosen.user
    if user.auth_provider is not None:
        raise RefusedError(
            f"context {name!r} gets its credentials by the auth-provider {user.auth_provider!r}, which is not"
            " supported",
            remedy="Use an exec plugin, a token or a client certificate.",
        )
    if user.username or user.password:
        raise RefusedError(
            f"context {name!r} has a username or password, which API servers since Kubernetes 1.19 do not"
            " look at: they would take it for anonymous",
            remedy="Use a token, a client certificate or an exec plugin.",
        )
    if user.plugin is not None and not allow_exec:
        raise RefusedError(
            f"context {name!r} runs a program to get its credentials, which is not allowed here",
            remedy="Use a kubeconfig with a token or a client certificate, or let this machine run it:"
            " TOWPATH_ALLOW_EXEC=1, in agent.yaml `cluster: {allowExec: true}`.",
        )
    has_credentials = user.has_token or user.has_certificate or user.exec_plugin is not None
    if tls and not has_credentials:
        raise RefusedError(
            f"context {name!r} has no credentials: user {chosen.user_name!r} has neither token, client"
            " certificate nor exec plugin, and would be anonymous",
            remedy="Name a user that has credentials.",
        )
    if not tls and has_credentials:
        raise RefusedError(
            f"context {name!r} has credentials, which are never sent to an http address",
            remedy="Use an https address, or a user without credentials behind `kubectl proxy`.",
        )


def _transport(chosen: Chosen, address: SplitResult, *, fenced: bool) -> Transport:
    cluster = chosen.cluster
    tls = address.scheme == "https"
    proxy = proxy_of(address.geturl(), cluster.proxy_url, os.environ)
    if proxy is not None and not tls:
        raise KubeconfigError("an http address is not asked through a proxy")
    authority = cluster.authority or (read_file(cluster.authority_file) if cluster.authority_file else b"")
    source: Source
    if not tls:
        source = Nobody()
    elif plugin := chosen.user.plugin:
        source = shared_source(plugin, cluster, authority)
    else:
        source = Given(chosen.user)
    endpoint = Endpoint(tls, cluster.authority, cluster.authority_file, cluster.tls_server_name, proxy)
    return Transport(endpoint, source, chosen.user.impersonation, fenced=fenced)
