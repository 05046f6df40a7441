"""The API server: the only package that imports `kubernetes`.

`connect` gives a `Cluster`: raw JSON in and out, every foreign exception already translated.
"""

from towpath.adapters.kubernetes.cluster import Cluster
from towpath.adapters.kubernetes.connect import (
    connect,
    connect_environment,
    connect_lease,
    shared_connection,
)
from towpath.adapters.kubernetes.discovery import Kinds, Resource
from towpath.adapters.kubernetes.errors import (
    ApiAwayError,
    ApiConflictError,
    ApiRefusedError,
    FieldOwner,
    TooDeepError,
)
from towpath.adapters.kubernetes.lease import Lease, LeaseClient, lease_time, released
from towpath.adapters.kubernetes.watch import (
    Collection,
    Sink,
    Watchable,
    WatchEvent,
    WatchExpiredError,
    follow,
)
from towpath.adapters.kubernetes.workloads import LogQuery, ServiceAnswer

__all__ = [
    "ApiAwayError",
    "ApiConflictError",
    "ApiRefusedError",
    "Cluster",
    "Collection",
    "FieldOwner",
    "Kinds",
    "Lease",
    "LeaseClient",
    "LogQuery",
    "Resource",
    "ServiceAnswer",
    "Sink",
    "TooDeepError",
    "WatchEvent",
    "WatchExpiredError",
    "Watchable",
    "connect",
    "connect_environment",
    "connect_lease",
    "follow",
    "lease_time",
    "released",
    "shared_connection",
]
