"""What a watcher sees beside the objects of inventories: the environment's Namespace, and its autoscalers.

No inventory names them, but a reconcile asks for them: without the namespace all is deleted, and an
autoscaler decides which fields of Git count.
"""

import threading
from collections.abc import Callable, Iterable

from towpath.adapters.kubernetes import Collection, WatchEvent
from towpath.engine.live.observe import NamespaceState, state_of_namespace
from towpath.kube.autoscaling import Kind, Target, scale_targets
from towpath.objects import Manifest, ObjectRef, ref_of


class Surroundings:
    """`told` is called with the namespace's state whenever that changes, `wake` when what is scaled does."""

    def __init__(
        self, namespace: str, told: Callable[[NamespaceState], None], wake: Callable[[], None]
    ) -> None:
        self.namespace = Collection("", "Namespace", name=namespace, metadata_only=True)
        self._place, self._told, self._wake = namespace, told, wake
        self._lock = threading.Lock()
        self._state: NamespaceState | None = None
        self._kinds: tuple[Kind, ...] = ()
        self._places: frozenset[str] = frozenset({namespace})
        self._refused: set[Kind] = set()
        self._autoscalers: frozenset[Collection] = frozenset()
        self._targets: dict[Collection, dict[ObjectRef, frozenset[Target]]] = {}

    def follow_autoscalers(self, kinds: Iterable[Kind], places: Iterable[str] = ()) -> None:
        """Kinds of autoscalers, served or not, by namespace; none where nothing of Git can be scaled."""
        with self._lock:
            self._kinds, self._places = tuple(kinds), frozenset(places) or frozenset({self._place})
            self._follow()

    def _follow(self) -> None:
        """Each kind in the whole cluster where that may be read, if there are several namespaces."""
        whole = [kind for kind in self._kinds if len(self._places) > 1 and kind not in self._refused]
        each = [kind for kind in self._kinds if kind not in whole]
        self._autoscalers = frozenset(
            Collection(*kind, place) for kinds, places in ((whole, ("",)), (each, self._places))
            for kind in kinds for place in places
        )  # fmt: skip
        for collection in self._targets.keys() - self._autoscalers:
            del self._targets[collection]

    def collections(self) -> frozenset[Collection]:
        """What must be watched."""
        with self._lock:
            return self._autoscalers | {self.namespace}

    def ready(self) -> bool:
        """Whether all of it was read at least once."""
        with self._lock:
            return self._state is not None and self._autoscalers <= self._targets.keys()

    def scaled(self) -> frozenset[Target] | None:
        """What has an autoscaler now; None: not all of them were listed yet."""
        with self._lock:
            if not self._autoscalers <= self._targets.keys():
                return None
            each_kind = [self._targets[collection] for collection in self._autoscalers]
            return frozenset(target for kind in each_kind for found in kind.values() for target in found)

    def see_all(self, collection: Collection, manifests: Iterable[Manifest]) -> None:
        """All objects of a collection; of others than these nothing is noted."""
        found = list(manifests)
        if collection == self.namespace:
            self._tell(state_of_namespace(found[0] if found else None))
        elif collection in self._autoscalers:
            with self._lock:
                self._targets[collection] = {
                    ref: _targets(each) for each in found if (ref := ref_of(each)).namespace in self._places
                }
            self._wake()

    def see(self, collection: Collection, event: WatchEvent) -> None:
        """One object of a collection. The status of an autoscaler changes all the time: that is no news."""
        gone = event.type == "DELETED"
        if collection == self.namespace:
            self._tell(state_of_namespace(None if gone else event.object))
        elif collection in self._autoscalers:
            ref, new = ref_of(event.object), frozenset() if gone else _targets(event.object)
            if ref.namespace not in self._places:
                return
            with self._lock:
                known = self._targets.setdefault(collection, {})
                old = known.pop(ref, frozenset())
                if not gone:
                    known[ref] = new
            if old != new:
                self._wake()

    def refused(self, collection: Collection, *, served: bool = True) -> bool:
        """Whether it is one that may stay unread: a namespace is then there, as for a reconcile.

        Instead of autoscalers of the whole cluster, those of each namespace are watched from then on; of a
        kind that is not `served` there are none.
        """
        if collection == self.namespace:
            self._tell("present")
        elif collection in self._autoscalers and not collection.namespace and served:
            with self._lock:
                self._refused.add((collection.group, collection.kind))
                self._follow()
        elif collection in self._autoscalers:
            self.see_all(collection, ())
        else:
            return False
        return True

    def _tell(self, state: NamespaceState) -> None:
        with self._lock:
            news, self._state = state != self._state, state
        if news:
            self._told(state)


def _targets(manifest: Manifest) -> frozenset[Target]:
    return frozenset(scale_targets(manifest))
