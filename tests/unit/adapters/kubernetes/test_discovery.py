from typing import Any

import pytest

from towpath.adapters.kubernetes.discovery import Kinds, Resource, discover


def served(*api_versions: str, kind: str) -> tuple[Resource, ...]:
    parts = [each.rpartition("/") for each in api_versions]
    return tuple(Resource(group, version, kind, "", True, frozenset()) for group, _, version in parts)


KINDS = Kinds(
    {
        ("autoscaling", "HorizontalPodAutoscaler"): served(
            "autoscaling/v2", "autoscaling/v1", kind="HorizontalPodAutoscaler"
        ),
        ("batch", "CronJob"): served("batch/v1", kind="CronJob"),
        ("networking.k8s.io", "Ingress"): served("networking.k8s.io/v1", kind="Ingress"),
        ("", "Pod"): served("v1", kind="Pod"),
        ("example.com", "Database"): served("example.com/v1", kind="Database"),
    }
)


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [
        ("autoscaling", "HorizontalPodAutoscaler", ["autoscaling/v2", "autoscaling/v1"]),
        ("batch", "CronJob", ["batch/v1"]),
        ("extensions", "Ingress", ["networking.k8s.io/v1"]),
        ("apps", "Pod", ["v1"]),
        ("example.com", "Database", ["example.com/v1"]),
        ("networking.internal.knative.dev", "Ingress", []),
        ("policy", "PodSecurityPolicy", []),
    ],
)
def test_the_versions_that_are_served_instead(group: str, kind: str, expected: list[str]) -> None:
    assert KINDS.other_versions(group, kind) == expected


def listed(*names: str) -> dict[str, Any]:
    kinds = {"apps": "App", "notes": "Note"}
    found = [{"name": n, "kind": kinds.get(n, "Scale"), "namespaced": True, "verbs": ["get"]} for n in names]
    return {"resources": found}


AGGREGATED = {
    "items": [
        {
            "metadata": {"name": "example.com"},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        {
                            "resource": "apps",
                            "responseKind": {"kind": "App"},
                            "subresources": [{"subresource": "status"}, {"subresource": "scale"}],
                        },
                        {"resource": "notes", "responseKind": {"kind": "Note"}},
                    ],
                }
            ],
        }
    ]
}
OLDER = {
    "/api": {"versions": []},
    "/apis": {
        "groups": [
            {
                "name": "example.com",
                "versions": [{"version": "v1"}],
                "preferredVersion": {"version": "v1"},
            }
        ]
    },
    "/apis/example.com/v1": listed("apps", "apps/status", "apps/scale", "notes", "notes/status"),
}


@pytest.mark.parametrize("answers", [{"/api": {"items": []}, "/apis": AGGREGATED}, OLDER])
def test_kinds_with_a_scale_subresource_are_known(answers: dict[str, Any]) -> None:
    kinds = discover(lambda path, _: answers[path])
    found = {kind: kinds.find("example.com", kind) for kind in ("App", "Note")}
    assert {kind: each.scalable for kind, each in found.items() if each} == {"App": True, "Note": False}
