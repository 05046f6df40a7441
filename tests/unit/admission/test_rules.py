from typing import Any

import pytest

from towpath.admission.policy import AdmissionPolicy
from towpath.admission.rules import admit_objects, objects_of_two_apps
from towpath.release.model import one_image
from towpath.yamltext.manifest_reader import ManifestDocument

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
IMAGE = "127.0.0.1:5000/hello"
POLICY = AdmissionPolicy(namespace="dev")


def obj(kind: str, name: str = "x", version: str = "v1", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **more.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def deployment(image: str) -> dict[str, Any]:
    pod = {"spec": {"containers": [{"name": "c", "image": image}]}}
    return obj("Deployment", version="apps/v1", spec={"template": pod})


def admitted(*values: Any, policy: AdmissionPolicy = POLICY) -> Any:
    documents = [ManifestDocument(value, "f.yaml", line) for line, value in enumerate(values, start=1)]
    return admit_objects(documents, policy, folder="apps/x/dev")


def refused(*values: Any, policy: AdmissionPolicy = POLICY) -> str:
    result = admitted(*values, policy=policy)
    assert result.findings
    return "\n".join(str(finding) for finding in result.findings)


def test_the_namespace_is_filled_in() -> None:
    (each,) = admitted(obj("ConfigMap")).objects
    assert each["metadata"]["namespace"] == "dev"


def test_cluster_scoped_objects_get_no_namespace() -> None:
    (each,) = admitted(obj("Namespace", "dev")).objects
    assert "namespace" not in each["metadata"]


def test_what_only_the_server_sets_is_left_out() -> None:
    value = obj("ConfigMap", metadata={"uid": "1", "resourceVersion": "2", "creationTimestamp": None})
    (each,) = admitted({**value, "status": {}}).objects
    assert each == obj("ConfigMap", metadata={"namespace": "dev"})


def test_a_foreign_namespace_is_refused() -> None:
    assert "namespace 'prod'" in refused(obj("ConfigMap", metadata={"namespace": "prod"}))


def test_another_environments_namespace_object_is_refused() -> None:
    assert "not this environment's namespace" in refused(obj("Namespace", "prod"))


OTHERS = AdmissionPolicy(
    namespace="shop",
    namespaces=("kube-system", "team-*"),
    others={"team-own": "blog"},
    cluster_scoped=frozenset({"Namespace", "ClusterRole.rbac.authorization.k8s.io/shop-*"}),
    app="shop",
)


def test_objects_are_in_the_namespaces_that_the_app_may_touch_and_in_its_own_without_one() -> None:
    named = [obj("ConfigMap", metadata={"namespace": name}) for name in ("kube-system", "team-a")]
    places = [
        each["metadata"]["namespace"] for each in admitted(obj("Secret"), *named, policy=OTHERS).objects
    ]
    assert places == ["shop", "kube-system", "team-a"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dev", "shop may touch shop, kube-system, team-*"),
        ("team-own", "that is app blog's own"),
        ("kube-system2", "may touch"),
    ],
)
def test_a_namespace_that_the_app_may_not_touch_is_refused(name: str, said: str) -> None:
    assert said in refused(obj("ConfigMap", metadata={"namespace": name}), policy=OTHERS)
    assert said in refused(obj("Namespace", name), policy=OTHERS)


def test_names_of_towpath_are_taken_in_every_namespace() -> None:
    inventory = obj("ConfigMap", "towpath-inventory-x", metadata={"namespace": "team-a"})
    assert "this name is of Towpath's own inventories" in refused(inventory, policy=OTHERS)


def test_cluster_scoped_objects_are_allowed_by_kind_group_and_name() -> None:
    version = "rbac.authorization.k8s.io/v1"
    assert not admitted(obj("ClusterRole", "shop-view", version), policy=OTHERS).findings
    assert "cluster-scoped and not allowed" in refused(obj("ClusterRole", "view", version), policy=OTHERS)
    assert not admitted(obj("Namespace", "team-a"), policy=OTHERS).findings


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("v1", "PersistentVolume"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("cert-manager.io/v1", "ClusterIssuer"),
    ],
)
def test_cluster_scoped_kinds_are_refused_unless_allowed(version: str, kind: str) -> None:
    assert "cluster-scoped" in refused(obj(kind, version=version))
    allowed = AdmissionPolicy(namespace="dev", cluster_scoped=frozenset({kind}))
    assert not admitted(obj(kind, version=version), policy=allowed).findings


def test_a_namespace_does_not_hide_a_cluster_scoped_object() -> None:
    value = obj("ClusterRole", version="rbac.authorization.k8s.io/v1", metadata={"namespace": "dev"})
    assert "cluster-scoped" in refused(value)


