"""Reads and makes the key of recorded digests in an environment's namespace (applyset/digest_key.py)."""

from towpath.adapters.kubernetes import ApiConflictError, ApiRefusedError, Cluster
from towpath.applyset.digest_key import key_of, key_ref, new_key_secret


def read_key(cluster: Cluster, namespace: str) -> bytes | None:
    """The namespace's key; None where there is none, or where this account may not read it."""
    try:
        return key_of(cluster.get(key_ref(namespace)))
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        return None


def make_key(cluster: Cluster, namespace: str) -> bytes | None:
    """The namespace's key, made now if there is none.

    None where this account may neither make nor read it: digests then leave out secret values.
    """
    try:
        return key_of(cluster.create(new_key_secret(namespace)))
    except ApiConflictError:
        return read_key(cluster, namespace)
    except ApiRefusedError:
        return None
