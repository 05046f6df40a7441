"""What whoever applies an environment's rights should know. Pure."""

from collections.abc import Collection, Iterator

from towpath.applyset.prune import PROTECTED_KINDS
from towpath.engine.rights.granted_roles import GrantedRoles
from towpath.kube.autoscaling import Kind
from towpath.objects import ObjectRef

OFFLINE = (
    "The cluster was not asked: what inventories still hold of things that have left Git is not in these"
    " rights, so nothing of it is deleted by them. Leave out --offline to have that."
)
_GUESSED = (
    "The plural names of {kinds} are formed by the rules of English: neither the cluster nor a"
    " CustomResourceDefinition in Git tells them."
)
_NAMESPACES = (
    "A Role is made in a namespace that is there ({places}), and goes with it: after a namespace was"
    " deleted, apply this once more."
)
_PROTECTED = "No right to delete objects of {kinds} is printed before `prune.yaml` confirms such a deletion."
_ROLES = (
    "{roles}: Kubernetes lets an account write a role when it has all rights of that role, or the verb"
    " `escalate` on it. Printed are the rights themselves; print and apply them anew before Git gives such a"
    " role more."
)
_AGGREGATED = (
    "{roles}: the rights of an aggregated ClusterRole are those of others, so writing it takes `escalate` on"
    " it, which allows to write any rights into it."
)
_BOUND = (
    "{roles}: bound, and not in Git. Kubernetes lets an account bind a role when it has all its rights, or"
    " the verb `bind` on it, which is printed."
)


def notes_of(
    present: Collection[ObjectRef], roles: GrantedRoles, guessed: Collection[Kind], places: Collection[str]
) -> Iterator[str]:
    """`present` are objects that no commit confirms to be deleted; `places` the namespaces of Roles."""
    if guessed:
        yield _GUESSED.format(kinds=", ".join(sorted(f"{kind}.{group}" for group, kind in guessed)))
    yield _NAMESPACES.format(places=", ".join(places))
    if kinds := {ref.kind for ref in present} & set(PROTECTED_KINDS):
        yield _PROTECTED.format(kinds=", ".join(sorted(kinds)))
    for text, refs in ((_ROLES, roles.named), (_AGGREGATED, roles.aggregated), (_BOUND, roles.bound)):
        if refs:
            yield text.format(roles=", ".join(map(str, refs)))
