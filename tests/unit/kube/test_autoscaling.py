from typing import Any

import pytest

from towpath.kube.autoscaling import autoscaling, scale_targets, scaled_by_others
from towpath.objects import Manifest


def scaler(api: str, made: str, /, **target: str) -> Manifest:
    spec = {"scaleTargetRef": target}
    return {"apiVersion": api, "kind": made, "metadata": {"name": "s", "namespace": "dev"}, "spec": spec}


def hpa(api: str, kind: str, name: str = "x") -> Manifest:
    return scaler("autoscaling/v2", "HorizontalPodAutoscaler", apiVersion=api, kind=kind, name=name)


def thing(api: str, kind: str, name: str = "x") -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "dev"}}


def crd(paths: dict[str, str | None], strategy: str = "None", group: str = "db.example.com") -> Manifest:
    versions = [
        {"name": name, "subresources": {"scale": {"specReplicasPath": path}} if path else {}}
        for name, path in paths.items()
    ]
    spec = {
        "group": group,
        "names": {"kind": "Cluster", "plural": "clusters"},
        "conversion": {"strategy": strategy},
        "versions": versions,
    }
    made = thing("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"clusters.{group}")
    return {**made, "spec": spec}


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "ReplicaSet"),
        ("v1", "ReplicationController"),
        ("argoproj.io/v1alpha1", "Rollout"),
    ],
)
def test_kinds_without_a_definition_have_replicas(api: str, kind: str) -> None:
    scaling = autoscaling([hpa(api, kind)])
    assert scaling.pointers(thing(api, kind)) == ("/spec/replicas",)
    assert scaling.pointers(thing(api, kind, "y")) == ()
    assert scaling.pointers(thing("other/v1", kind)) == ()


@pytest.mark.parametrize(
    ("paths", "strategy", "version", "expected"),
    [
        ({"v1": ".spec.size"}, "None", "v1", ("/spec/size",)),
        ({"v1": ".spec.shards.count"}, "None", "v1", ("/spec/shards/count",)),
        ({"v1": ".spec.replicas"}, "None", "v1", ("/spec/replicas",)),
        ({"v1": None}, "None", "v1", ()),
        ({"v2": ".spec.nodes", "v1": ".spec.size"}, "Webhook", "v1", ("/spec/size",)),
        ({"v2": ".spec.nodes", "v1": ".spec.size"}, "Webhook", "v2", ("/spec/nodes",)),
        ({"v2": ".spec.nodes", "v1": None}, "Webhook", "v1", ()),
        ({"v2": ".spec.nodes", "v1": ".spec.size"}, "None", "v1", ("/spec/nodes", "/spec/size")),
        ({"v2": ".spec.nodes", "v1": None}, "None", "v1", ("/spec/nodes",)),
    ],
)
def test_a_definition_names_the_fields(
    paths: dict[str, str | None], strategy: str, version: str, expected: tuple[str, ...]
) -> None:
    api = f"db.example.com/{version}"
    scaling = autoscaling([hpa("db.example.com/v1", "Cluster"), crd(paths, strategy)])
    assert scaling.pointers(thing(api, "Cluster")) == expected
    assert autoscaling([crd(paths, strategy)]).pointers(thing(api, "Cluster")) == ()


def test_gits_definition_goes_before_the_live_one() -> None:
    git, live = crd({"v1": ".spec.nodes"}), crd({"v1": ".spec.size"})
    scaling = autoscaling([git, hpa("db.example.com/v1", "Cluster"), live])
    assert scaling.pointers(thing("db.example.com/v1", "Cluster")) == ("/spec/nodes",)


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (hpa("apps/v1", "StatefulSet"), [("apps", "StatefulSet", "x")]),
        (scaler("keda.sh/v1alpha1", "ScaledObject", name="x"), [("apps", "Deployment", "x")]),
        (
            scaler("keda.sh/v1alpha1", "ScaledObject", name="x", kind="StatefulSet"),
            [("apps", "StatefulSet", "x")],
        ),
        (
            scaler("keda.sh/v1alpha1", "ScaledObject", name="x", kind="Cluster", apiVersion="db.io/v1"),
            [("db.io", "Cluster", "x")],
        ),
        (scaler("http.keda.sh/v1alpha1", "HTTPScaledObject", name="x"), [("apps", "Deployment", "x")]),
        (scaler("autoscaling/v1", "HorizontalPodAutoscaler", name="x", kind="D"), [("", "D", "x")]),
        (scaler("autoscaling/v2", "HorizontalPodAutoscaler"), []),
        ({**thing("keda.sh/v1alpha1", "ScaledJob"), "spec": {"jobTargetRef": {"name": "x"}}}, []),
        (
            {
                **thing("autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
                "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}},
            },
            [],
        ),
        ({**thing("autoscaling/v2", "HorizontalPodAutoscaler"), "spec": None}, []),
        ({**thing("autoscaling/v2", "HorizontalPodAutoscaler"), "spec": {"scaleTargetRef": "x"}}, []),
    ],
)
def test_what_an_autoscaler_scales(manifest: Manifest, expected: list[Any]) -> None:
    assert [each[:3] for each in scale_targets(manifest)] == expected


def test_the_fields_written_through_the_scale_subresource() -> None:
    def entry(manager: str, subresource: str, fields: dict[str, Any]) -> dict[str, Any]:
        return {"manager": manager, "operation": "Update", "subresource": subresource, "fieldsV1": fields}

    metadata = {
        "managedFields": [
            entry("kube-controller-manager", "scale", {"f:spec": {"f:size": {}}}),
            entry("kube-controller-manager", "status", {"f:status": {"f:ready": {}}}),
            entry("kubectl-edit", "", {"f:spec": {"f:colour": {}}}),
        ]
    }
    assert scaled_by_others(metadata) == ("/spec/size",)
    assert scaled_by_others({}) == ()
