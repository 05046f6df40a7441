from towpath.kube.kinds import crd_scopes, is_cluster_scoped


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
