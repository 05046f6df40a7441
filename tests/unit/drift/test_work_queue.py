"""What a watcher makes of what it sees: drift at once, perhaps a sync, and when it is answered."""

from dataclasses import replace

import pytest

from towpath.applyset.inventory import PART_OF_LABEL, OwnedObject, Owner
from towpath.applyset.wanted_object import WantedObject
from towpath.drift import work_queue
from towpath.drift.comparison import compare_object
from towpath.drift.work_queue import (
    ANSWER_MEMORY,
    BURST_QUIET,
    FREE_ANSWERS,
    MAX_BURST,
    SETTLE,
    WatchFinding,
    WorkQueue,
    backoff,
    git_mark,
    judge_object,
    manager_family,
    own_apply_time,
    trim_metadata,
)
from towpath.fields.managed_fields import TakenBack, fingerprint
from towpath.objects import ObjectRef

REF = ObjectRef("", "ConfigMap", "dev", "a")
FIELDS = {"f:data": {"f:a": {}, "f:b": {}}}
LESS = {"f:data": {"f:a": {}}}
OWNER = Owner("hello", "dev", "dev")


def entry(manager, fields, operation="Update", time="T1", **more):
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": fields, **more}


OURS = entry("towpath", FIELDS, "Apply")
EDIT = entry("kubectl-edit", {"f:data": {"f:c": {}}}, time="T2")
STATUS = entry("kube-controller-manager", {"f:status": {"f:x": {}}}, time="T3", subresource="status")
SCALE = entry("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, time="", subresource="scale")
KEEPER = entry("some-operator", {"f:data": {"f:z": {}}}, time="T9")


def live(*managed, uid="u", **metadata):
    return {"metadata": {"name": "a", "uid": uid, "managedFields": list(managed), **metadata}}


OWNED = OwnedObject(REF, "u", fingerprint({"managedFields": [OURS]}), "h")


def judge(owned, now, applied_at=None, **rules):
    return judge_object(OWNER, REF, WantedObject("h", **rules), owned, now, applied_at=applied_at)


@pytest.mark.parametrize(
    ("now", "found", "doubtful"),
    [
        (live(OURS), False, False),
        (live(OURS, STATUS), False, False),
        (live(OURS, SCALE), False, False),
        (live(OURS, KEEPER), False, False),
        (live({**OURS, "fieldsV1": LESS}), True, False),  # somebody took a field: our time stands
        (live({**OURS, "fieldsV1": LESS}, KEEPER), True, False),
        (live(OURS, EDIT), True, False),
        (None, True, False),
        (live(), True, False),  # managedFields were wiped
        (live(OURS, deletionTimestamp="T"), True, False),
        (live({**OURS, "time": "T5"}), True, True),  # we, or somebody by our name, applied
        (live({**OURS, "time": "T5"}, EDIT), True, False),  # a person's edit is there all the same
        (live({**OURS, "time": "T5"}, uid="v"), True, True),  # a sync recreates it
    ],
)
def test_what_is_drift_and_what_may_be_our_own_write(now, found, doubtful) -> None:
    for seen in (now, trim_metadata(now) if now else None):
        finding = judge(OWNED, seen, "T1")
        assert (finding is not None) is found
        assert finding is None or finding.doubtful is doubtful


def test_without_a_time_to_compare_with_our_entry_is_doubted() -> None:
    finding = judge(OWNED, live({**OURS, "fieldsV1": LESS}))
    assert finding
    assert finding.doubtful


def test_what_no_sync_has_confirmed_is_no_drift() -> None:
    finding = judge(OwnedObject(REF), live(OURS))
    assert finding and not finding.drifted


def test_ignored_fields_are_nobody_s_edit() -> None:
    assert judge(OWNED, live(OURS, EDIT), "T1", ignored=("/data/c",)) is None


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ((("kubectl-edit", ""),), False),
        ((("kubectl-edit", "/data"),), False),
        ((("kubectl-edit", "/data/c"),), False),
        ((("kubectl-edit", "/data/d"),), True),
        ((("kubectl-patch", ""),), True),
        ((("x", ""), ("kubectl-edit", "")), False),
        ((), True),
    ],
)
def test_edits_are_left_to_ignored_managers_as_in_a_reconcile(rules, found) -> None:
    seen = trim_metadata(live(OURS, EDIT))
    finding = judge(OWNED, seen, "T1", ignored_managers=rules)
    assert (finding is not None) is found
    assert (
        compare_object("hello", OWNED, live(OURS, EDIT), WantedObject("h", ignored_managers=rules))
        is not None
    ) is found


