"""Objects are found by what people write for a kind, and lead to what controls them."""

from typing import Any

import pytest

from towpath.adapters.kubernetes import ApiRefusedError, Kinds, Resource
from towpath.engine.operate.find_object import HIGHEST, find_objects, kinds_named, owners_of
from towpath.errors import UnknownNameError
from towpath.objects import Manifest, ObjectRef


def resource(group: str, kind: str, plural: str, *, namespaced: bool = True) -> Resource:
    return Resource(group, "v1", kind, plural, namespaced, frozenset())


SERVED = Kinds(
    {
        (each.group, each.kind): (each,)
        for each in (
            resource("", "Pod", "pods"),
            resource("", "Namespace", "namespaces", namespaced=False),
            resource("apps", "Deployment", "deployments"),
            resource("networking.k8s.io", "Ingress", "ingresses"),
            resource("networking.k8s.io", "NetworkPolicy", "networkpolicies"),
            resource("example.com", "Ingress", "ingresses"),
        )
    }
)


class Cluster:
    def __init__(self, *live: Manifest) -> None:
        self.live = {self.ref(each): each for each in live}

    @staticmethod
    def ref(manifest: Manifest) -> ObjectRef:
        group = manifest["apiVersion"].rpartition("/")[0]
        metadata = manifest["metadata"]
        return ObjectRef(group, manifest["kind"], metadata.get("namespace", ""), metadata["name"])

    def discover(self, *, refresh: bool = False) -> Kinds:
        return SERVED

    def get(self, ref: ObjectRef) -> Manifest | None:
        if ref.namespace == "secret":
            raise ApiRefusedError(f"get {ref}", status=403, reason="forbidden")
        return self.live.get(ref)


def made(
    kind: str, name: str, namespace: str = "dev", owner: Manifest | None = None, **more: Any
) -> Manifest:
    metadata: dict[str, Any] = {"name": name, "uid": f"{kind}-{name}", **more}
    metadata |= {"namespace": namespace} if namespace else {}
    if owner:
        metadata["ownerReferences"] = [
            {
                "apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True,
                "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
            }
        ]  # fmt: skip
    version = "apps/v1" if kind == "Deployment" else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("pod", [("", "Pod")]),
        ("PO", [("", "Pod")]),
        ("deploy", [("apps", "Deployment")]),
        ("deployments.apps", [("apps", "Deployment")]),
        ("netpol", [("networking.k8s.io", "NetworkPolicy")]),
        ("networkpolicies", [("networking.k8s.io", "NetworkPolicy")]),
        ("ing", [("networking.k8s.io", "Ingress"), ("example.com", "Ingress")]),
        ("ingress.example.com", [("example.com", "Ingress")]),
        ("ns", [("", "Namespace")]),
    ],
)
def test_a_kind_is_written_in_many_ways(text: str, kinds: list[tuple[str, str]]) -> None:
    assert kinds_named(SERVED, text) == kinds


@pytest.mark.parametrize("text", ["pods.apps", "deploymnt", "x", ""])
def test_a_kind_that_is_not_served_is_told(text: str) -> None:
    with pytest.raises(UnknownNameError, match="unknown kind"):
        kinds_named(SERVED, text)


def test_every_namespace_is_looked_in_and_a_cluster_scoped_object_is_found_once() -> None:
    cluster = Cluster(made("Pod", "a"), made("Pod", "a", "prod", uid="other"), made("Namespace", "dev", ""))
    assert len(find_objects(cluster, "pod", "a", ["dev", "prod", "dev"])) == 2
    assert len(find_objects(cluster, "ns", "dev", ["dev", "prod"])) == 1
    assert find_objects(cluster, "pod", "a", ["secret", "none"]) == []


def test_owners_lead_to_the_first_that_nothing_controls() -> None:
    top = made("Deployment", "top")
    middle = made("Pod", "middle", owner=top)
    low = made("Pod", "low", owner=middle)
    found = owners_of(Cluster(top, middle, low), low)
    assert [each["metadata"]["name"] for each in found] == ["middle", "top"]


def test_an_owner_that_was_replaced_or_is_gone_leads_nowhere() -> None:
    top = made("Deployment", "top")
    low = made("Pod", "low", owner=top)
    assert list(owners_of(Cluster(low), low)) == []
    assert list(owners_of(Cluster(made("Deployment", "top", uid="new"), low), low)) == []


def test_owners_in_a_circle_end() -> None:
    one, two = made("Pod", "one"), made("Pod", "two")
    one, two = made("Pod", "one", owner=two), made("Pod", "two", owner=one)
    assert len(list(owners_of(Cluster(one, two), one))) == HIGHEST
