"""The connection of a pod to its own cluster, by the service account that the kubelet mounts."""

import os

from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.kubeconfig import Chosen, ClusterEntry, UserEntry
from towpath.errors import MissingPartError

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


def is_inside() -> bool:
    """Whether this process runs in a pod."""
    return bool(os.environ.get(_HOST))


def chosen_inside() -> Chosen:
    """What the official client finds in this pod. Its files are read again by us when they rotate.

    Raises MissingPartError outside of a pod, KubeconfigError where a file is missing or empty.
    """
    if not os.environ.get(_HOST) or not os.environ.get(_PORT):
        raise MissingPartError(
            f"this process has no service account of a cluster: {_HOST} and {_PORT} are not set",
            remedy="Run it in a pod of the cluster, or name a kubeconfig.",
        )
    # Its import takes 0.4 s and 20 MB: only pods pay for it.
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
