"""Whatever an object holds, it gets a verdict: never an error for the whole input."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.health import Status, assess
from towpath.health.assess import JUDGES
from towpath.health.operators import OPERATORS

KINDS = sorted({*JUDGES, *OPERATORS, ("example.org", "Widget")})
KEYS = st.sampled_from(
    [
        "conditions",
        "phase",
        "state",
        "status",
        "health",
        "ready",
        "readyReplicas",
        "replicas",
        "parents",
        "listeners",
        "instances",
        "type",
        "reason",
        "observedGeneration",
        "lastTransitionTime",
        "error",
        "applicationState",
        "severity",
        "v1beta2",
        "message",
        "containerStatuses",
        "generation",
        "scale",
        "statusReplicas",
    ]
)
MANY = "9" * 5000
"""More digits than Python reads as a number."""
WORDS = st.sampled_from(
    ["True", "False", "Ready", "Failed", "", "1/2", None, True, 0, -1, 3.5, "\u00b2", MANY, f"{MANY}/{MANY}"]
)
VALUES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(kind=st.sampled_from(KINDS), metadata=VALUES, spec=VALUES, status=VALUES)
def test_every_object_gets_a_verdict(kind: tuple[str, str], metadata: Any, spec: Any, status: Any) -> None:
    group = kind[0].replace("*", "x")
    version = f"{group}/v1" if group else "v1"
    manifest = {"apiVersion": version, "kind": kind[1], "metadata": metadata, "spec": spec, "status": status}
    assert assess(manifest).status in Status


def test_an_annotation_that_is_nested_too_deeply_is_none() -> None:
    annotations = {"autoscaling.alpha.kubernetes.io/conditions": "[" * 100_000}
    kind = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler"}
    metadata = {"name": "a", "namespace": "b", "annotations": annotations}
    assert assess({**kind, "metadata": metadata, "spec": {}, "status": {}}).status is Status.PROGRESSING


@pytest.mark.parametrize("value", [MANY, f"{MANY}/{MANY}", "\u00b2", "\u00b2/\u00b2"])
def test_a_text_that_looks_like_a_number_and_is_none(value: str) -> None:
    names = ("observedGeneration", "ready", "readyReplicas", "replicas", "state", "phase", "statusReplicas")
    status = dict.fromkeys(names, value)
    for group, kind in KINDS:
        manifest = {
            "apiVersion": f"{group.replace('*', 'x')}/v1" if group else "v1",
            "kind": kind,
            "metadata": {"name": "a", "generation": 3},
            "spec": status,
            "status": {**status, "scale": status},
        }
        assert assess(manifest).status in Status
