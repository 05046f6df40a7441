"""The Lease that agents of an environment share: one name, its times, and rights to that alone."""

import pytest

from towpath.kube.lease import LeaseTimes, lease_name, lease_rights
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


def test_its_times_are_by_default_those_of_client_go() -> None:
    times = LeaseTimes()
    assert (times.lasts, times.deadline, times.retry) == (15, 10, 2)


@pytest.mark.parametrize("seconds", [5, 15, 300])
def test_a_leader_is_ended_by_force_before_anybody_else_may_lead(seconds: int) -> None:
    times = LeaseTimes(seconds)
    assert 2 * times.answer < times.deadline < times.killed < times.lasts
