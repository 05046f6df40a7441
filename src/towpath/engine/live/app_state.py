"""Everything that plan and sync of one app decide on: inventory, desired objects, live metadata."""

from dataclasses import dataclass, replace
from functools import cached_property

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.apply_object import ApplyObject, prepare_objects
from towpath.applyset.inventory import PART_OF_LABEL, Inventory, OwnedObject, Owner
from towpath.applyset.prune import (
    PruneCandidate,
    Pruning,
    check_moved,
    check_protected,
    check_prune_limit,
    decide_pruning,
)
from towpath.applyset.prune_file import ConfirmedDeletions
from towpath.config import Environment
from towpath.engine.live.digest_keys import make_key
from towpath.engine.live.finished import with_finished
from towpath.engine.live.namespace_owner import require_own_namespace
from towpath.engine.live.observe import Live, observe, read_inventory, secrets_of
from towpath.engine.live.recovery import rebuild
from towpath.engine.source.render import Rendered, secret_places
from towpath.errors import RefusedError
from towpath.objects import Manifest, ObjectRef, ref_of


@dataclass(frozen=True)
class AppState:
    """`version` is the resourceVersion of the inventory's ConfigMap, empty when there is none yet.

    A `rebuilt` inventory was lost and is put together again from what is live; it deletes nothing. `suspects`
    are applied though their metadata are as we left them: a dry run said that they differ.
    """

    owner: Owner
    inventory: Inventory | None
    version: str
    desired: dict[ObjectRef, ApplyObject]
    live: Live
    rebuilt: bool = False
    suspects: frozenset[ObjectRef] = frozenset()

    @property
    def owned(self) -> dict[ObjectRef, OwnedObject]:
        return self.inventory.by_ref if self.inventory else {}

    def with_key(self, cluster: Cluster, rendered: Rendered, environment: Environment) -> "AppState":
        """The same with the namespace's key, which is made now if the objects need one and there is none."""
        if self.live.digest_key or not rendered.holds_values:
            return self
        live = replace(self.live, digest_key=make_key(cluster, self.owner.namespace))
        return replace(self, live=live, desired=app_state_from(rendered, environment, None, live).desired)

    def metadata(self, ref: ObjectRef) -> Manifest | None:
        """Live metadata, None when there is no such object."""
        return self.live.metadata.get(ref)

    def former_managers(self, ref: ObjectRef) -> tuple[str, ...]:
        """The managers from which the next apply of a live object takes over."""
        live, owned = self.metadata(ref), self.owned.get(ref)
        if live is None:
            return ()
        return self.desired[ref].former_managers(live["metadata"], first=not (owned and owned.uid))

    @cached_property
    def unsettled(self) -> tuple[Manifest, ...]:
        """Manifests of what is not as we left it, or not as Git wants it."""
        owned = self.owned
        return tuple(
            desired.initial
            for ref, desired in self.desired.items()
            if ref in self.suspects or not desired.is_settled(owned.get(ref), self.metadata(ref))
        )

    def drifted(self) -> list[ObjectRef]:
        """Objects that Git wants as it did at the last sync, and that somebody else has changed since."""
        owned = self.owned
        return [
            ref
            for ref, desired in self.desired.items()
            if (has := owned.get(ref))
            and has.uid
            and has.fingerprint
            and desired.is_recorded(has.applied_digest)
            and (ref in self.suspects or not desired.is_settled(has, self.metadata(ref)))
            and not desired.is_left(has, self.metadata(ref))
        ]

    def pruning(self) -> Pruning:
        """What the inventory has and Git has not."""
        left = [owned for ref, owned in self.owned.items() if ref not in self.desired]
        if self.rebuilt:
            why = "the inventory was lost and is rebuilt from labels; the next sync may delete it"
            return Pruning((), tuple((owned.ref, why) for owned in left), ())
        return decide_pruning((PruneCandidate(owned, self.metadata(owned.ref)) for owned in left), self.owner)

    def check_pruning(
        self, pruning: Pruning, environment: Environment, confirmed: ConfirmedDeletions
    ) -> None:
        """RefusedError when it is too much, or everything."""
        if not self.desired and self.owned:
            raise RefusedError(
                f"Git has no object for {self.owner.app} in {self.owner.environment}, "
                f"but {len(self.owned)} are live; nothing is deleted because of an empty result",
                remedy="Restore the app's folder; if it is meant, remove the app and confirm by prune.yaml.",
            )
        check_protected(pruning, confirmed)
        check_moved(pruning, self.desired, confirmed)
        limit, owned = environment.prune, self.owned
        # What still waits for the app to be verified was counted before. It must not hold up the release that
        # mends the app.
        counted = {ref: owned[ref].uid for ref in (self.inventory.deletions if self.inventory else ())}
        known = {**counted, **confirmed}
        check_prune_limit(pruning, total=len(owned), limit=limit.limit, share=limit.share, confirmed=known)


def read_app_state(cluster: Cluster, rendered: Rendered, environment: Environment) -> AppState:
    """Ask the cluster; a handful of requests, whatever the number of objects. Writes nothing.

    Raises RefusedError in the namespace of another environment.
    """
    owner = owner_of(rendered)
    inventory, version = read_inventory(cluster, owner)
    if inventory is None:
        require_own_namespace(cluster, owner)
    refs = {ref_of(manifest) for manifest in rendered.objects}
    rebuilt = None if inventory else rebuild(cluster, owner, refs)
    inventory = inventory or rebuilt
    known = set(inventory.by_ref) if inventory else set()
    secrets = {*map(secrets_of, secret_places(rendered))}
    live = observe(cluster, refs | known | secrets, rendered.namespace, scaled=rendered.objects)
    if inventory:
        inventory = with_finished(cluster, inventory, rendered.objects, live.metadata)
    app_state = app_state_from(rendered, environment, inventory, live)
    return replace(app_state, version=version, rebuilt=rebuilt is not None)


def app_state_from(
    rendered: Rendered, environment: Environment, inventory: Inventory | None, live: Live
) -> AppState:
    """State of one app from what was read before, for a plan: a sync reads again."""
    owner = owner_of(rendered)
    desired = prepare_objects(
        rendered.objects,
        owner,
        environment.ignore,
        live.scalers,
        live.metadata,
        key=live.digest_key,
        taken_back=environment.taken_back(rendered.app),
    )
    return AppState(owner, inventory, "", {each.ref: each for each in desired}, live)


def is_lost(owner: Owner, live: Live) -> bool:
    """Whether the inventory of an owner that has none must have been lost: something live is the owner's."""
    return any(
        (metadata["metadata"].get("labels") or {}).get(PART_OF_LABEL) == owner.applyset
        for metadata in live.metadata.values()
    )


def owner_of(rendered: Rendered) -> Owner:
    """Whom the rendered objects belong to."""
    return Owner(rendered.app, rendered.environment, rendered.namespace)
