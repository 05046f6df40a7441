"""The rights with which an agent does its work in an environment: one method for each part of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towpath.applyset.annotations import RECREATE_ANNOTATION
from towpath.applyset.digest_key import KEY_NAME
from towpath.applyset.inventory import Inventory
from towpath.applyset.prune import PROTECTED_KINDS
from towpath.config import Environment
from towpath.drift.extras import EXTRA_KINDS
from towpath.engine.live.finished import JOB
from towpath.engine.live.lists import SECRET
from towpath.engine.live.pods import WORKLOADS
from towpath.engine.rights.granted_roles import GrantedRoles
from towpath.engine.rights.known_kinds import KnownKinds
from towpath.engine.source.render import Rendered, secret_places
from towpath.engine.verify.claims import CLAIM, STORAGE_CLASS
from towpath.health.assess import healthy_once_present
from towpath.kube.autoscaling import CRD, HPA, KEDA, Kind, kind_of
from towpath.kube.rights import Right
from towpath.objects import Manifest, ObjectRef, ref_of

CONFIGMAP, EVENT, NAMESPACE, POD = ("", "ConfigMap"), ("", "Event"), ("", "Namespace"), ("", "Pod")
REPLICA_SET, DEPLOYMENT, SERVICE = ("apps", "ReplicaSet"), ("apps", "Deployment"), ("", "Service")
READ, FOLLOW = ("get", "list", "watch"), ("list", "watch")
APPLY = ("create", "patch")
"""To apply what is not there is to create it, too: of that name, unlike by `kubectl create`."""
RECORD = (*READ, "create", "update", "delete")
RUN = (*READ, "create", "delete")


@dataclass(frozen=True, slots=True)
class EnvironmentNeeds:
    """What decides about the rights: what Git has there, and what the inventories still hold.

    `confirmed` are the deletions that `prune.yaml` confirms; `services` are those of smoke checks:
    (namespace, service, port).
    """

    environment: Environment
    apps: Sequence[Rendered]
    inventories: Sequence[Inventory] = ()
    confirmed: frozenset[ObjectRef] = frozenset()
    services: tuple[tuple[str, str, int], ...] = ()

    @property
    def objects(self) -> list[Manifest]:
        return [manifest for app in self.apps for manifest in app.objects]

    @property
    def places(self) -> set[str]:
        """The namespaces of what Git has, and the environment's."""
        manifests = (m for app in self.apps for m in (*app.objects, *app.hooks))
        return {self.environment.namespace, *(ref_of(each).namespace for each in manifests)} - {""}

    @property
    def held(self) -> set[ObjectRef]:
        """What inventories have, and what of it waits to be deleted."""
        return {ref for each in self.inventories for ref in (*each.by_ref, *each.deletions)}


@dataclass(frozen=True, slots=True)
class Needed:
    """`roles` tells what of the rights is asked of who writes the roles in Git."""

    rights: frozenset[Right]
    roles: GrantedRoles


def needed_rights(needs: EnvironmentNeeds, kinds: KnownKinds) -> Needed:
    """All rights that are needed now."""
    gather = _Gather(needs, kinds)
    gather.records()
    gather.objects()
    gather.hooks()
    gather.health()
    gather.secrets()
    gather.autoscalers()
    gather.extras()
    roles = GrantedRoles.of(needs.objects)
    return Needed(frozenset(gather.rights | roles.rights), roles)


