"""Whether an account has the rights that Roles would give it: the API server's authorizer is asked."""

from collections.abc import Iterable, Iterator

from towpath.adapters.kubernetes import Cluster
from towpath.engine.live.concurrent import concurrently
from towpath.kube.rights import Account, Right
from towpath.objects import Manifest

REVIEW = "authorization.k8s.io"


def lacking_rights(cluster: Cluster, account: Account, roles: Iterable[Manifest]) -> list[Right]:
    """The rights in these Roles and ClusterRoles that the account does not have, sorted."""
    rights = sorted(set(rights_in(roles)))
    allowed = concurrently(lambda right: _may(cluster, account, right), rights)
    return [right for right, may in zip(rights, allowed, strict=True) if not may]


def rights_in(roles: Iterable[Manifest]) -> Iterator[Right]:
    """Each right that Roles and ClusterRoles give."""
    for role in roles:
        for rule in role.get("rules") or ():
            for group in rule.get("apiGroups") or ():
                for resource in rule.get("resources") or ():
                    for verb in rule["verbs"]:
                        for name in rule.get("resourceNames") or ("",):
                            yield Right(role["metadata"].get("namespace", ""), group, resource, verb, name)


def _may(cluster: Cluster, account: Account, right: Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    space = account.namespace
    review: Manifest = {
        "apiVersion": f"{REVIEW}/v1",
        "kind": "SubjectAccessReview",
        "metadata": {"name": ""},
        "spec": {
            "user": f"system:serviceaccount:{space}:{account.name}",
            "groups": ["system:serviceaccounts", f"system:serviceaccounts:{space}", "system:authenticated"],
            "resourceAttributes": {
                "namespace": right.namespace,
                "verb": right.verb,
                "group": right.group,
                "resource": resource,
                "subresource": subresource,
                "name": right.name,
            },
        },
    }
    return bool((cluster.create(review).get("status") or {}).get("allowed"))
