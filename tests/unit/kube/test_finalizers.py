"""Of an object that is being deleted is told since when, and for whom it waits."""

from typing import Any

import pytest

from towpath.kube.finalizers import termination

SINCE = "2026-01-31T10:00:00Z"


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        (
            {"deletionTimestamp": SINCE, "finalizers": ["a.example/x", "b.example/y"]},
            f"is being deleted since {SINCE}, and waits for its finalizers: a.example/x, b.example/y",
        ),
        (
            {"deletionTimestamp": SINCE, "finalizers": ["kubernetes.io/pvc-protection"]},
            f"is being deleted since {SINCE}, and waits for its finalizers: kubernetes.io/pvc-protection",
        ),
        (
            {"deletionTimestamp": SINCE, "finalizers": ["foregroundDeletion"]},
            f"is being deleted since {SINCE}, and waits for its finalizers: foregroundDeletion",
        ),
        ({"deletionTimestamp": SINCE, "finalizers": []}, f"is being deleted since {SINCE}"),
        ({"deletionTimestamp": SINCE, "deletionGracePeriodSeconds": 30}, f"is being deleted since {SINCE}"),
        ({"finalizers": ["a.example/x"]}, "is being deleted, and waits for its finalizers: a.example/x"),
        ({"finalizers": None}, "is being deleted"),
        ({}, "is being deleted"),
    ],
)
def test_since_when_and_for_whom_it_waits(metadata: dict[str, Any], told: str) -> None:
    assert termination(metadata) == told
