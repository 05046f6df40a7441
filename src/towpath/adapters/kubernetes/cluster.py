"""One cluster, as thin as can be: raw JSON in and out.

Every method raises ApiAwayError (a TransientError) when the server is away or overloaded for longer than it
may be, ApiConflictError for 409, ApiRefusedError for everything else that it refuses. All methods may be
called from several threads.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from towpath.adapters.kubernetes import discovery, watch
from towpath.adapters.kubernetes.discovery import Kinds, Resource
from towpath.adapters.kubernetes.errors import ApiRefusedError
from towpath.adapters.kubernetes.watch import WatchEvent
from towpath.adapters.kubernetes.wire import APPLY, READ_TIMEOUT, Request, Sender, Wire
from towpath.adapters.kubernetes.workloads import Workloads
from towpath.objects import Manifest, ObjectRef, group_of, ref_of
from towpath.redact import remember_objects

MANAGER = "towpath"
JSON = "application/json"
METADATA = f"{JSON};as=PartialObjectMetadata;v=v1;g=meta.k8s.io,{JSON}"
METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,{JSON}"
PAGE = 500
"""Objects of one answer to a list: so many are held as text and as objects at once."""


class Which(TypedDict, total=False):
    """What is listed: by selectors (`labels`, `fields`), and how much of each object.

    Without `managed_fields` objects are half as large, and nobody learns who owns which field.
    """

    version: str | None
    labels: str
    fields: str
    metadata_only: bool
    managed_fields: bool


class Cluster(Workloads):
    """An API server. `server` is its URL; `read_timeout` is in seconds."""

    def __init__(self, server: str, sender: Sender, *, read_timeout: float = READ_TIMEOUT) -> None:
        self._wire = Wire(server, sender, read_timeout=read_timeout)
        self._kinds: Kinds | None = None
        self._lock = threading.Lock()
        self.server = self._wire.server

    # Kinds

    def discover(self, *, refresh: bool = False) -> Kinds:
        """The kinds that are served; asked once, and again with `refresh` (after a new CRD)."""
        with self._lock:
            if self._kinds is None or refresh:
                self._kinds = discovery.discover(
                    lambda path, accept: self._wire.json(
                        Request(method="GET", path=path, accept=accept, what="discover the API")
                    )
                )
            return self._kinds

    def resource(self, group: str, kind: str, version: str | None = None) -> Resource:
        """The kind, or ApiRefusedError (404) after a second look at what is served."""
        for refresh in (False, True):
            if found := self.discover(refresh=refresh).find(group, kind, version):
                return found
        named = "/".join(part for part in (group, version) if part) or "v1"
        others = self.discover().other_versions(group, kind)
        hint = f"it serves {', '.join(others)}" if others else "is its CRD installed?"
        reason = f"{self.server} serves no {kind} in {named}; {hint}"
        raise ApiRefusedError(f"kind {kind}", status=404, reason=reason)

    def version(self) -> str:
        """The version that the server says it has, as `v1.35.4`; empty where it does not."""
        try:
            told = self._wire.json(
                Request(method="GET", path="/version", accept=JSON, what="ask for the version")
            )
        except ApiRefusedError:
            return ""
        return str(told.get("gitVersion") or "")

    # Reading

    def get(
        self, ref: ObjectRef, *, version: str | None = None, metadata_only: bool = False
    ) -> Manifest | None:
        """The live object in that version (the preferred one if left out), or None."""
        accept = METADATA if metadata_only else JSON
        resource = self.resource(ref.group, ref.kind, version)
        path = resource.path(ref.namespace, ref.name)
        try:
            found = self._wire.json(Request(method="GET", path=path, accept=accept, what=f"get {ref}"))
        except ApiRefusedError as error:
            if error.status == 404:
                return None
            raise
        # Metadata come as an object of a kind of their own.
        return {**found, "apiVersion": resource.api_version, "kind": ref.kind} if metadata_only else found

    def list_with_version(  # noqa: PLR0913
        self,
        group: str,
        kind: str,
        namespace: str | None = None,
        *,
        version: str | None = None,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        managed_fields: bool = True,
    ) -> tuple[list[Manifest], str]:
        """As `list`, with the resourceVersion to watch from."""
        resource = self.resource(group, kind, version)
        query = {"limit": str(PAGE), **_selectors(labels, fields)}
        items: list[Manifest] = []
        while True:
            try:
                answer = self._wire.json(
                    Request(
                        method="GET",
                        path=resource.path(namespace),
                        query=query,
                        accept=METADATA_LIST if metadata_only else JSON,
                        what=f"list {kind} in {namespace}" if namespace else f"list {kind}",
                    )
                )
            except ApiRefusedError as error:
                if error.status != 410:
                    raise
                query.pop("continue", None)  # the list's snapshot is gone: from the start
                items.clear()
                continue
            identity = {"apiVersion": resource.api_version, "kind": kind}
            items += [_as(identity, item, managed_fields) for item in answer.get("items") or ()]
            metadata = answer.get("metadata") or {}
            if not metadata.get("continue"):
                return items, metadata.get("resourceVersion", "")
            query["continue"] = metadata["continue"]

    def watch(  # noqa: PLR0913
        self,
        group: str,
        kind: str,
        namespace: str | None = None,
        *,
        since: str,
        seconds: float,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        managed_fields: bool = True,
    ) -> Iterator[WatchEvent]:
        """Events after resourceVersion `since`, for at most `seconds`; objects as in `list`.

        Raises WatchExpiredError when `since` is too old: list again.
        """
        resource = self.resource(group, kind)
        what = f"watch {kind}"
        query = {
            "watch": "1",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, round(seconds))),
            **_selectors(labels, fields),
        }
        request = Request(
            method="GET",
            path=resource.path(namespace),
            query=query,
            accept=METADATA if metadata_only else JSON,
            what=what,
            timeout=max(1.0, seconds),
            stream=True,
        )
        try:
            response = self._wire.send(request)
        except ApiRefusedError as error:
            if error.status == 410:
                raise watch.WatchExpiredError(error.message) from error
            raise
        found = watch.events(response, what=what, server=self.server)
        # Metadata come as objects of a kind of their own.
        identity = {"apiVersion": resource.api_version, "kind": kind}
        return _remembered(
            WatchEvent(event.type, _as(identity, event.object, managed_fields)) for event in found
        )

    # Writing

    def server_side_apply(
        self, manifest: Manifest, *, dry_run: bool = False, force: bool = False, field_manager: str = MANAGER
    ) -> Manifest:
        """The object as it is (or would be, with `dry_run`) after the apply."""
        query = {"fieldManager": field_manager, "force": str(force).lower()}
        query |= {"dryRun": "All"} if dry_run else {}
        ref = ref_of(manifest)
        return self._wire.json(
            Request(
                method="PATCH",
                path=self._path(manifest),
                query=query,
                content=manifest,
                content_type=APPLY,
                what=f"apply {ref}",
            )
        )

    def create(self, manifest: Manifest, *, dry_run: bool = False, field_manager: str = MANAGER) -> Manifest:
        """A new object; ApiConflictError when it exists. With `dry_run` it is judged, not stored."""
        ref = ref_of(manifest)
        path = self.resource(ref.group, ref.kind).path(ref.namespace)
        query = {"fieldManager": field_manager, **({"dryRun": "All"} if dry_run else {})}
        return self._wire.json(
            Request(method="POST", path=path, query=query, content=manifest, what=f"create {ref}")
        )

    def replace(self, manifest: Manifest, *, field_manager: str = MANAGER) -> Manifest:
        """The whole object anew; ApiConflictError when its resourceVersion is not the live one any more."""
        query = {"fieldManager": field_manager}
        what = f"replace {ref_of(manifest)}"
        return self._wire.json(
            Request(method="PUT", path=self._path(manifest), query=query, content=manifest, what=what)
        )

    def json_patch(
        self,
        ref: ObjectRef,
        operations: Sequence[Mapping[str, Any]],
        *,
        version: str | None = None,
        dry_run: bool = False,
        field_manager: str = MANAGER,
    ) -> Manifest:
        """RFC 6902 operations on the object in that version, all or nothing."""
        return self._wire.json(
            Request(
                method="PATCH",
                path=self.resource(ref.group, ref.kind, version).path(ref.namespace, ref.name),
                query={"fieldManager": field_manager, **({"dryRun": "All"} if dry_run else {})},
                content=list(operations),
                content_type="application/json-patch+json",
                what=f"patch {ref}",
            )
        )

    def delete(self, ref: ObjectRef, *, uid: str | None = None, propagation: str = "Background") -> bool:
        """Delete the object, only if it still has `uid`. False when it was gone already."""
        options: dict[str, Any] = {"propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        path = self.resource(ref.group, ref.kind).path(ref.namespace, ref.name)
        try:
            self._wire.send(Request(method="DELETE", path=path, content=options, what=f"delete {ref}"))
        except ApiRefusedError as error:
            if error.status == 404:
                return False
            raise
        return True

    # What is about running things

    def events(self, ref: ObjectRef, *, uid: str | None = None) -> list[Manifest]:
        """Events about one object, oldest first."""
        selector = f"involvedObject.name={ref.name},involvedObject.kind={ref.kind}"
        selector += f",involvedObject.uid={uid}" if uid else ""
        found = self.list("", "Event", ref.namespace or "default", fields=selector)
        return sorted(found, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")

    # Last, because inside the class its name hides the type's

    def list(
        self, group: str, kind: str, namespace: str | None = None, **which: Unpack[Which]
    ) -> Sequence[Manifest]:
        """All objects of a kind, each with `apiVersion` and `kind`."""
        return self.list_with_version(group, kind, namespace, **which)[0]

    def _path(self, manifest: Manifest) -> str:
        version = manifest["apiVersion"].rpartition("/")[2]
        resource = self.resource(group_of(manifest["apiVersion"]), manifest["kind"], version)
        return resource.path(manifest["metadata"].get("namespace"), manifest["metadata"]["name"])


def _remembered(events: Iterator[WatchEvent]) -> Iterator[WatchEvent]:
    for event in events:
        remember_objects([event.object])
        yield event


def _as(identity: Mapping[str, str], item: Manifest, managed_fields: bool) -> Manifest:
    if not managed_fields:
        item["metadata"].pop("managedFields", None)
    return {**item, **identity}


def _selectors(labels: str, fields: str) -> dict[str, str]:
    selectors = {"labelSelector": labels, "fieldSelector": fields}
    return {name: value for name, value in selectors.items() if value}