def test_a_mark_changes_with_every_edit_and_not_with_status() -> None:
    first = judge(OWNED, live(OURS, EDIT), "T1")
    status = judge(OWNED, live(OURS, EDIT, STATUS, KEEPER), "T1")
    later = judge(OWNED, live(OURS, {**EDIT, "time": "T7"}), "T1")
    applied = judge(OWNED, live({**OURS, "time": "T6"}, EDIT), "T1")
    assert first and status and later and applied
    assert first.mark == status.mark
    assert len({first.mark, later.mark, applied.mark}) == 3


def test_slim_keeps_nothing_but_what_is_judged() -> None:
    kept = trim_metadata(live(OURS, EDIT, STATUS, KEEPER, annotations={"a": "b" * 1000}))
    managed = {"uid": "u", "managedFields": [OURS, EDIT, KEEPER]}
    assert kept == live(OURS, EDIT, name=None) | {"metadata": managed}
    assert own_apply_time(kept) == "T1"
    assert own_apply_time(live()) == own_apply_time(None) == ""


OTHER = ObjectRef("", "ConfigMap", "dev", "b")


def mark(
    objects: dict[ObjectRef, OwnedObject], wanted: dict[ObjectRef, str], *confirmed: str, waits=()
) -> str:
    """That of Git for an app whose objects are all live and ours."""
    ours = live(OURS, labels={PART_OF_LABEL: OWNER.applyset})
    judged = [
        judge_object(
            OWNER, ref, WantedObject(wanted[ref]) if ref in wanted else None, objects.get(ref), ours,
            waits=ref in waits, applied_at="T1",
        )
        for ref in sorted({*objects, *wanted})
    ]  # fmt: skip
    return git_mark([each for each in judged if each and not each.drifted], confirmed)


def test_git_differs_by_objects_their_content_and_new_confirmations() -> None:
    has = {REF: OWNED}
    assert mark(has, {REF: "h"}) == ""
    assert mark({}, {}) == ""
    marks = [
        mark(has, {REF: "new"}),
        mark(has, {REF: "h", OTHER: "x"}),
        mark(has, {}),
        mark(has, {}, "ConfigMap dev/a u"),
        mark({}, {REF: "h"}),
        mark({REF: OwnedObject(REF)}, {REF: "h"}),
    ]
    assert all(marks)
    assert len(set(marks[:4])) == 4
    both = {REF: OWNED, OTHER: replace(OWNED, ref=OTHER)}
    assert mark(both, {REF: "h"}, waits=[OTHER]) == "", "what waits to be deleted was synced"
    assert mark({REF: OWNED}, {REF: "h", OTHER: "x"}, waits=[OTHER])
    assert mark(both, {REF: "h"}), "an app that left Git is another matter"


def finding(name="a", mark="m", *, doubtful=False, since=0.0) -> WatchFinding:
    return WatchFinding(
        "hello", ObjectRef("", "ConfigMap", "dev", name), mark, doubtful=doubtful, since=since
    )


def test_a_burst_is_one_entry_and_is_answered_in_time() -> None:
    work_queue = WorkQueue()
    for number in range(200):
        work_queue.note("hello", number * 0.01)
    assert work_queue.take(MAX_BURST - 0.01) == ()
    assert work_queue.take(MAX_BURST) == ("hello",)
    assert work_queue.take(1e9) == ()
    assert work_queue.next_due() is None


def test_a_single_change_waits_for_a_moment_only() -> None:
    work_queue = WorkQueue()
    work_queue.note("hello", 5.0)
    assert work_queue.next_due() == pytest.approx(5.0 + BURST_QUIET)


def test_a_doubt_waits_and_does_not_hold_up_a_certainty() -> None:
    work_queue = WorkQueue()
    work_queue.note("hello", 0.0, wait=SETTLE)
    assert work_queue.take(SETTLE - 0.1) == ()
    work_queue.note("hello", 1.0)
    work_queue.note("hello", 1.0, wait=SETTLE)
    assert work_queue.take(1.0 + MAX_BURST) == ("hello",)


