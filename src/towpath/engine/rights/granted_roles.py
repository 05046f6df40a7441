"""What Kubernetes asks of an account that writes roles and bindings. Pure.

It lets an account write only what it has itself: the rights of a role, or the verb `escalate` on that role;
for a binding the rights of its role, or the verb `bind` on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from towpath.kube.rights import RBAC, Right, Rule
from towpath.objects import Manifest, ObjectRef, group_of, ref_of

_PLURALS = {"Role": "roles", "ClusterRole": "clusterroles"}


@dataclass(slots=True)
class GrantedRoles:
    """`rules` of the roles in Git, by namespace (empty: of ClusterRoles), and rights on roles by name.

    `named` are the roles in Git; `bound` are roles that others define, `aggregated` ones whose rules the
    cluster adds up.
    """

    rights: set[Right] = field(default_factory=set)
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    named: list[ObjectRef] = field(default_factory=list)
    bound: list[ObjectRef] = field(default_factory=list)
    aggregated: list[ObjectRef] = field(default_factory=list)

    @classmethod
    def of(cls, objects: Iterable[Manifest]) -> "GrantedRoles":
        """What these objects of Git ask for."""
        found, here = cls(), [each for each in objects if group_of(each["apiVersion"]) == RBAC]
        for manifest in here:
            if manifest["kind"] in _PLURALS:
                found._role(manifest)
        for manifest in here:
            if manifest["kind"] not in _PLURALS:
                found._binding(manifest)
        return found

    def _role(self, manifest: Manifest) -> None:
        ref = ref_of(manifest)
        self.named.append(ref)
        if manifest.get("aggregationRule"):
            self.aggregated.append(ref)
            self.rights.add(Right("", RBAC, _PLURALS[ref.kind], "escalate", ref.name))
        rules = self.rules.setdefault(ref.namespace, [])
        rules += [rule for rule in manifest.get("rules") or () if rule not in rules]

    def _binding(self, manifest: Manifest) -> None:
        place, role = ref_of(manifest).namespace, manifest.get("roleRef") or {}
        kind, name = str(role.get("kind")), str(role.get("name"))
        ref = ObjectRef(RBAC, kind, place if kind == "Role" else "", name)
        if kind not in _PLURALS or (ref in self.named and ref not in self.aggregated):
            return
        self.bound += [ref] if ref not in self.bound else []
        self.rights.add(Right(place, RBAC, _PLURALS[kind], "bind", name))
