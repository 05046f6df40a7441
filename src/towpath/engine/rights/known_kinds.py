"""What the rights of an environment need to know of kinds: by the cluster's discovery, or by Git alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from towpath.adapters.kubernetes import Kinds
from towpath.kube.autoscaling import CRD, KEDA, Kind, kind_of
from towpath.kube.plurals import crd_plurals, plural
from towpath.objects import Manifest


@dataclass(slots=True)
class KnownKinds:
    """`served` is what the cluster serves, None where it is not asked; `guessed` have plurals nobody told."""

    served: Kinds | None
    plurals: dict[Kind, str] = field(default_factory=dict)
    scaled: set[Kind] = field(default_factory=set)
    wanted: set[Kind] = field(default_factory=set)
    guessed: set[Kind] = field(default_factory=set)

    @classmethod
    def of(cls, served: Kinds | None, objects: list[Manifest]) -> "KnownKinds":
        """With what `objects`, those of Git, say about kinds."""
        return cls(served, crd_plurals(objects), set(_scaled(objects)), set(map(kind_of, objects)))

    def plural(self, kind: Kind) -> str:
        """By discovery, by a CustomResourceDefinition in Git, or by the rules of English."""
        if self.served and (found := self.served.find(*kind)):
            return found.plural
        if kind in self.plurals:
            return self.plurals[kind]
        name, certain = plural(*kind)
        if not certain:
            self.guessed.add(kind)
        return name

    def is_scalable(self, kind: Kind) -> bool:
        """Whether a custom kind has a scale subresource."""
        found = self.served.find(*kind) if self.served else None
        return found.scalable if found else kind in self.scaled

    def is_there(self, kind: Kind) -> bool:
        """Whether the kind is served, or comes with Git; without a cluster KEDA's only where Git has any."""
        if kind in self.plurals or kind in self.wanted:
            return True
        return kind in self.served if self.served else kind != KEDA


def _scaled(objects: Iterable[Manifest]) -> Iterator[Kind]:
    for manifest in objects:
        if kind_of(manifest) == CRD:
            spec = manifest["spec"]
            if any("scale" in (each.get("subresources") or {}) for each in spec.get("versions") or ()):
                yield str(spec.get("group")), str((spec.get("names") or {}).get("kind"))
