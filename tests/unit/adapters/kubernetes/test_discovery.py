import pytest

from towpath.adapters.kubernetes.discovery import Kinds, Resource


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
