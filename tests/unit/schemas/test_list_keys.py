import pytest

from tests.unit.schemas.judging import database, definition, named, problems


def pod(spec: str) -> str:
    return f"{{apiVersion: v1, kind: Pod, metadata: {{name: web}}, spec: {spec}}}"


def container(more: str) -> str:
    return pod(f"{{containers: [{{name: web, image: x, {more}}}]}}")


@pytest.mark.parametrize(
    ("text", "place", "keys"),
    [
        (container("env: [{name: A}, {name: B}, {name: A}]"), "spec.containers[0].env[2]", "`name`"),
        (container("ports: [{containerPort: 53}, {containerPort: 53, protocol: TCP}]"),
         "spec.containers[0].ports[1]", "`containerPort` and `protocol`"),
        (pod("{volumes: [{name: a}, {name: b}], containers: [{name: web, image: x, "
             "volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /a}]}]}"),
         "spec.containers[0].volumeMounts[1]", "`mountPath`"),
        (pod("{imagePullSecrets: [{name: a}, {name: a}], containers: [{name: web, image: x}]}"),
         "spec.imagePullSecrets[1]", "`name`"),
        (pod("{containers: [{name: web, image: x}, {name: web, image: x}]}"), "spec.containers[1]", "`name`"),
        (pod("{volumes: [{name: a}, {name: a}], containers: [{name: web, image: x}]}"),
         "spec.volumes[1]", "`name`"),
        (pod("{hostAliases: [{ip: 10.0.0.1}, {ip: 10.0.0.1}], containers: [{name: web, image: x}]}"),
         "spec.hostAliases[1]", "`ip`"),
        (named("v1", "Service", "spec: {ports: [{name: a, port: 1}, {name: b, port: 1}]}"),
         "spec.ports[1]", "`port` and `protocol`"),
        (named("v1", "ServiceAccount", "secrets: [{name: a}, {name: a}]"),
         "secrets[1]", "`name`"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, finalizers: [x/a, x/a]}}",
         "metadata.finalizers[1]", "value"),
    ],
)  # fmt: skip
def test_an_item_with_the_keys_of_another_one_is_found(text: str, place: str, keys: str) -> None:
    (found,) = problems(text)
    assert found.startswith(f"`{place}` has the same {keys} as ")


@pytest.mark.parametrize(
    "text",
    [
        container("ports: [{containerPort: 53}, {containerPort: 53, protocol: UDP}]"),
        container("args: [a, a], command: [a, a]"),
        pod("{tolerations: [{key: a}, {key: a}], containers: [{name: web, image: x}]}"),
        named("v1", "Service", "spec: {ports: [{name: a, port: 1}, {name: b, port: 1, protocol: UDP}]}"),
    ],
)
def test_other_keys_and_lists_without_keys_may_repeat(text: str) -> None:
    assert problems(text) == []


def test_lists_of_a_custom_kind_have_the_keys_of_its_definition() -> None:
    schema = """
        type: object
        properties:
          users:
            type: array
            x-kubernetes-list-type: map
            x-kubernetes-list-map-keys: [name, host]
            items:
              type: object
              required: [name]
              properties: {name: {type: string}, host: {type: string, default: '%'}}
          tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
    """
    same = "{users: [{name: a}, {name: a, host: '%'}, {name: a, host: b}], tags: [v, w, v]}"
    first, second = problems(database(same), definition(schema))
    assert first == "`spec.tags[2]` has the same value as `spec.tags[0]`"
    assert second == "`spec.users[1]` has the same `name` and `host` as `spec.users[0]`"
