"""The connection of a pod to its own cluster, by the service account that the kubelet mounts."""

import contextlib
import os
from multiprocessing import get_context
from multiprocessing.connection import Connection

from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.kubeconfig import Chosen, ClusterEntry, UserEntry
from towpath.errors import MissingPartError, TowpathError

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"
_found: Chosen | None = None


def is_inside() -> bool:
    """Whether this process runs in a pod."""
    return bool(os.environ.get(_HOST))


def find_inside() -> None:
    """Let `chosen_inside` answer here, and in what is forked from here, without 9 MB of the official client.

    A process of its own asks it, and ends. What goes wrong is told by the next one who wants to know.
    """
    global _found  # noqa: PLW0603
    fork = get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_tell, args=(sender,), name="account")
    process.start()
    sender.close()
    with contextlib.suppress(EOFError):
        _found = receiver.recv()
    receiver.close()
    process.join()
    process.close()


def _tell(sender: Connection) -> None:
    with contextlib.suppress(TowpathError):
        sender.send(chosen_inside())


def chosen_inside() -> Chosen:
    """What the official client finds in this pod. Its files are read again by us when they rotate.

    Raises MissingPartError outside of a pod, KubeconfigError where a file is missing or empty.
    """
    if _found is not None:
        return _found
    if not os.environ.get(_HOST) or not os.environ.get(_PORT):
        raise MissingPartError(
            f"this process has no service account of a cluster: {_HOST} and {_PORT} are not set",
            remedy="Run it in a pod of the cluster, or name a kubeconfig.",
        )
    # Its import takes 0.4 s and 20 MB: only pods pay for it, and agents for a moment.
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException
    from kubernetes.config.incluster_config import InClusterConfigLoader

    token, authority = f"{SERVICE_ACCOUNT}/token", f"{SERVICE_ACCOUNT}/ca.crt"
    found = Configuration()
    try:
        InClusterConfigLoader(token, authority, try_refresh_token=False).load_and_set(found)
    except ConfigException as error:
        raise KubeconfigError(f"{SERVICE_ACCOUNT}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"{SERVICE_ACCOUNT} cannot be read: {error}") from error
    cluster = ClusterEntry(found.host, authority_file=found.ssl_ca_cert)
    return Chosen("in-cluster", "in-cluster", cluster, "in-cluster", UserEntry(token_file=token))
