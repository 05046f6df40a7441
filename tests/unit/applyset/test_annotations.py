from typing import Any

import pytest

from towpath.applyset.annotations import metadata_problems


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": None, "annotations": {}},
        {"labels": {"app.kubernetes.io/name": "a.b_c-1", "empty": ""}, "finalizers": ["example.com/f"]},
        {"labels": {"towpath.dev/app": "hello", "towpath.dev/environment": "dev"}},
        {"annotations": {"towpath.dev/wave": "-1", "towpath.dev/hook": "pre-sync"}},
        {"annotations": {"towpath.dev/prune": "disabled", "towpath.dev/recreate": "allowed"}},
        {"annotations": {"towpath.dev/ignore": "/spec/replicas, /metadata/annotations/a~1b"}},
        {"annotations": {"towpath.dev/take-over": "helm"}},
        {"annotations": {"towpath.dev/take-over": "helm, argocd-controller,OpenAPI-Generator"}},
    ],
)
def test_what_may_be_there(metadata: dict[str, Any]) -> None:
    assert list(metadata_problems(metadata, "hello", "dev")) == []


def test_every_problem_is_told() -> None:
    metadata = {
        "labels": {"a b": "c", "d": 1, "towpath.dev/app": "other"},
        "annotations": {"towpath.dev/prune": "never", "towpath.dev/x": "y"},
        "ownerReferences": [{"uid": "u"}],
    }
    assert [each.partition(" ")[0] for each in metadata_problems(metadata, "hello", "dev")] == [
        *("label", "label", "label", "annotation", "unknown", "`metadata.ownerReferences`"),
    ]


@pytest.mark.parametrize("value", ["", " ", "helm,", ",helm", "helm,,argocd-controller"])
def test_a_take_over_names_managers(value: str) -> None:
    metadata = {"annotations": {"towpath.dev/take-over": value}}
    [problem] = metadata_problems(metadata, "hello", "dev")
    assert "field managers" in problem