def test_a_list_that_smuggles_a_cluster_role_is_refused() -> None:
    inner = {"kind": "List", "items": [obj("ClusterRole", version="rbac.authorization.k8s.io/v1")]}
    assert "ClusterRole x is cluster-scoped" in refused(
        {"apiVersion": "v1", "kind": "List", "items": [inner]}
    )


def test_a_typed_list_that_smuggles_cluster_roles_is_refused() -> None:
    items = [{"metadata": {"name": "x"}}]
    value = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleList", "items": items}
    assert "ClusterRole x is cluster-scoped" in refused(value)


def test_a_list_that_smuggles_a_foreign_namespace_is_refused() -> None:
    items = [obj("ConfigMap"), obj("Secret", metadata={"namespace": "kube-system"})]
    assert "kube-system" in refused({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.mark.parametrize(
    ("kind", "name"), [("ConfigMap", "towpath-inventory-hello"), ("Secret", "towpath-digest-key")]
)
def test_what_towpath_keeps_for_itself_is_no_apps(kind: str, name: str) -> None:
    assert "Towpath" in refused(obj(kind, name))
    assert admitted(obj(kind, f"{name.removeprefix('towpath-')}")).findings == ()


def test_a_hook_is_judged_like_everything_else() -> None:
    hook = {"namespace": "prod", "annotations": {"towpath.dev/hook": "pre-sync"}}
    assert "'prod'" in refused(obj("Job", version="batch/v1", metadata=hook))


def test_lists_are_unpacked() -> None:
    value = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [obj("ConfigMap", "a"), None, obj("ConfigMap", "b")],
    }
    assert [each["metadata"]["name"] for each in admitted(value).objects] == ["a", "b"]


def test_lists_in_lists_end() -> None:
    value: Any = obj("ConfigMap")
    for _ in range(50):
        value = {"apiVersion": "v1", "kind": "List", "items": [value]}
    assert "too deep" in refused(value)


def test_a_crd_at_hand_tells_its_kinds_scope() -> None:
    crd = obj(
        "CustomResourceDefinition",
        "widgets.example.com",
        "apiextensions.k8s.io/v1",
        spec={"group": "example.com", "scope": "Cluster", "names": {"kind": "Widget"}},
    )
    policy = AdmissionPolicy(namespace="dev", cluster_scoped=frozenset({"CustomResourceDefinition"}))
    assert "Widget x is cluster-scoped" in refused(
        obj("Widget", version="example.com/v1"), crd, policy=policy
    )


def test_a_crd_cannot_make_a_cluster_role_namespaced() -> None:
    crd = obj(
        "CustomResourceDefinition",
        "x",
        "apiextensions.k8s.io/v1",
        spec={
            "group": "rbac.authorization.k8s.io",
            "scope": "Namespaced",
            "names": {"kind": "ClusterRole"},
        },
    )
    policy = AdmissionPolicy(namespace="dev", cluster_scoped=frozenset({"CustomResourceDefinition"}))
    role = obj("ClusterRole", version="rbac.authorization.k8s.io/v1")
    assert "ClusterRole x is cluster-scoped" in refused(crd, role, policy=policy)


def test_the_same_object_twice_is_refused_also_in_another_version() -> None:
    text = refused(
        obj("HorizontalPodAutoscaler", version="autoscaling/v1"),
        obj("HorizontalPodAutoscaler", version="autoscaling/v2", metadata={"namespace": "dev"}),
    )
    assert "f.yaml:2" in text
    assert "declared twice, first in f.yaml:1" in text


def test_an_empty_result_is_refused() -> None:
    assert "renders no object" in refused()
    assert "renders no object" in refused({"apiVersion": "v1", "kind": "List", "items": []})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "not a mapping"),
        ([1], "not a mapping"),
        ({}, "`kind`"),
        ({"kind": "../../x", "apiVersion": "v1"}, "`kind`"),
        ({"kind": "ConfigMap"}, "`apiVersion`"),
        ({"kind": "ConfigMap", "apiVersion": "../v1"}, "`apiVersion`"),
        ({"kind": "ConfigMap", "apiVersion": "v1"}, "`metadata`"),
        ({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}}, "`metadata.name`"),
        (obj("ConfigMap", "../../secrets/x"), "`metadata.name`"),
        (obj("ConfigMap", ".."), "`metadata.name`"),
        ({"kind": "Job", "apiVersion": "batch/v1", "metadata": {"generateName": "x-"}}, "generateName"),
        (obj("ConfigMap", metadata={"namespace": 1}), "not a string"),
        (obj("ConfigMap", metadata={"labels": {"a": 1}}), "quote its value"),
        (obj("ConfigMap", metadata={"annotations": []}), "not a mapping"),
        (obj("ConfigMap", metadata={"labels": {"applyset.kubernetes.io/part-of": "x"}}), "ownership"),
        (obj("Event"), "not desired state"),
        (obj("ConfigMap", data={"x": "y" * 2_000_000}), "larger than"),
        ({"apiVersion": "v1", "kind": "List", "items": {}}, "not a list"),
    ],
)
def test_malformed_objects_are_refused(value: Any, message: str) -> None:
    assert message in refused(value)


