from towpath.engine.render import Rendered
from towpath.engine.sync import ObjectResult, SyncResult, _failed
from towpath.errors import SyncError, TransientError
from towpath.objects import ObjectRef

RENDERED = Rendered("hello", "dev", "dev", (), "sha256:0")


def ref(name: str) -> ObjectRef:
    return ObjectRef("", "ConfigMap", "dev", name)


def test_one_failure_that_will_stay_makes_all_final() -> None:
    error = _failed(
        RENDERED, [(ref("b"), TransientError("b is busy")), (ref("a"), SyncError("a is refused"))]
    )
    assert isinstance(error, SyncError)
    assert error.message == "hello in dev: 2 objects not synced:\n  a is refused\n  b is busy"


def test_only_passing_failures_may_be_tried_again_after_the_longest_wait() -> None:
    failures = [
        (ref("a"), TransientError("a", retry_after=3)),
        (ref("b"), TransientError("b", retry_after=7)),
    ]
    error = _failed(RENDERED, list(failures))
    assert isinstance(error, TransientError)
    assert error.retry_after == 7


def test_a_single_failure_is_one_line_with_its_remedy() -> None:
    error = _failed(RENDERED, [(ref("a"), SyncError("ConfigMap dev/a: no", remedy="do this"))])
    assert str(error) == "hello in dev: ConfigMap dev/a: no\ndo this"


def test_summary_counts_results() -> None:
    results = (
        ObjectResult(ref("a"), "created"),
        ObjectResult(ref("b"), "unchanged"),
        ObjectResult(ref("c"), "created"),
    )
    result = SyncResult("hello", "dev", results)
    assert result.summary() == "hello in dev: 2 created, 1 unchanged"
    assert [each.ref.name for each in result.changes] == ["a", "c"]
    assert SyncResult("hello", "dev", ()).summary() == "hello in dev: nothing to do"
