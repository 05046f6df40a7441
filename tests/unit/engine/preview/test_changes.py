"""Whether a dry run was refused for what people wrote into the object, which a sync takes back first."""

from typing import Any

import pytest

from towpath.adapters.kubernetes import ApiRefusedError
from towpath.engine.preview.changes import edits_in_the_way
from towpath.objects import Manifest

PORT = {"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
ENV = {"f:spec": {"f:containers": {'k:{"name":"a"}': {"f:env": {'k:{"name":"X"}': {".": {}, "f:name": {}}}}}}}
REPLICAS = {"f:spec": {"f:replicas": {}}}


def service(manager: str, fields: Any) -> Manifest:
    entry = {"manager": manager, "operation": "Update", "time": "T", "fieldsV1": fields}
    spec = {
        "ports": [{"name": "http", "port": 81, "protocol": "TCP"}],
        "containers": [{"name": "a", "env": [{"name": "X"}]}],
        "replicas": 2,
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "managedFields": [entry]},
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("manager", "fields", "named", "in_the_way"),
    [
        ("kubectl-edit", PORT, ("spec.ports[1].name",), True),
        ("kubectl-patch", PORT, ("spec.ports[0].name", "spec.ports[1].name"), True),
        ("k9s", PORT, ("spec.ports[1]",), True),
        ("some-controller", PORT, ("spec.ports[1].name",), False),
        ("kubectl-edit", REPLICAS, ("spec.ports[1].name",), False),
        ("kubectl-edit", PORT, ("spec.clusterIP",), False),
        ("kubectl-edit", PORT, ("spec.ports[1].name", "spec.clusterIP"), False),
        ("kubectl-edit", ENV, ("spec.containers[0].env[1].name",), True),
        ("kubectl-edit", PORT, (), False),
    ],
)
def test_lists_that_people_wrote_into(
    manager: str, fields: Any, named: tuple[str, ...], in_the_way: bool
) -> None:
    error = ApiRefusedError("apply", status=422, reason="invalid", fields=named, invalid_fields=bool(named))
    assert edits_in_the_way(service(manager, fields), error) is in_the_way


def test_a_policy_that_names_a_field_is_no_validation() -> None:
    error = ApiRefusedError("apply", status=403, reason="no", fields=("spec.ports[1].name",))
    assert not edits_in_the_way(service("kubectl-edit", PORT), error)