def test_every_finding_is_told() -> None:
    values = [obj("ConfigMap", metadata={"namespace": "prod"}), obj("Namespace", "prod"), "text"]
    assert len(admitted(*values).findings) == 3


def test_a_released_app_runs_its_digest() -> None:
    policy = AdmissionPolicy(namespace="dev", images=one_image("app", IMAGE, DIGEST))
    assert not admitted(deployment(f"{IMAGE}@{DIGEST}"), policy=policy).findings
    assert "not by digest" in refused(deployment(f"{IMAGE}:v1"), policy=policy)
    assert "release.yaml says" in refused(deployment(f"{IMAGE}@{OTHER}"), policy=policy)
    assert "no container runs" in refused(deployment(f"busybox@{DIGEST}"), policy=policy)


def test_images_are_not_judged_before_the_first_release() -> None:
    policy = AdmissionPolicy(namespace="dev", images=())
    assert not admitted(deployment(IMAGE), policy=policy).findings


def test_two_apps_that_claim_one_object_are_told() -> None:
    first = admitted(obj("ConfigMap")).origins
    (finding,) = objects_of_two_apps([("a", first), ("b", first), ("c", {})])
    assert "declared by app 'b' and by app 'a'" in finding.message


@pytest.mark.parametrize("key", ["initContainers", "containers", "ephemeralContainers"])
@pytest.mark.parametrize("kind", ["Pod", "Deployment", "CronJob"])
def test_the_image_of_every_container_must_be_the_release(kind: str, key: str) -> None:
    def workload(image: str) -> dict[str, Any]:
        by_digest = {"name": "app", "image": f"{IMAGE}@{DIGEST}"}
        pod = {"containers": [by_digest], "volumes": []}
        pod[key] = [*pod.get(key, []), {"name": "debug", "image": image}]
        return {
            "Pod": obj("Pod", spec=pod),
            "Deployment": obj("Deployment", version="apps/v1", spec={"template": {"spec": pod}}),
            "CronJob": obj(
                "CronJob", version="batch/v1", spec={"jobTemplate": {"spec": {"template": {"spec": pod}}}}
            ),
        }[kind]

    policy = AdmissionPolicy(namespace="dev", images=one_image("app", IMAGE, DIGEST))
    assert not admitted(workload(f"{IMAGE}@{DIGEST}"), policy=policy).findings
    assert f"container 'debug' runs {IMAGE} not by digest" in refused(workload(f"{IMAGE}:v1"), policy=policy)
    assert "container 'debug' runs sha256:bbb" in refused(workload(f"{IMAGE}@{OTHER}"), policy=policy)


@pytest.mark.parametrize(
    ("kind", "version", "hint"),
    [
        ("Ingress", "extensions/v1beta1", "; it is in networking.k8s.io/v1"),
        ("NetworkPolicy", "extensions/v1beta1", "; it is in networking.k8s.io/v1"),
        ("Deployment", "extensions/v1beta1", "; it is in apps/v1"),
        ("PodSecurityPolicy", "extensions/v1beta1", "; Kubernetes 1.25 removed it"),
        ("PodPreset", "settings.k8s.io/v1alpha1", "; Kubernetes 1.20 removed it"),
        ("Ingress", "apps/v1", "; it is in networking.k8s.io/v1"),
        ("StorageClass", "v1", "; it is in storage.k8s.io/v1"),
        ("CronJob", "jobs/v1", "; it is in batch/v1"),
        ("Boat", "extensions/v1beta1", ""),
    ],
)
def test_where_a_kind_is_now_is_said(kind: str, version: str, hint: str) -> None:
    assert refused(obj(kind, version=version)).endswith(f"there is no kind {kind} in {version}{hint}")


SEVERAL = (*one_image("app", IMAGE, DIGEST), *one_image("job", "127.0.0.1:5000/job", OTHER))


def test_each_image_of_a_release_runs_its_own_digest() -> None:
    policy = AdmissionPolicy(namespace="dev", images=SEVERAL)
    app, job = deployment(f"{IMAGE}@{DIGEST}"), deployment(f"127.0.0.1:5000/job@{OTHER}")
    job["metadata"]["name"] = "job"
    assert not admitted(app, job, policy=policy).findings
    job["spec"]["template"]["spec"]["containers"][0]["image"] = f"127.0.0.1:5000/job@{DIGEST}"
    assert "runs sha256:" in str(admitted(app, job, policy=policy).findings[0])
    assert "no container runs the app's image 127.0.0.1:5000/job" in refused(app, policy=policy)
