"""The connection of a pod to its own cluster, by the service account that the kubelet mounts."""

import os

from towpath.adapters.kubernetes.kubeconfig import Chosen, ClusterEntry, UserEntry
from towpath.errors import MissingPartError

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


def is_inside() -> bool:
    """Whether this process runs in a pod."""
    return bool(os.environ.get(_HOST))


def chosen_inside() -> Chosen:
    """Token and authority are files, which are read again when they rotate. MissingPartError outside."""
    host, port = os.environ.get(_HOST), os.environ.get(_PORT)
    if not host or not port:
        raise MissingPartError(
            f"this process has no service account of a cluster: {_HOST} and {_PORT} are not set",
            remedy="Run it in a pod of the cluster, or name a kubeconfig.",
        )
    address = f"[{host}]" if ":" in host else host
    cluster = ClusterEntry(f"https://{address}:{port}", authority_file=f"{SERVICE_ACCOUNT}/ca.crt")
    user = UserEntry(token_file=f"{SERVICE_ACCOUNT}/token")
    return Chosen("in-cluster", "in-cluster", cluster, "in-cluster", user)
