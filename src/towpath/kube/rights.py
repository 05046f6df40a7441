"""Rights of RBAC: single ones, gathered into rules, Roles and their bindings. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from towpath.objects import Manifest

RBAC = "rbac.authorization.k8s.io"
RIGHTS_LABEL = "towpath.dev/rights"
"""Label of Roles and bindings that `towpath rbac` printed: the environment whose account has them."""
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "bind", "escalate")
"""In the order in which a rule has them."""

Rule = dict[str, Any]
HeldRules = Mapping[str, Collection[Rule]]
"""Namespace (empty: the whole cluster) -> rules that are granted as they are written."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one resource (`pods`, `pods/log`) of an API group.

    In one namespace; empty: in the whole cluster, and on what has no namespace. `name` is that of the only
    object that it is for; empty: for all.
    """

    namespace: str
    group: str
    resource: str
    verb: str
    name: str = ""

    def __str__(self) -> str:
        resource = ".".join(filter(None, (self.resource, self.group)))
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {resource}{named} in {self.namespace or 'the cluster'}"


def without_covered(rights: Collection[Right]) -> set[Right]:
    """The same without rights on one object where there is the right on all of them."""
    return {right for right in rights if not right.name or replace(right, name="") not in rights}


def rules_of(rights: Iterable[Right]) -> list[Rule]:
    """The fewest rules that grant exactly these rights, which are of one namespace; sorted."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for right in without_covered(set(rights)):
        verbs.setdefault((right.group, right.resource, right.name), set()).add(right.verb)
    names: dict[tuple[str, str, tuple[str, ...], bool], list[str]] = {}
    for (group, resource, name), found in sorted(verbs.items()):
        key = (group, resource, tuple(sorted(found, key=VERBS.index)), bool(name))
        names.setdefault(key, []).append(name)
    resources: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource, each, _), named in names.items():
        resources.setdefault((group, each, tuple(filter(None, named))), []).append(resource)
    return [
        {
            "apiGroups": [group],
            "resources": kinds,
            **({"resourceNames": list(named)} if named else {}),
            "verbs": list(each),
        }
        for (group, each, named), kinds in sorted(resources.items(), key=lambda item: (item[0][0], item[1]))
    ]


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount."""

    namespace: str
    name: str


def roles_of(
    name: str, account: Account, rights: Collection[Right], held: HeldRules, environment: str
) -> list[Manifest]:
    """A ClusterRole and Roles of that name with these rights, each followed by its binding to the account."""
    places = sorted({right.namespace for right in rights} | {place for place, rules in held.items() if rules})
    found: list[Manifest] = []
    for place in places:
        rules = rules_of(right for right in rights if right.namespace == place)
        rules += [rule for rule in held.get(place, ()) if rule not in rules]
        metadata: dict[str, Any] = {"name": name, **({"namespace": place} if place else {})}
        metadata["labels"] = {RIGHTS_LABEL: environment}
        kind = "Role" if place else "ClusterRole"
        shared: dict[str, Any] = {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata}
        role_ref = {"apiGroup": RBAC, "kind": kind, "name": name}
        subject = {"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}
        binding: dict[str, Any] = {"roleRef": role_ref, "subjects": [subject]}
        found += [{**shared, "rules": rules}, {**shared, "kind": f"{kind}Binding", **binding}]
    return found
