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


@pytest.mark.parametrize("key", ["Example.com/X_y.z", "EXAMPLE.COM/a", "Ingress.Acme.io/rewrite", "Owner"])
def test_an_annotation_may_have_capitals_in_its_prefix(key: str) -> None:
    assert list(metadata_problems({"annotations": {key: "x"}}, "hello", "dev")) == []


@pytest.mark.parametrize(
    ("field", "key", "said"),
    [
        ("labels", "Example.com/a", "not a valid label"),
        ("annotations", "Example_x.com/a", "not a valid annotation"),
        ("annotations", "Example.com/", "not a valid annotation"),
        ("annotations", "A.com/b/c", "not a valid annotation"),
        ("annotations", "Towpath.dev/wave", "unknown annotation"),
    ],
)
def test_capitals_make_no_other_key_valid(field: str, key: str, said: str) -> None:
    [problem] = metadata_problems({field: {key: "1"}}, "hello", "dev")
    assert said in problem
