"""A live object becomes what a person would have written."""

from typing import Any

from towpath.kube.declared import declared, is_of_controllers


def live(kind: str, api_version: str = "v1", **content: Any) -> dict[str, Any]:
    metadata = {
        "name": "web",
        "namespace": "shop",
        "uid": "1",
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "generation": 3,
        **content.pop("metadata", {}),
    }
    return {"metadata": metadata, **content, "kind": kind, "apiVersion": api_version}


def entry(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def test_what_the_server_sets_is_left_out() -> None:
    annotations = {"deployment.kubernetes.io/revision": "4", "team": "a"}
    annotations["kubectl.kubernetes.io/last-applied-configuration"] = '{"kind": "Secret"}'
    template = {
        "metadata": {
            "creationTimestamp": None,
            "labels": {"app": "web"},
            "annotations": {"kubectl.kubernetes.io/restartedAt": "2026"},
        },
        "spec": {"containers": [{"name": "web", "image": "web:1"}], "dnsPolicy": "ClusterFirst"},
    }
    made = declared(
        live(
            "Deployment",
            "apps/v1",
            metadata={"annotations": annotations, "finalizers": ["x/y"], "labels": {}},
            spec={"replicas": 2, "template": template},
            status={"replicas": 2},
        )
    )
    assert made == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {"team": "a"}},
        "spec": {
            "replicas": 2,
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }
    assert list(made) == ["apiVersion", "kind", "metadata", "spec"]


def test_fields_of_controllers_alone_are_left_out() -> None:
    binder = {"f:spec": {"f:volumeName": {}, "f:storageClassName": {}}}
    managers = [
        entry("kube-controller-manager", binder),
        entry("kubectl-create", {"f:spec": {"f:storageClassName": {}, "f:accessModes": {}}}),
    ]
    claim = live(
        "PersistentVolumeClaim",
        metadata={"managedFields": managers},
        spec={"volumeName": "pv-1", "storageClassName": "fast", "accessModes": ["ReadWriteOnce"]},
    )
    assert declared(claim)["spec"] == {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"]}
    assert is_of_controllers(claim["metadata"])
    claim["metadata"]["managedFields"] = managers[1:]
    assert declared(claim)["spec"]["volumeName"] == "pv-1", "a person has bound it"
    assert not is_of_controllers(claim["metadata"])


def test_addresses_of_services_are_the_clusters() -> None:
    spec = {
        "clusterIP": "10.0.0.7",
        "clusterIPs": ["10.0.0.7"],
        "ipFamilies": ["IPv4"],
        "selector": {"a": "b"},
    }
    assert declared(live("Service", spec={**spec, "ipFamilyPolicy": "SingleStack"}))["spec"] == {
        "selector": {"a": "b"}
    }
    headless = {"clusterIP": "None", "clusterIPs": ["None"], "ipFamilyPolicy": "PreferDualStack"}
    assert declared(live("Service", spec=headless))["spec"] == {
        "clusterIP": "None",
        "ipFamilyPolicy": "PreferDualStack",
    }


def test_what_jobs_sets_and_accounts_get_is_left_out() -> None:
    generated = {"controller-uid": "1", "batch.kubernetes.io/job-name": "web"}
    spec = {"selector": {"matchLabels": generated}, "template": {"metadata": {"labels": generated}}}
    job = declared(live("Job", "batch/v1", metadata={"labels": generated}, spec=spec))
    assert job["spec"] == {"template": {}}
    assert job["metadata"] == {"name": "web"}
    account = live("ServiceAccount", secrets=[{"name": "web-token-x2b1c"}])
    assert "secrets" not in declared(account)
    account["secrets"].append({"name": "own"})
    assert declared(account)["secrets"] == account["secrets"]
    status = {"phase": "Pending"}
    spec = {
        "volumeClaimTemplates": [{"metadata": {"name": "data", "creationTimestamp": None}, "status": status}]
    }
    assert declared(live("StatefulSet", "apps/v1", spec=spec))["spec"] == {
        "volumeClaimTemplates": [{"metadata": {"name": "data"}}]
    }
