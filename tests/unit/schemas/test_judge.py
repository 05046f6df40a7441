import pytest

from tests.unit.schemas.judging import named, problems
from towpath.schemas.judge import UnknownKindError

POD = "spec: {{containers: [{{name: web, image: x{more}}}]{spec}}}"


def pod(more: str = "", spec: str = "") -> str:
    return named("v1", "Pod", POD.format(more=more and f", {more}", spec=spec and f", {spec}"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (pod("imagePullPolcy: Always"), "`imagePullPolicy`"),
        (pod("livenessProbe: {httpGet: {port: 80}, periodSecond: 3}"), "`periodSeconds`"),
        (pod(spec="nodeselector: {a: b}"), "`nodeSelector`"),
        (named("v1", "ConfigMap", "dta: {a: b}"), "`data`"),
        ("{apiVersion: v1, kind: Service, metadata: {name: a, label: {a: b}}, spec: {}}", "`labels`"),
        (
            named("batch/v1", "Job", "spec: {template: {}, ttlSecondsAfterFinish: 3}"),
            "",
        ),
    ],
)
def test_a_misspelt_field_is_found_and_the_nearest_one_named(text: str, expected: str) -> None:
    (found,) = [each for each in problems(text) if "unknown field" in each]
    assert found.endswith(
        f"did you mean {expected}?" if expected else "did you mean `ttlSecondsAfterFinished`?"
    )


def test_a_field_like_no_other_is_unknown_without_a_hint() -> None:
    assert problems(pod("xyzzy: 1")) == ["`spec.containers[0].xyzzy` is an unknown field"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (pod(spec="hostIPC: 'n'"), "is a string; true or false is expected"),
        (pod(spec="terminationGracePeriodSeconds: '30'"), "is a string; an integer is expected"),
        (pod("ports: {containerPort: 80}"), "is a mapping; a list is expected"),
        (pod("command: run"), "is a string; a list is expected"),
        (pod("env: [{name: A, value: 1}]"), "is an integer; a string is expected; quote it"),
        (pod("resources: {limits: {memory: 1Gib}}"), "must be a quantity such as"),
        (pod("ports: [{containerPort: 3000000000}]"), "must be at most 65535"),
        (pod("imagePullPolicy: always"), "did you mean Always?"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: [a]}}", "a mapping is expected"),
    ],
)
def test_a_value_of_another_type_is_found(text: str, expected: str) -> None:
    (found,) = problems(text)
    assert expected in found


def test_no_value_is_quoted() -> None:
    text = named("v1", "Secret", "stringData: {a: [hunter2]}, immutable: hunter2")
    assert len(problems(text)) == 2
    assert "hunter2" not in "".join(problems(text))


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (named("v1", "Pod", "spec: {}"), "spec.containers"),
        (named("v1", "Pod", "spec: {containers: [{image: x}]}"), "spec.containers[0].name"),
        (named("apps/v1", "Deployment", "spec: {template: {}}"), "spec.selector"),
        (named("batch/v1", "CronJob", "spec: {schedule: x}"), "spec.jobTemplate"),
        (
            named("rbac.authorization.k8s.io/v1", "RoleBinding", "subjects: []"),
            "roleRef",
        ),
        (named("apps/v1", "Deployment", "spec: {selector: null, template: {}}"), "spec.selector"),
    ],
)  # fmt: skip
def test_a_missing_field_is_found(text: str, missing: str) -> None:
    assert f"`{missing}` is missing" in problems(text)


@pytest.mark.parametrize(
    ("api_version", "kind", "served"),
    [
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v1, autoscaling/v2"),
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
        ("policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
        ("apps/v1beta2", "Deployment", "apps/v1"),
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "flowcontrol.apiserver.k8s.io/v1"),
    ],
)
def test_the_version_that_is_served_is_named(api_version: str, kind: str, served: str) -> None:
    (found,) = problems(f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: a}}, x: 1}}")
    assert found == f"{api_version} is not served by Kubernetes 1.35; served is {served}"


def test_a_kind_that_no_version_serves_any_more() -> None:
    (found,) = problems("{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: a}}")
    told = "policy/v1beta1 is not served by Kubernetes 1.35; no version of PodSecurityPolicy is"
    assert found == f"{told}: Kubernetes 1.25 removed it"


def test_of_a_custom_kind_without_definition_nothing_is_known() -> None:
    with pytest.raises(UnknownKindError):
        problems("{apiVersion: example.com/v1, kind: Database, metadata: {name: a}}")


def test_null_counts_as_absent() -> None:
    assert problems(pod("env: null, resources: {limits: null}", "nodeSelector: null")) == []
