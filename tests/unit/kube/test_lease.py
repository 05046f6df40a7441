"""The Lease that agents of an environment share: one name, and rights to that alone."""

from towpath.kube.lease import lease_name, lease_rights
from towpath.kube.rights import Account, roles_of


def test_the_rights_are_of_one_lease_in_one_namespace() -> None:
    role, binding = roles_of("r", Account("home", "agent"), lease_rights("home", "prod"), {}, "prod")
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "home")
    assert role["rules"] == [
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [lease_name("prod")],
            "verbs": ["get", "create", "update"],
        }
    ]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "agent", "namespace": "home"}]
