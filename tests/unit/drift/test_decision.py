"""One row per case: the mode, what was found, what is done."""

from dataclasses import replace

import pytest

from towpath.drift.decision import (
    Decision,
    DriftPolicy,
    apply_heal_budget,
    decide_all,
    decide_app,
    drift_status,
)
from towpath.drift.heal_budget import WHOLE_OBJECT, ExhaustedFields, HealBudget
from towpath.drift.model import DriftEntry, DriftReport
from towpath.objects import ObjectRef

REF = ObjectRef("", "ConfigMap", "dev", "settings")


def entries(*kinds: str, app: str = "hello") -> tuple[DriftEntry, ...]:
    return tuple(DriftEntry(app, REF, kind) for kind in kinds)


CASES = [
    ("heal", (), "none"),
    ("heal", ("modified",), "sync"),
    ("heal", ("deleted",), "sync"),
    ("heal", ("unapplied",), "sync"),
    ("report", ("modified", "deleted"), "report"),
    ("report", ("unapplied",), "sync"),
    ("adopt", ("modified",), "adopt"),
    ("adopt", ("modified", "unapplied"), "sync"),
    ("off", ("modified", "unapplied"), "report"),
    ("heal", ("waiting",), "prune"),
    ("heal", ("waiting", "kept"), "prune"),
    ("heal", ("waiting", "modified"), "sync"),
    ("heal", ("kept",), "none"),
    ("report", ("waiting",), "prune"),
    ("report", ("waiting", "modified"), "report"),
    ("adopt", ("waiting",), "prune"),
    ("off", ("waiting",), "report"),
]


@pytest.mark.parametrize("mode", ["heal", "report", "adopt", "off"])
def test_what_left_git_goes_whatever_is_done_about_drift(mode: str) -> None:
    decision = decide_app("hello", entries("waiting", "modified"), DriftPolicy(mode))
    assert decision.prunes is (mode in ("report", "adopt")), "a sync prunes when it is verified"
    assert not decide_app("hello", entries("waiting"), DriftPolicy(mode, paused="paused")).prunes
    assert not decide_app("hello", entries("kept", "modified"), DriftPolicy(mode)).prunes


@pytest.mark.parametrize(("mode", "kinds", "action"), CASES)
def test_mode_decides(mode: str, kinds: tuple[str, ...], action: str) -> None:
    assert decide_app("hello", entries(*kinds), DriftPolicy(mode)).action == action


def test_only_what_people_changed_is_adopted() -> None:
    left = DriftEntry("hello", REF, "modified", left_to="1 field left to cainjector")
    alone = decide_app("hello", (left,), DriftPolicy("adopt"))
    assert (alone.action, alone.reason) == ("report", "fields are left to other controllers")
    assert decide_app("hello", (left, *entries("modified")), DriftPolicy("adopt")).action == "adopt"
    assert decide_app("hello", (left, *entries("waiting")), DriftPolicy("adopt")).prunes
    assert decide_app("hello", (left, *entries("unapplied")), DriftPolicy("adopt")).action == "sync"


def test_a_pause_holds_everything_and_says_why() -> None:
    decision = decide_app("hello", entries("unapplied"), DriftPolicy("heal", paused="paused until noon"))
    assert (decision.action, decision.reason) == ("report", "paused until noon")


def test_to_heal_is_to_want_nothing_new() -> None:
    assert decide_app("hello", entries("modified", "deleted"), DriftPolicy()).heals
    assert not decide_app("hello", entries("modified", "unapplied"), DriftPolicy()).heals


def test_drift_of_no_app_stands_for_all_and_extras_for_none() -> None:
    report = DriftReport("dev", "", (*entries("deleted", app=""), *entries("extra", app="")))
    decisions = decide_all(report, ["b", "a"], lambda _: DriftPolicy())
    assert [(each.app, each.action, len(each.entries)) for each in decisions] == [
        ("a", "sync", 1),
        ("b", "sync", 1),
    ]
    extras = DriftReport("dev", "", entries("extra", app=""))
    assert decide_all(extras, ["a"], lambda _: DriftPolicy()) == (Decision("a", "none"),)


def test_apps_have_policies_of_their_own() -> None:
    report = DriftReport("dev", "", (*entries("modified", app="a"), *entries("modified", app="b")))
    policies = {"a": DriftPolicy("report"), "b": DriftPolicy("heal")}
    assert [each.action for each in decide_all(report, policies, policies.__getitem__)] == ["report", "sync"]


def exhausted(*entries: DriftEntry, healed: tuple[DriftEntry, ...] = ()) -> HealBudget:
    leave = {entry.ref: (WHOLE_OBJECT,) for entry in entries}
    return HealBudget(healed, leave, tuple(ExhaustedFields(entry.ref, ("/a",)) for entry in entries))


OTHER = ObjectRef("", "ConfigMap", "dev", "other")


def test_what_was_healed_too_often_is_reported_and_the_rest_is_healed() -> None:
    [stuck], fresh = entries("modified"), DriftEntry("hello", OTHER, "deleted")
    both = decide_app("hello", (stuck, fresh), DriftPolicy())
    some = apply_heal_budget(both, exhausted(stuck, healed=(fresh,)))
    assert (some.action, some.counted, some.left_alone) == ("sync", (fresh,), {REF: (WHOLE_OBJECT,)})
    assert drift_status(some) == "healing stopped: 1 object"
    none = apply_heal_budget(decide_app("hello", (stuck,), DriftPolicy()), exhausted(stuck))
    assert (none.action, none.counted) == ("report", ())
    assert "healing stopped after 3 times" in none.reason


