"""Rules of several fields, and names below other fields than `metadata.name`."""

import pytest

from tests.unit.schemas.judging import named, problems

TEMPLATE = (
    "template: {{metadata: {{labels: {{app: a{labels}}}{metadata}}}, "
    "spec: {{containers: [{{name: a, image: x{container}}}]{spec}}}}}"
)
ROLE = "roleRef: {kind: Role, name: a, apiGroup: rbac.authorization.k8s.io}"
BACKEND = "http: {paths: [{path: /, pathType: Exact, backend: {service: {name: a, port: {number: 1}}}}]}"
STATEFUL_SET = """\
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}},
  spec: {hostname: A_b, containers: [{name: a, image: x}]}}}"""
METRIC = "{metric: {name: m, selector: {matchLabels: {a: 'b c'}}}, target: {type: Value, value: 1}}"
SCALER = f"""\
spec: {{maxReplicas: 1, scaleTargetRef: {{apiVersion: a/v1, kind: A, name: a}},
  metrics: [{{type: External, external: {METRIC}}}]}}"""


def deployment(
    container: str = "", spec: str = "", labels: str = "", metadata: str = "", rest: str = ""
) -> str:
    parts = {"container": container, "spec": spec, "labels": labels, "metadata": metadata}
    template = TEMPLATE.format(**{key: each and f", {each}" for key, each in parts.items()})
    return named(
        "apps/v1", "Deployment", f"spec: {{selector: {{matchLabels: {{app: a}}}}, {template}{rest}}}"
    )


def hpa(least: str, most: int, version: str = "autoscaling/v2") -> str:
    target = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}"
    return named(version, "HorizontalPodAutoscaler", f"spec: {{{target}, {least}maxReplicas: {most}}}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            deployment("resources: {requests: {cpu: 1}, limits: {cpu: 999m}}"),
            "requests.cpu` is more than its limit",
        ),
        (
            deployment("resources: {requests: {memory: 1.1Gi}, limits: {memory: 1Gi}}"),
            "is more than its limit",
        ),
        (deployment("resources: {limits: {example.com/fpga: 1.5}}"), "must be a whole number"),
        (
            deployment("resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 2}}"),
            "must equal its limit",
        ),
        (
            deployment("resources: {requests: {hugepages-2Mi: 2Mi, cpu: 1}, limits: {hugepages-2Mi: 4Mi}}"),
            "must equal its limit",
        ),
        (deployment(spec="initContainers: [{name: a, image: x}]"), "has the same `name` as"),
        (
            deployment(rest=", strategy: {rollingUpdate: {maxSurge: 0%, maxUnavailable: 0}}"),
            "must not both be 0",
        ),
        (hpa("minReplicas: 3, ", 2), "`spec.maxReplicas` is less than `minReplicas`"),
        (hpa("minReplicas: 9, ", 8, "autoscaling/v1"), "`spec.maxReplicas` is less than `minReplicas`"),
        (
            named(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "spec: {podSelector: {}, ingress: [{ports: [{port: 90, endPort: 80}]}]}",
            ),
            "`spec.ingress[0].ports[0].endPort` is less than `port`",
        ),
        (
            named("v1", "Service", "spec: {ports: [{name: a, port: 1}, {name: a, port: 2}]}"),
            "has the same `name`",
        ),
        (
            named("v1", "Service", "spec: {ports: [{name: a, port: 1}, {port: 2}]}"),
            "`spec.ports[1].name` is missing",
        ),
        (
            named(
                "discovery.k8s.io/v1",
                "EndpointSlice",
                "addressType: IPv4, endpoints: [], ports: [{port: 1, name: a}, {port: 2, name: a}]",
            ),
            "`ports[1]` has the same `name` as `ports[0]`",
        ),
        (
            named("v1", "LimitRange", "spec: {limits: [{type: Pod, min: {cpu: 2}, max: {cpu: 1}}]}"),
            "`spec.limits[0].min.cpu` is more than its `max`",
        ),
    ],
)
def test_fields_that_do_not_go_together_are_found(text: str, expected: str) -> None:
    (found,) = problems(text)
    assert expected in found


@pytest.mark.parametrize(
    "text",
    [
        deployment("resources: {requests: {cpu: 1000m, memory: 1024Mi}, limits: {cpu: 1, memory: 1Gi}}"),
        deployment("resources: {requests: {cpu: 1e-1}, limits: {cpu: .1}}"),
        deployment("resources: {limits: {nvidia.com/gpu: '2'}}"),
        deployment("resources: {requests: {cpu: 2}, limits: null}"),
        deployment(spec="initContainers: [{name: b, image: x}]"),
        deployment(rest=", strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1%}}"),
        hpa("", 1),
        hpa("minReplicas: null, ", 1),
        hpa("minReplicas: 2, ", 2),
        named("v1", "Service", "spec: {ports: [{port: 1}]}"),
    ],
)
def test_fields_that_go_together_are_not_found(text: str) -> None:
    assert problems(text) == []


