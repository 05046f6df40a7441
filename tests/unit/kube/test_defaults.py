"""Values that the API server would set itself are left out; others stay, also those that only look alike."""

from typing import Any

import pytest

from towpath.kube.defaults import without_defaults


def workload(**container: Any) -> dict[str, Any]:
    pod = {
        "containers": [{"name": "web", "image": "example.com/web:1", **container}],
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "securityContext": {},
        "serviceAccount": "web",
        "serviceAccountName": "web",
        "volumes": [{"name": "a", "configMap": {"name": "a", "defaultMode": 420}}],
    }
    spec = {"replicas": 1, "revisionHistoryLimit": 10, "template": {"spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def test_a_pod_has_only_what_differs_from_the_defaults() -> None:
    probe = {"httpGet": {"path": "/", "port": 1, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 5}
    given = workload(
        ports=[{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}],
        readinessProbe=probe,
        imagePullPolicy="IfNotPresent",
        resources={},
        terminationMessagePolicy="FallbackToLogsOnError",
    )
    spec = without_defaults(given)["spec"]
    assert spec["template"]["spec"] == {
        "containers": [
            {
                "name": "web",
                "image": "example.com/web:1",
                "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
                "readinessProbe": {"httpGet": {"path": "/", "port": 1}, "timeoutSeconds": 5},
                "terminationMessagePolicy": "FallbackToLogsOnError",
            }
        ],
        "serviceAccountName": "web",
        "volumes": [{"name": "a", "configMap": {"name": "a"}}],
    }
    assert spec["replicas"] == 1
    assert "revisionHistoryLimit" not in spec


@pytest.mark.parametrize(
    ("image", "policy", "stays"),
    [
        ("web", "Always", False),
        ("r:5000/web", "IfNotPresent", True),
        ("r:5000/web:latest", "Always", False),
        ("web:1", "Always", True),
        ("web@sha256:" + "0" * 64, "IfNotPresent", False),
        ("web:latest@sha256:" + "0" * 64, "Always", True),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str, stays: bool) -> None:
    made = without_defaults(workload(image=image, imagePullPolicy=policy))
    assert ("imagePullPolicy" in made["spec"]["template"]["spec"]["containers"][0]) == stays


def test_a_value_of_another_type_or_kind_stays() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    service["spec"] = {"ports": [{"port": 80, "targetPort": "80"}, {"port": 1, "targetPort": 1}]}
    assert without_defaults(service)["spec"] == {"ports": [{"port": 80, "targetPort": "80"}, {"port": 1}]}
    own = {"apiVersion": "example.com/v1", "kind": "Deployment", "metadata": {"name": "a"}}
    own["spec"] = {"revisionHistoryLimit": 10, "suspend": False}
    assert without_defaults(own) == own
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": {"completions": True}}
    assert without_defaults(job) == job