def test_a_doubtful_finding_is_a_case_only_when_it_lasts() -> None:
    work_queue = WorkQueue()
    doubt = finding(doubtful=True, since=10.0)
    assert work_queue.case("hello", [doubt], "", 11.0, 2) is None
    assert work_queue.next_due() == pytest.approx(10.0 + SETTLE, abs=0.1)
    case = work_queue.case("hello", [doubt], "", 10.0 + SETTLE, 2)
    assert case is not None
    assert work_queue.case("hello", [doubt, finding("b", since=11.0)], "", 11.0, 2) is not None


def test_what_was_tried_is_no_news_until_it_changes_or_was_well() -> None:
    work_queue = WorkQueue()
    same = finding()
    for _ in range(2):
        case = work_queue.case("hello", [same], "", 100.0, 2)
        assert case is not None
        work_queue.answered(case, {same.ref}, 100.0)
    assert work_queue.case("hello", [same], "", 100.0, 2) is None
    assert work_queue.case("hello", [finding(mark="other")], "", 100.0, 2) is not None
    work_queue.settled(same.ref)
    assert work_queue.case("hello", [same], "", 100.0, 2) is not None


def test_what_a_run_has_healed_counts_as_news_when_it_comes_again() -> None:
    work_queue = WorkQueue()
    for at in (0.0, 10.0, 20.0):
        case = work_queue.case("hello", [finding()], "", at, 1)
        assert case is not None
        work_queue.answered(case, set(), at)


def test_git_is_tried_like_an_object_and_forgiven_like_one() -> None:
    work_queue = WorkQueue()
    case = work_queue.case("hello", [], "mark", 0.0, 1)
    assert case is not None
    assert case.reason == "Git has changed"
    work_queue.answered(case, set(), 0.0)
    assert work_queue.case("hello", [], "mark", 1.0, 1) is None
    assert work_queue.case("hello", [], "newer", 1.0, 1) is not None
    work_queue.forgive()
    assert work_queue.case("hello", [], "mark", 1.0, 1) is not None


def test_an_object_that_is_fought_over_waits_ever_longer() -> None:
    work_queue, now, gaps = WorkQueue(), 0.0, []
    for number in range(FREE_ANSWERS + 4):
        fought = finding(mark=str(number))
        pause = work_queue.pause(fought, now)
        gaps.append(pause)
        now += pause
        case = work_queue.case("hello", [fought], "", now, 2)
        assert case is not None
        work_queue.answered(case, set(), now)
    assert gaps == [0.0] * FREE_ANSWERS + [1.0, 2.0, 4.0, 8.0]
    assert work_queue.pause(finding(), now + ANSWER_MEMORY + 1) == 0.0


def test_a_case_says_why_in_one_line() -> None:
    edited = WatchFinding("hello", REF, "m", managers=("kubectl-edit",))
    case = work_queue.ReconcileCase("hello", (edited, *(finding(str(n)) for n in range(4))), "git")
    assert case.reason == (
        "ConfigMap dev/a changed by kubectl-edit, ConfigMap dev/0 differs, ConfigMap dev/1 differs,"
        " 2 more, Git has changed"
    )


@pytest.mark.parametrize(
    ("manager", "name"),
    [("kubectl-client-side-apply", "kubectl"), ("k9s", "k9s"), ("evil-1", "other"), ("", "unknown")],
)
def test_managers_are_of_a_bounded_set(manager: str, name: str) -> None:
    assert manager_family(manager) == name


def test_backoff_doubles_up_to_a_limit() -> None:
    assert [backoff(n, first=2, longest=10) for n in range(5)] == [2, 4, 8, 10, 10]
    assert backoff(10**6) == 300


def test_edits_of_tools_that_the_configuration_names_are_found() -> None:
    edit = {**EDIT, "manager": "corp-console"}
    kept = trim_metadata(live(OURS, edit, KEEPER))
    named = TakenBack(people=("Corp-Console",))
    assert kept["metadata"]["managedFields"] == [OURS, edit, KEEPER]
    assert judge(OWNED, kept, "T1") is None
    finding = judge(OWNED, kept, "T1", taken_back=named)
    assert finding
    assert finding.managers == ("corp-console",)
    former = TakenBack(former=("corp-console",))
    assert judge(OWNED, kept, "T1", taken_back=former)
