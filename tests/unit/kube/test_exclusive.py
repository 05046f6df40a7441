from typing import Any

import pytest

from towpath.kube.exclusive import shared_value


def service(*ports: int, cluster_ip: str = "") -> dict[str, Any]:
    spec: dict[str, Any] = {"ports": [{"port": 80, "nodePort": port} for port in ports]}
    return {"kind": "Service", "spec": spec | ({"clusterIP": cluster_ip} if cluster_ip else {})}


def ingress(*hosts: str) -> dict[str, Any]:
    return {"kind": "Ingress", "spec": {"rules": [{"host": host} for host in hosts]}}


PROXY = {"spec": {"virtualhost": {"fqdn": "a.example"}}}


@pytest.mark.parametrize(
    ("desired", "live", "fields", "shared"),
    [
        (service(1, 2), service(2, 3), ["spec.ports[1].nodePort"], ("spec.ports[1].nodePort", 2)),
        (service(1, 2), service(2, 3), ["spec.ports[0].nodePort"], None),
        (service(0), service(0), ["spec.ports[0].nodePort"], None),
        (service(1, cluster_ip="10.0.0.7"), service(2, cluster_ip="10.0.0.7"), ["spec.clusterIP"],
         ("spec.clusterIP", "10.0.0.7")),
        (service(1, cluster_ip="None"), service(2, cluster_ip="None"), ["spec.clusterIP"], None),
        ({"spec": {"clusterIPs": ["10.0.0.7"]}}, {"spec": {"clusterIPs": ["10.0.0.7"]}},
         ["spec.clusterIPs"], ("spec.clusterIPs", "10.0.0.7")),
        (ingress("a.example", "b.example"), ingress("b.example"), [], ("host", "b.example")),
        (ingress("a.example"), ingress("b.example"), [], None),
        (PROXY, PROXY, [], ("fqdn", "a.example")),
        ({"spec": {"hosts": ["a.example"]}}, {"spec": {"hosts": ["b.example", "a.example"]}}, [],
         ("hosts", "a.example")),
        ({"spec": None}, {}, ["spec.x"], None),
        ({}, ingress("a.example"), [], None),
    ],
)  # fmt: skip
def test_what_only_one_object_may_have(desired: Any, live: Any, fields: list[str], shared: Any) -> None:
    assert shared_value(desired, live, fields) == shared
