"""Secrets that an object names are found wherever they stand."""

from towpath.kube.secret_names import secret_names


def test_secrets_of_pods_accounts_and_ingresses() -> None:
    pod = {
        "imagePullSecrets": [{"name": "registry"}, {}],
        "containers": [
            {
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
                "envFrom": [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "none"}}],
            }
        ],
        "volumes": [
            {"name": "tls", "secret": {"secretName": "tls"}},
            {"name": "more", "projected": {"sources": [{"secret": {"name": "part"}}]}},
            {"name": "config", "configMap": {"name": "none"}},
        ],
    }
    deployment = {"kind": "Deployment", "spec": {"template": {"spec": pod}}}
    assert secret_names(deployment) == {"registry", "db", "all", "tls", "part"}
    assert secret_names({"kind": "ServiceAccount", "secrets": [{"name": "token"}]}) == {"token"}
    assert secret_names({"kind": "Ingress", "spec": {"tls": [{"secretName": "web"}]}}) == {"web"}
    assert secret_names({"kind": "ConfigMap", "data": {"secretName": ""}, "secret": "text"}) == set()