def definition_with(versions: str) -> str:
    spec = f"spec: {{group: b.c, scope: Cluster, names: {{kind: A, plural: a}}, versions: {versions}}}"
    head = "apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a.b.c}"
    return f"{{{head}, {spec}}}"


def version(name: str, *, storage: bool) -> str:
    stored = str(storage).lower()
    return f"{{name: {name}, served: true, storage: {stored}, schema: {{openAPIV3Schema: {{type: object}}}}}}"


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([("v1", True), ("v1", False)], "has the same `name`"),
        ([("v1", False)], "exactly one version must have `storage: true`"),
        ([("v1", True), ("v2", True)], "exactly one version must have `storage: true`"),
    ],
)
def test_versions_of_a_definition(versions: list[tuple[str, bool]], expected: str) -> None:
    text = ", ".join(version(name, storage=storage) for name, storage in versions)
    (found,) = problems(definition_with(f"[{text}]"))
    assert expected in found


LONG = "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, labels: {{x: {LONG}}}}}}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: 'a b'}}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {'a b': x}}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {EXAMPLE.com/a: x}}}",
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, annotations: {{{LONG}: x}}}}}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {a/b/c: x}}}",
        deployment(labels="x: -a"),
        deployment(metadata="annotations: {x/: a}"),
        deployment(spec="nodeSelector: {'a b': x}"),
        deployment(spec="nodeSelector: {a: 'x y'}"),
        deployment(spec="hostname: A"),
        deployment(spec="subdomain: a.b"),
        deployment(spec="serviceAccountName: a_b"),
        deployment(spec="tolerations: [{key: a b, operator: Exists}]"),
        deployment(spec="volumes: [{name: a.b, emptyDir: {}}]"),
        deployment(spec="hostAliases: [{ip: 1.2.3, hostnames: [a]}]"),
        deployment("ports: [{containerPort: 1, name: a--b}]"),
        deployment("env: [{name: a=b}]"),
        deployment("env: [{name: A, valueFrom: {secretKeyRef: {name: A_b, key: k}}}]"),
        named("policy/v1", "PodDisruptionBudget", "spec: {selector: {matchLabels: {a: -b}}}"),
        named("v1", "Service", "spec: {selector: {a: b c}, ports: [{port: 1}]}"),
        named("v1", "Service", "spec: {ports: [{port: 1, targetPort: http_port}]}"),
        named("networking.k8s.io/v1", "Ingress", f"spec: {{rules: [{{host: 'a.*.com', {BACKEND}}}]}}"),
        named(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            f"{ROLE}, subjects: [{{kind: ServiceAccount, name: A B, namespace: a}}]",
        ),
    ],
)  # fmt: skip
def test_a_name_of_another_form_is_found_wherever_it_is(text: str) -> None:
    (found,) = problems(text)
    assert " must be " in found


@pytest.mark.parametrize(
    "text",
    [
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {EXAMPLE.com/a: 'a b/🚀'}}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a.b/C_d: ''}}}",
        deployment("env: [{name: a b}, {name: 1-x.y}]"),
        deployment(spec="serviceAccountName: ''"),
        named(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            f"{ROLE}, subjects: [{{kind: User, name: A B}}]",
        ),
        # A server does not judge these texts here.
        named("apps/v1", "StatefulSet", STATEFUL_SET),
        named("autoscaling/v2", "HorizontalPodAutoscaler", SCALER),
    ],
)  # fmt: skip
def test_a_text_that_a_server_takes_is_not_found(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (deployment("livenessProbe: {exec: {command: [a]}, successThreshold: 2}"), "must be at most 1"),
        (deployment("readinessProbe: {exec: {command: [a]}, successThreshold: 2}"), None),
        (deployment(spec="restartPolicy: OnFailure"), "must be one of Always"),
        (
            deployment(spec="volumes: [{name: a, secret: {secretName: a, defaultMode: 512}}]"),
            "must be at most 511",
        ),
        (deployment("resources: {limits: {cpu: -1}}"), "must be at least 0"),
        (deployment("resources: {limits: {cpu: -1m}}"), "and not negative"),
        (named("policy/v1", "PodDisruptionBudget", "spec: {maxUnavailable: 101%}"), "at most 100%"),
        (named("policy/v1", "PodDisruptionBudget", "spec: {maxUnavailable: half}"), "at most 100%"),
        (named("scheduling.k8s.io/v1", "PriorityClass", "value: 1000000001"), "must be at most 1000000000"),
    ],
)
def test_limits_that_a_server_tells_in_dry_runs(text: str, expected: str | None) -> None:
    found = problems(text)
    assert [expected in each for each in found] == [True] if expected else found == []
