"""One Lease of an API server (coordination.k8s.io/v1): read, and written only as it was read."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote

from towpath.adapters.kubernetes.errors import ApiConflictError, ApiRefusedError, translate
from towpath.adapters.kubernetes.wire import Request, Sender, Wire
from towpath.errors import MissingPartError
from towpath.kube.lease import GROUP, RESOURCE, VERBS
from towpath.objects import Manifest


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds it, since when, when that was said again, and for how many seconds it holds.

    `holder` is empty when it was given back. Times are RFC 3339; `manifest` is all that the server has.
    """

    holder: str
    seconds: int
    acquired: str
    renewed: str
    transitions: int
    manifest: Manifest = field(default_factory=dict, compare=False, repr=False)


def lease_time(at: datetime) -> str:
    """As the server wants it: with six digits after the second also where they are zeros."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class LeaseClient:
    """Asks for one Lease, once for each call, and waits `timeout` seconds for the answer.

    Raises as `Cluster`; MissingPartError without the right.
    """

    def __init__(self, server: str, sender: Sender, namespace: str, name: str, timeout: float) -> None:
        self._wire = Wire(server, sender, read_timeout=timeout)
        self.namespace, self.name = namespace, name
        self._path = f"/apis/{GROUP}/v1/namespaces/{quote(namespace)}/{RESOURCE}/{quote(name)}"

    def __str__(self) -> str:
        return f"Lease {self.namespace}/{self.name}"

    def read(self) -> Lease | None:
        """As it is now; None when there is none."""
        found = self._ask("GET", "read")
        return None if found is None else lease_of(found)

    def write(self, lease: Lease, *, dry_run: bool = False) -> Lease:
        """Make it so. ApiConflictError unless it is as it was read, or not there where none was read."""
        written = self._ask("PUT", "write", manifest_of(lease, self.namespace, self.name), dry_run=dry_run)
        return lease_of(written or {})

    def _ask(
        self, method: str, verb: str, content: Manifest | None = None, *, dry_run: bool = False
    ) -> Manifest | None:
        what = f"{verb} {self}"
        query = {"dryRun": "All"} if dry_run else {}
        answer = self._wire.ask(
            Request(method=method, path=self._path, query=query, content=content, what=what)
        )
        if method == "GET" and answer.status == 404:
            return None
        if answer.status < 400:
            return self._wire.read(answer, what)
        if answer.status == 422 and "resourceVersion" not in (content or {}).get("metadata", {}):
            raise ApiConflictError(f"{what}: it is there by now")  # such an update creates only
        error = translate(answer.status, answer.headers, answer.data, what=what, server=self._wire.server)
        if isinstance(error, ApiRefusedError) and error.status == 403:
            raise MissingPartError(
                error.message,
                remedy=f"The agent's account needs {', '.join(VERBS)} on {RESOURCE}.{GROUP} {self.name} in"
                f" the namespace {self.namespace}: the chart, or `towpath rbac --lease`, gives them.",
            ) from error
        raise error


def lease_of(manifest: Manifest) -> Lease:
    """What a Lease says. What it lacks, or has in a form of its own, counts as not said."""
    spec = manifest.get("spec") or {}
    return Lease(
        holder=str(spec.get("holderIdentity") or ""),
        seconds=int(spec.get("leaseDurationSeconds") or 0),
        acquired=str(spec.get("acquireTime") or ""),
        renewed=str(spec.get("renewTime") or ""),
        transitions=int(spec.get("leaseTransitions") or 0),
        manifest=manifest,
    )


def manifest_of(lease: Lease, namespace: str, name: str) -> Manifest:
    """The object to write: that which was read, labels and all, with what the Lease says now."""
    spec = {
        **(lease.manifest.get("spec") or {}),
        "holderIdentity": lease.holder,
        "leaseDurationSeconds": lease.seconds,
        "acquireTime": lease.acquired or None,
        "renewTime": lease.renewed or None,
        "leaseTransitions": lease.transitions,
    }
    head = {"apiVersion": f"{GROUP}/v1", "kind": "Lease"}
    metadata = lease.manifest.get("metadata") or {"name": name, "namespace": namespace}
    return {**head, "metadata": metadata, "spec": spec}


def released(lease: Lease, at: datetime) -> Lease:
    """Given back: whoever wants it may have it at once."""
    return replace(lease, holder="", seconds=1, renewed=lease_time(at))
