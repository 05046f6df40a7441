"""What the cluster or a controller makes by itself is no extra, and is never pruned."""

import pytest

from towpath.drift.extras import is_extra
from towpath.engine.apply.prune_extras import may_delete


@pytest.mark.parametrize(
    ("kind", "metadata", "expected"),
    [
        ("Role", {"name": "backdoor"}, True),
        ("ConfigMap", {"name": "mine"}, True),
        ("ConfigMap", {"name": "kube-root-ca.crt"}, False),
        ("ConfigMap", {"name": "x", "labels": {"towpath.dev/inventory": "hello"}}, False),
        ("ServiceAccount", {"name": "default"}, False),
        ("Secret", {"name": "t", "annotations": {"kubernetes.io/service-account.name": "a"}}, False),
        ("Secret", {"name": "sh.helm.release.v1.a.v1"}, False),
        ("Secret", {"name": "mine"}, True),
        ("Job", {"name": "j", "ownerReferences": [{"kind": "CronJob"}]}, False),
        ("ReplicaSet", {"name": "r"}, False),
        ("Endpoints", {"name": "e"}, False),
        ("Lease", {"name": "l"}, False),
    ],
)
def test_extras(kind: str, metadata, expected: bool) -> None:
    assert is_extra({"kind": kind, "metadata": metadata}) is expected


def test_the_history_of_heals_is_no_extra() -> None:
    assert not is_extra(
        {"kind": "ConfigMap", "metadata": {"name": "x", "labels": {"towpath.dev/heals": "a"}}}
    )


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        ("Service", {"name": "kubernetes", "namespace": "default"}),
        ("ConfigMap", {"name": "kube-root-ca.crt", "namespace": "dev"}),
        ("ConfigMap", {"name": "istio-ca-root-cert", "labels": {"istio.io/config": "true"}}),
        ("ConfigMap", {"name": "istio-ca-crl"}),
        ("ConfigMap", {"name": "openshift-service-ca.crt"}),
        ("ConfigMap", {"name": "linkerd-identity-trust-roots"}),
        ("ConfigMap", {"name": "odh-trusted-ca-bundle"}),
        ("ConfigMap", {"name": "extension-apiserver-authentication", "namespace": "kube-system"}),
        ("ConfigMap", {"name": "leader", "annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}}),
        ("ConfigMap", {"name": "roots", "labels": {"trust.cert-manager.io/bundle": "roots"}}),
        ("ServiceAccount", {"name": "builder"}),
        ("ServiceAccount", {"name": "deployer"}),
        ("Secret", {"name": "builder-dockercfg-x7", "annotations": {"openshift.io/token-secret.name": "b"}}),
        ("Secret", {"name": "shop-tls", "annotations": {"cert-manager.io/certificate-name": "shop"}}),
        ("Secret", {"name": "db", "labels": {"reconcile.external-secrets.io/created-by": "0a"}}),
        ("Secret", {"name": "pull", "annotations": {"reflector.v1.k8s.emberstack.com/reflects": "a/pull"}}),
        ("NetworkPolicy", {"name": "deny", "labels": {"generate.kyverno.io/policy-name": "deny"}}),
        ("RoleBinding", {"name": "towpath", "labels": {"towpath.dev/installed-by": "towpath-system"}}),
        ("RoleBinding", {"name": "team", "labels": {"hnc.x-k8s.io/inherited-from": "parent"}}),
        ("RoleBinding", {"name": "system:image-pullers"}),
        ("Role", {"name": "system::leader-locking-kube-scheduler", "namespace": "kube-system"}),
        ("Role", {"name": "reader", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}),
        ("EndpointSlice", {"name": "kubernetes", "namespace": "default"}),
        ("ResourceQuota", {"name": "gke-resource-quotas"}),
        ("Secret", {"name": "copy", "annotations": {"kubed.appscode.com/origin": "{}"}}),
        ("Secret", {"name": "ours", "annotations": {"management.cattle.io/project-scoped-secret-copy": "p"}}),
        (
            "Secret",
            {
                "name": "default-dockercfg-a1b2c",
                "annotations": {"openshift.io/internal-registry-auth-token.service-account": "default"},
            },
        ),
        ("RoleBinding", {"name": "rb-a1", "labels": {"authz.cluster.cattle.io/rtb-owner-updated": "p_b"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else value["name"],
)
def test_what_comes_by_itself(kind: str, metadata) -> None:
    live = {"kind": kind, "metadata": {"uid": "u", **metadata}}
    assert not is_extra(live)
    assert not may_delete(live)


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        ("Service", {"name": "kubernetes", "namespace": "dev"}),
        ("Service", {"name": "kubernetes-dashboard", "namespace": "default"}),
        ("ConfigMap", {"name": "cluster-info", "namespace": "dev"}),
        ("Secret", {"name": "istio-ca-root-cert"}),
        ("Secret", {"name": "default"}),
        ("ResourceQuota", {"name": "ours"}),
        ("Secret", {"name": "source", "annotations": {"kubed.appscode.com/sync": ""}}),
        ("Secret", {"name": "of-rancher", "labels": {"cattle.io/creator": "norman"}}),
        ("ServiceAccount", {"name": "default-2"}),
        ("ConfigMap", {"name": "system:mine"}),
        ("Role", {"name": "my-system:role"}),
        (
            "ConfigMap",
            {"name": "note", "annotations": {"example.com/from": "cert-manager.io/certificate-name"}},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value["name"],
)
def test_what_only_looks_alike_is_an_extra(kind: str, metadata) -> None:
    assert is_extra({"kind": kind, "metadata": {"uid": "u", **metadata}})
