from towpath.engine.apply.sync_result import ObjectResult, SyncResult, failed
from towpath.engine.source.render import Rendered
from towpath.errors import SyncError, TransientError
from towpath.objects import ObjectRef

RENDERED = Rendered("hello", "dev", "dev", (), "sha256:0")


def ref(name: str) -> ObjectRef:
    return ObjectRef("", "ConfigMap", "dev", name)


def test_one_failure_that_will_stay_makes_all_final() -> None:
    error = failed(RENDERED, [(ref("b"), TransientError("b is busy")), (ref("a"), SyncError("a is refused"))])
    assert isinstance(error, SyncError)
    assert error.message == "hello in dev: 2 objects not synced:\n  a is refused\n  b is busy"


def test_only_passing_failures_may_be_tried_again_after_the_longest_wait() -> None:
    failures = [
        (ref("a"), TransientError("a", retry_after=3)),
        (ref("b"), TransientError("b", retry_after=7)),
    ]
    error = failed(RENDERED, list(failures))
    assert isinstance(error, TransientError)
    assert error.retry_after == 7


def test_a_single_failure_is_one_line_with_its_remedy() -> None:
    error = failed(RENDERED, [(ref("a"), SyncError("ConfigMap dev/a: no", remedy="do this"))])
    assert str(error) == "hello in dev: ConfigMap dev/a: no\ndo this"


def test_an_error_that_names_no_object_is_told_with_its_object() -> None:
    error = failed(RENDERED, [(ref("cart"), TransientError("the server is away"))])
    assert error.message == "hello in dev: ConfigMap dev/cart: the server is away"


def test_objects_that_were_not_tried_are_counted_and_never_look_done() -> None:
    error = failed(RENDERED, [(ref("a"), TransientError("a: no answer"))], untried=7)
    assert isinstance(error, TransientError)
    assert error.message == (
        "hello in dev: 1 objects not synced:\n  a: no answer\n"
        "  7 more objects were not tried, because the API server is away"
    )


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
