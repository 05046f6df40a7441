"""From a kubeconfig and a context to a connection that is verified: no silently insecure TLS."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from kubernetes import client
from kubernetes.config import ConfigException, incluster_config, kube_config
from yaml import YAMLError

from towpath.adapters.kubernetes.cluster import Cluster
from towpath.adapters.kubernetes.wire import READ_TIMEOUT
from towpath.config import Environment
from towpath.errors import MissingPartError, RefusedError

_kube_config: Any = kube_config  # untyped
_incluster: Any = incluster_config
LOOPBACK = ("127.0.0.1", "localhost", "::1")
CONNECTIONS = 32
"""Kept open: two syncs at a time in one process need not connect anew."""
IN_CLUSTER = "in-cluster"


def connect(
    kubeconfig: str | None = None,
    context: str | None = None,
    *,
    allow_exec: bool = False,
    read_timeout: float = READ_TIMEOUT,
) -> Cluster:
    """The cluster of `context` in `kubeconfig`. A server that is silent for `read_timeout` seconds is away.

    Without a kubeconfig: KUBECONFIG, then the pod's own service account, then ~/.kube/config.
    Raises MissingPartError without any of them, RefusedError for unverified TLS or a forbidden exec plugin.
    """
    configuration = client.Configuration()
    kubeconfig = kubeconfig or os.environ.get("KUBECONFIG")
    inside = bool(os.environ.get(incluster_config.SERVICE_HOST_ENV_NAME))
    if kubeconfig == IN_CLUSTER or (not kubeconfig and not context and inside):
        _load_inside(configuration)
    else:
        _load(configuration, kubeconfig, context, allow_exec=allow_exec)
    _check_transport(configuration)
    # Retries are ours: urllib3's would repeat requests without telling.
    configuration.retries = urllib3.Retry(0, redirect=0)
    configuration.connection_pool_maxsize = CONNECTIONS
    return Cluster(client.ApiClient(configuration), read_timeout=read_timeout)


def connect_environment(environment: Environment, kubeconfig: str | None = None) -> Cluster:
    """The cluster that an environment names; `kubeconfig` is used where it names no file itself."""
    return connect(
        environment.kubeconfig or kubeconfig, environment.context, allow_exec=environment.allow_exec
    )


def shared_connection(environment: Environment, kubeconfig: str | None = None) -> Cluster:
    """As connect_environment, kept open for this process: known kinds and connections are used again.

    A kubeconfig that has been written anew gives a new connection.
    """
    named = environment.kubeconfig or kubeconfig or os.environ.get("KUBECONFIG")
    files = tuple(_written(Path(part).expanduser()) for part in (named or "").split(os.pathsep) if part)
    return _shared(named, environment.context, environment.allow_exec, files)


@lru_cache(maxsize=32)
def _shared(named: str | None, context: str | None, allow_exec: bool, _written: object) -> Cluster:
    return connect(named, context, allow_exec=allow_exec)


def _written(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _load(
    configuration: client.Configuration, kubeconfig: str | None, context: str | None, *, allow_exec: bool
) -> None:
    path = kubeconfig or str(Path("~/.kube/config").expanduser())
    files = [Path(part).expanduser() for part in path.split(os.pathsep) if part]
    if not any(file.is_file() for file in files):
        raise MissingPartError(
            f"no kubeconfig at {path}",
            remedy="Set KUBECONFIG, or start the local stack with `towpath local up`.",
        )
    try:
        merged = _kube_config.KubeConfigMerger(os.pathsep.join(str(file) for file in files)).config
        _check_user(merged, context, allow_exec=allow_exec)
        loader = _kube_config.KubeConfigLoader(
            config_dict=merged, active_context=context, config_base_path=None
        )
        loader.load_and_set(configuration)
    except (ConfigException, YAMLError, OSError, KeyError, TypeError, ValueError) as error:
        wanted = f"context {context!r} of " if context else ""
        raise MissingPartError(
            f"{wanted}kubeconfig {path} cannot be used: {error}",
            remedy="`kubectl config get-contexts` lists the contexts that it has.",
        ) from error


def _load_inside(configuration: client.Configuration) -> None:
    try:
        _incluster.load_incluster_config(client_configuration=configuration)
    except ConfigException as error:
        raise MissingPartError(
            f"this process has no service account of a cluster: {error}",
            remedy="Run it in a pod of the cluster, or name a kubeconfig.",
        ) from error


def _check_user(merged: Any, context: str | None, *, allow_exec: bool) -> None:
    if merged is None:
        raise ConfigException("the file is empty")
    name = context or merged.safe_get("current-context")
    if not name:
        raise ConfigException("it has no current-context")
    chosen = merged["contexts"].get_with_name(name)["context"]
    if chosen.safe_get("user") is None:
        return
    user = merged["users"].get_with_name(chosen["user"])["user"]
    # An auth-provider may name a program, too (`cmd-path`).
    runs = any(user.safe_get(key) is not None for key in ("exec", "auth-provider"))
    if runs and not allow_exec:
        raise RefusedError(
            f"context {name!r} runs a program to get its credentials, which is not allowed here",
            remedy="Use a kubeconfig with a token or a client certificate, or set `allowExec: true` for the"
            " environment in towpath.yaml.",
        )


def _check_transport(configuration: client.Configuration) -> None:
    address = urlsplit(configuration.host)
    if address.scheme != "https" and address.hostname not in LOOPBACK:
        raise RefusedError(
            f"the API server address {configuration.host} is not https", remedy="Use an https address."
        )
    if not configuration.verify_ssl:
        raise RefusedError(
            f"the kubeconfig turns off TLS verification for {configuration.host}",
            remedy="Replace `insecure-skip-tls-verify` by `certificate-authority-data`.",
        )
