import pytest

from towpath.kube.kinds import (
    NEVER_STORED,
    built_in_api_version,
    crd_scopes,
    is_cluster_scoped,
    is_known_kind,
    removed_in,
)
from towpath.objects import group_of
from towpath.schemas.versions import known_versions, load_schemas


def test_built_in_scopes() -> None:
    assert is_cluster_scoped("v1", "Namespace", {})
    assert is_cluster_scoped("storage.k8s.io/v1beta1", "StorageClass", {})
    assert not is_cluster_scoped("v1", "ConfigMap", {})
    assert not is_cluster_scoped("example.com/v1", "Namespace", {})


def test_definitions_at_hand() -> None:
    crd = {
        "kind": "CustomResourceDefinition",
        "spec": {"group": "g", "scope": "Cluster", "names": {"kind": "K"}},
    }
    scopes = crd_scopes([crd, {"kind": "CustomResourceDefinition", "spec": []}])
    assert is_cluster_scoped("g/v1", "K", scopes)


@pytest.mark.parametrize(
    ("kind", "served"),
    [
        ("Ingress", "networking.k8s.io/v1"),
        ("NetworkPolicy", "networking.k8s.io/v1"),
        ("ConfigMap", "v1"),
        ("HorizontalPodAutoscaler", "autoscaling/v2"),
        ("CustomResourceDefinition", "apiextensions.k8s.io/v1"),
        ("FlowSchema", "flowcontrol.apiserver.k8s.io/v1"),
        ("PodSecurityPolicy", None),
        ("Boat", None),
    ],
)
def test_the_api_version_of_a_built_in_kind(kind: str, served: str | None) -> None:
    assert built_in_api_version(kind) == served


def test_each_stable_kind_of_the_newest_schemas_is_named_in_a_version_that_they_serve() -> None:
    kinds = load_schemas(known_versions()[-1]).kinds
    for api_version, kind in kinds:
        if (group_of(api_version), kind) not in NEVER_STORED:
            assert (built_in_api_version(kind), kind) in kinds


@pytest.mark.parametrize(
    ("api_version", "kind", "removed"),
    [
        ("policy/v1beta1", "PodSecurityPolicy", "1.25"),
        ("extensions/v1beta1", "PodSecurityPolicy", "1.25"),
        ("settings.k8s.io/v1alpha1", "PodPreset", "1.20"),
        ("auditregistration.k8s.io/v1alpha1", "AuditSink", "1.19"),
        ("extensions/v1beta1", "Ingress", None),
        ("example.com/v1", "PodPreset", None),
    ],
)
def test_kinds_that_were_removed_for_good(api_version: str, kind: str, removed: str | None) -> None:
    assert removed_in(api_version, kind) == removed


def test_a_removed_group_with_a_dot_has_no_kinds() -> None:
    assert not is_known_kind("settings.k8s.io/v1alpha1", "PodPreset")
    assert is_known_kind("metrics.k8s.io/v1beta1", "NodeMetrics"), "groups of k8s.io may be custom"