class _Gather:
    """Adds up rights; each method is about one part of the work."""

    def __init__(self, needs: EnvironmentNeeds, kinds: KnownKinds) -> None:
        self._needs, self._kinds, self._home = needs, kinds, needs.environment.namespace
        self.rights: set[Right] = set()

    def _add(
        self, namespace: str, kind: Kind, verbs: Iterable[str], name: str = "", *, part: str = ""
    ) -> None:
        resource = self._kinds.plural(kind) + (f"/{part}" if part else "")
        self.rights |= {Right(namespace, kind[0], resource, verb, name) for verb in verbs}

    def records(self) -> None:
        """Inventories and heals, the namespaces, and whose they are."""
        self._add(self._home, CONFIGMAP, RECORD)
        self._add("", NAMESPACE, READ, self._home)
        for place in self._needs.places - {self._home}:
            self._add("", NAMESPACE, ("get",), place)
            self._add(place, CONFIGMAP, ("list",))

    def objects(self) -> None:
        """What Git has is read, followed, applied, and deleted once it has left Git, as inventories know.

        Namespaces, definitions and volumes are deleted only where `prune.yaml` confirms it.
        """
        for manifest in self._needs.objects:
            ref = ref_of(manifest)
            self._on(ref, APPLY)
            annotations = manifest["metadata"].get("annotations") or {}
            if not ref.namespace and annotations.get(RECREATE_ANNOTATION) == "allowed":
                self._add("", (ref.group, ref.kind), ("create",))  # tried under a name that nothing has
        for ref in {*map(ref_of, self._needs.objects), *self._needs.held}:
            self._on(ref, READ)
            if ref.kind not in PROTECTED_KINDS or ref in self._needs.confirmed:
                self._on(ref, ("delete",))

    def _on(self, ref: ObjectRef, verbs: Iterable[str]) -> None:
        self._add(ref.namespace, (ref.group, ref.kind), verbs, "" if ref.namespace else ref.name)

    def hooks(self) -> None:
        """Jobs that are made for each run, and deleted; those of hooks that have left Git."""
        for job in (hook for app in self._needs.apps for hook in app.hooks):
            self._add(ref_of(job).namespace, JOB, RUN)
        for run in (run for each in self._needs.inventories for run in each.hooks):
            self._add(run.ref.namespace, JOB, ("get", "delete"))

    def health(self) -> None:
        """Pods, what they belong to, events about what is not healthy, storage classes, smoke checks."""
        for manifest in self._needs.objects:
            ref, kind = ref_of(manifest), kind_of(manifest)
            if kind in WORKLOADS or kind == CLAIM:
                self._add(ref.namespace, POD, FOLLOW)
            if kind == DEPLOYMENT:
                self._add(ref.namespace, REPLICA_SET, FOLLOW)
            if ref.namespace and not healthy_once_present(*kind):
                self._add(ref.namespace, EVENT, ("list",))
            if kind == CLAIM and (name := _storage_class(manifest)) is not None:
                self._add("", STORAGE_CLASS, ("get",), name)
        for place, service, port in self._needs.services:
            self._add(place, SERVICE, ("get",), f"{service}:{port}", part="proxy")

    def secrets(self) -> None:
        """Where objects may hold values of Secrets, these are read to be masked; digests need a key."""
        for app in self._needs.apps:
            for place in secret_places(app):
                self._add(place, SECRET, ("list",))
            if app.holds_values:
                self._add(app.namespace, SECRET, ("create",))
                self._add(app.namespace, SECRET, ("get",), KEY_NAME)

    def autoscalers(self) -> None:
        """Whatever may be scaled: its autoscalers, and which field of a custom kind is theirs."""
        objects = self._needs.objects
        custom = {kind for kind in map(kind_of, objects) if "." in kind[0] and self._kinds.is_scalable(kind)}
        if not custom and not any("replicas" in (each.get("spec") or {}) for each in objects):
            return
        for place in {ref_of(each).namespace for each in objects} - {""} or {self._home}:
            for kind in (HPA, KEDA):
                if self._kinds.is_there(kind):
                    self._add(place, kind, FOLLOW)
        for scaled in custom:
            self._add("", CRD, ("get",), f"{self._kinds.plural(scaled)}.{scaled[0]}")

    def extras(self) -> None:
        """What nobody declared: listed, and deleted where the environment says `prune`."""
        environment = self._needs.environment
        for kind in {*EXTRA_KINDS, *environment.extra_kinds}:
            for place in environment.managed_namespaces if environment.searches_extras(*kind) else ():
                if self._kinds.is_there(kind):
                    self._add(place, kind, ("list",))
                    if environment.prunes_extras(*kind) and kind[1] not in PROTECTED_KINDS:
                        self._add(place, kind, ("delete",))


def _storage_class(claim: Mapping[str, Any]) -> str | None:
    """The class of a claim; empty: the cluster's default one, which Git does not name; None: no class."""
    name = (claim.get("spec") or {}).get("storageClassName")
    return "" if name is None else str(name) or None
