"""An account with the rights that `towpath rbac` prints, and no other, on the real API server.

It syncs, watches, heals, prunes and leaves again; its requests are compared with its rights.
"""

import json
from collections.abc import Iterator
from functools import partial

import pytest
import yaml

from tests.integration.delivered_rights import DRIFTED, Delivery, delivered
from tests.integration.rights import Used, asks_as, expanded, is_used, lacking
from tests.integration.running import RunningStack
from tests.integration.watching import until
from towpath.adapters.kubernetes import connect
from towpath.kube.kinds import is_built_in
from towpath.kube.plurals import plural
from towpath.kube.rights import RBAC, Right

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def delivery(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    with delivered(stack.settings, tmp_path_factory.mktemp("rbac")) as made:
        yield made


@pytest.mark.parametrize("step", ["first", "healed", "found", "pruned", "left"])
def test_nothing_fails_for_want_of_a_right(delivery: Delivery, step: str) -> None:
    result = delivery.results[step]
    assert result.failures == {}
    assert result.outcomes


def test_the_first_sync_changes_nothing_about_the_rights(delivery: Delivery) -> None:
    first, second = delivery.printed[:2]
    assert first.objects == second.objects
    assert first.read


def test_drift_is_seen_and_healed_in_all_places(delivery: Delivery) -> None:
    home = delivery.home
    places = {each.ref.namespace for each in delivery.plans["edited"].drift.entries if each.app}
    assert places == {"", home, f"{home}-one", f"{home}-more"}
    assert delivery.seen["edited"] == DRIFTED


def test_a_lost_inventory_is_put_together_from_all_places(delivery: Delivery) -> None:
    before = delivery.plans["before"].inspection.inventories["one"]
    lost = delivery.plans["lost"].inspection
    assert "one" not in lost.inventories
    assert lost.rebuilt["one"].by_ref.keys() == before.by_ref.keys()
    assert delivery.plans["after"].inspection.inventories["one"].by_ref.keys() == before.by_ref.keys()
    after = delivery.plans["after"].drift.entries
    assert [each.app for each in after if each.app] == []
    assert {(each.ref.kind, each.ref.name) for each in after} == {("ServiceAccount", "agent")}, "no Role is"


def test_what_left_git_is_gone(delivery: Delivery) -> None:
    assert [ref.name for each in delivery.results["pruned"].outcomes for ref in each.changed] == ["one-there"]
    text = delivery.kubectl(
        "get", "service,deployment,secret", "-A", "-l", "towpath.dev/environment=test", "-o", "json"
    )
    places = {each["metadata"]["namespace"] for each in json.loads(text)["items"]}
    assert not places & {delivery.home, f"{delivery.home}-one"}
    assert delivery.fleet.look().inspection.inventories == {}


def test_where_the_whole_cluster_is_refused_each_namespace_is_listed(delivery: Delivery) -> None:
    refused, granted = delivery.recorder.refused(), delivery.recorder.granted()
    for kind in ("configmaps", "services"):
        assert Right("", "", kind, "list") in refused
        for place in (delivery.home, f"{delivery.home}-one"):
            assert {Right(place, "", kind, "list"), Right(place, "", kind, "watch")} <= granted
    assert {(each.verb, each.name) for each in refused} <= {("list", ""), ("watch", "")}


def test_nothing_is_granted_that_is_not_used(delivery: Delivery) -> None:
    used = delivery.recorder.granted()
    asked_of_roles = {Right(f"{delivery.home}-one", "", "pods", "get"),
                      Right(f"{delivery.home}-one", RBAC, "clusterroles", "bind", "view")}  # fmt: skip
    granted = expanded(delivery.applied)
    assert asked_of_roles <= granted
    assert [str(right) for right in sorted(granted - asked_of_roles) if not is_used(right, used)] == []


def test_each_right_is_missed(delivery: Delivery) -> None:
    """For each right there is a request that is refused to an account that has all others."""
    granted = sorted(expanded(delivery.applied), key=lambda right: right.resource == "widgets")
    made = [lacking(delivery.home, right, delivery.role(right), n) for n, right in enumerate(granted)]
    documents = [document for _, both in made for document in both]
    delivery.kubectl("apply", "--namespace=", "--server-side", "-f", "-", text=yaml.safe_dump_all(documents))
    ask, spared = asks_as(delivery.fleet.world, delivery.folder), []

    def may(user: str, used: Used) -> bool:
        return ask(user, used.request) != 403

    try:
        with delivery.recorder.not_recorded():
            for right, (user, _) in zip(granted, made, strict=True):
                if right.resource == "widgets":
                    delivery.define()
                if (other := delivery.another(right)) is not None:
                    until(partial(may, user, other), f"it has the rest of {right}")
                spared += [str(right)] if all(may(user, each) for each in delivery.requests(right)) else []
        assert spared == []
    finally:
        wide = [user for right, (user, _) in zip(granted, made, strict=True) if not right.namespace]
        for kind in ("clusterrole", "clusterrolebinding"):
            delivery.kubectl("delete", kind, *wide, "--ignore-not-found", "--wait=false")


def test_plurals_without_a_cluster_are_those_of_the_cluster(stack: RunningStack) -> None:
    assert stack.settings.kubeconfig
    served = connect(stack.settings.kubeconfig).discover().by_kind
    known = {kind: found[0].plural for kind, found in served.items() if is_built_in(*kind)}
    assert len(known) > 40
    assert {kind: plural(*kind)[0] for kind in known} == known
