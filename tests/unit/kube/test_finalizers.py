from towpath.kube.finalizers import termination


def test_since_when_and_for_whom_it_waits() -> None:
    metadata = {"deletionTimestamp": "2026-01-31T10:00:00Z", "finalizers": ["a.example/x", "b.example/y"]}
    assert termination(metadata) == (
        "is being deleted since 2026-01-31T10:00:00Z, and waits for its finalizers: a.example/x, b.example/y"
    )
    assert termination({"deletionTimestamp": "t"}) == "is being deleted since t"
    assert termination({"finalizers": None}) == "is being deleted"
