"""Entries of `allowClusterScoped` that allow something, and ones that do not."""

from collections.abc import Mapping

import pytest

from towpath.admission.cluster_scoped import entry_problem
from towpath.kube.kinds import Kind

DEFINED: Mapping[Kind, bool] = {("example.com", "Fleet"): True, ("example.com", "Boat"): False}


@pytest.mark.parametrize(
    "entry",
    [
        "Namespace",
        "ClusterRole/shop-*",
        "ClusterRole/system:shop-?",
        "ClusterRole.rbac.authorization.k8s.io/shop-*",
        "ClusterIssuer",
        "Fleet",
        "Fleet.example.com/*",
        "Tenant.example.org",  # an operator may define it
    ],
)
def test_right(entry: str) -> None:
    assert entry_problem(entry, DEFINED, ()) == ""


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("*", "names no kind"),
        ("clusterrole", "names no kind: it is KIND or KIND.GROUP, or one of them with /NAME"),
        ("clusterroles/shop", "did you mean ClusterRole?"),
        ("ClusterRole/", "has no pattern of names after `/`"),
        ("ClusterRole/a/b", "has no pattern of names after `/`"),
        ("ClusterRole/a b", "has no pattern of names after `/`"),
        ("Deployment", "Deployment is a kind of namespaces, which needs no entry"),
        ("Boat", "Boat is a kind of namespaces"),
        ("Boat.example.com", "Boat.example.com is a kind of namespaces"),
        ("ClusterRol", "no cluster-scoped kind ClusterRol is known, and no app has such an object; did you"),
        ("ClusterRole.apps", "no cluster-scoped kind ClusterRole of apps is known"),
        ("Tenant", "of a custom kind name the group, too"),
    ],
)
def test_wrong(entry: str, told: str) -> None:
    assert told in entry_problem(entry, DEFINED, ())


def test_a_kind_that_an_app_has_is_right_and_one_that_may_be_had_is_not_doubted() -> None:
    assert entry_problem("Tenant", {}, {("example.org", "Tenant")}) == ""
    assert entry_problem("Tenant", {}, None) == ""
