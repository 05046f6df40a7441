"""Plural names of kinds without a cluster."""

import pytest

from towpath.kube.plurals import crd_plurals, plural
from towpath.objects import Manifest


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [
        ("", "ConfigMap", "configmaps"),
        ("", "Endpoints", "endpoints"),
        ("networking.k8s.io", "Ingress", "ingresses"),
        ("networking.k8s.io", "NetworkPolicy", "networkpolicies"),
        ("storage.k8s.io", "StorageClass", "storageclasses"),
    ],
)
def test_built_in_kinds_are_known(group: str, kind: str, expected: str) -> None:
    assert plural(group, kind) == (expected, True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Gateway", "gateways"), ("Proxy", "proxies"), ("Box", "boxes"), ("Batch", "batches")],
)
def test_others_are_formed_and_it_is_said(kind: str, expected: str) -> None:
    assert plural("example.com", kind) == (expected, False)


def test_definitions_tell_theirs_and_broken_ones_nothing() -> None:
    def definition(names: object) -> Manifest:
        return {"kind": "CustomResourceDefinition", "spec": {"group": "example.com", "names": names}}

    found = [definition({"kind": "Fish", "plural": "fish"}), definition(None), {"kind": "ConfigMap"}]
    assert crd_plurals(found) == {("example.com", "Fish"): "fish"}