def test_what_git_wants_anew_is_carried_out_beside_what_is_not_healed() -> None:
    [stuck], new = entries("modified"), DriftEntry("hello", OTHER, "unapplied")
    decision = apply_heal_budget(decide_app("hello", (stuck, new), DriftPolicy()), exhausted(stuck))
    assert (decision.action, decision.left_alone) == ("sync", {REF: (WHOLE_OBJECT,)})


@pytest.mark.parametrize(
    ("policy", "kinds", "told"),
    [
        (DriftPolicy("heal"), ("modified",), "in sync"),
        (DriftPolicy("report"), ("modified",), "drift allowed: 1 object"),
        (DriftPolicy("report"), ("unapplied",), "in sync"),
        (DriftPolicy("off"), ("modified",), "drift allowed: 1 object"),
        (DriftPolicy("adopt"), ("modified",), "drift to adopt: 1 object"),
        (DriftPolicy("heal", paused="paused until noon"), ("modified",), "paused, drifted: 1 object"),
        (DriftPolicy("heal"), (), "in sync"),
    ],
)
def test_status_tells_what_is_left(policy: DriftPolicy, kinds: tuple[str, ...], told: str) -> None:
    assert drift_status(decide_app("hello", entries(*kinds), policy)) == told
    assert drift_status(decide_app("hello", entries("modified"), policy), failed=True) == "out of sync"


def test_drift_beside_a_commit_is_still_allowed_drift_after_the_sync() -> None:
    found = (*entries("modified"), DriftEntry("hello", OTHER, "unapplied"))
    decision = decide_app("hello", found, DriftPolicy("report"))
    assert (decision.action, [e.ref for e in decision.allowed]) == ("sync", [REF])
    assert drift_status(decision) == "drift allowed: 1 object"


LEFT_TO = DriftEntry("hello", REF, "modified", left_to="1 field left to cainjector")


@pytest.mark.parametrize("mode", ["heal", "report", "adopt", "off"])
@pytest.mark.parametrize("beside", [(), ("kept",), ("waiting",), ("kept", "waiting")])
def test_a_field_left_to_a_controller_is_in_sync_beside_what_left_git(mode, beside) -> None:
    decision = decide_app("hello", (LEFT_TO, *entries(*beside)), DriftPolicy(mode))
    assert drift_status(decision) == "synced, 1 field left to cainjector"


@pytest.mark.parametrize("beside", ["modified", "deleted"])
def test_a_field_left_to_a_controller_hides_no_drift(beside) -> None:
    decision = decide_app("hello", (LEFT_TO, *entries(beside)), DriftPolicy("report"))
    assert drift_status(decision).startswith("drift allowed")


@pytest.mark.parametrize(
    ("policy", "beside", "text"),
    [
        (DriftPolicy("heal"), "modified", "synced, 1 field left to cainjector"),
        (DriftPolicy("heal"), "deleted", "synced, 1 field left to cainjector"),
        (DriftPolicy("heal"), "unapplied", "synced, 1 field left to cainjector"),
        (DriftPolicy("report"), "modified", "drift allowed: 1 object"),
        (DriftPolicy("report"), "unapplied", "synced, 1 field left to cainjector"),
        (DriftPolicy("adopt"), "modified", "drift to adopt: 1 object"),
        (DriftPolicy("off"), "unapplied", "not carried out: 1 object"),
        (DriftPolicy("heal", paused="paused until noon"), "deleted", "paused, drifted: 1 object"),
        (DriftPolicy("heal", paused="paused until noon"), "unapplied", "paused, not carried out: 1 object"),
    ],
)
def test_a_field_left_to_a_controller_counts_beside_nothing(policy, beside, text) -> None:
    decision = decide_app("hello", (LEFT_TO, DriftEntry("hello", OTHER, beside)), policy)
    assert drift_status(decision) == text


@pytest.mark.parametrize(
    ("policy", "kinds", "taken_back"),
    [
        (DriftPolicy("heal"), ("modified",), 1),
        (DriftPolicy("heal"), ("deleted", "unapplied"), 1),
        (DriftPolicy("heal"), ("unapplied", "kept"), 0),
        (DriftPolicy("report"), ("modified", "unapplied"), 0),
        (DriftPolicy("adopt"), ("deleted", "unapplied"), 0),
        (DriftPolicy("heal", paused="paused until noon"), ("modified",), 0),
    ],
)
def test_what_a_sync_takes_back_is_what_counts_as_healed(policy, kinds, taken_back) -> None:
    decision = decide_app("hello", (LEFT_TO, *entries(*kinds)), policy)
    assert len(decision.taken_back) == taken_back
    left_alone = replace(decision, left_alone={REF: (WHOLE_OBJECT,)})
    assert left_alone.taken_back == ()
    in_part = replace(decision, left_alone={REF: ("/data/a",)})
    assert in_part.taken_back == decision.taken_back


def test_an_exhausted_budget_for_a_left_field_syncs_no_more_and_stays_in_sync() -> None:
    decision = decide_app("hello", (LEFT_TO,), DriftPolicy("heal"))
    assert decision.action == "sync"
    stopped = ExhaustedFields(REF, ("/data/ca",), ("cainjector",))
    limited = apply_heal_budget(decision, HealBudget((), {REF: (WHOLE_OBJECT,)}, (stopped,)))
    assert (limited.action, limited.counted) == ("report", ())
    assert "cainjector" in limited.reason
    assert drift_status(limited) == "synced, 1 field left to cainjector"
