"""One row per case: the mode, what was found, what is done."""

import pytest

from towpath.drift.decision import Decision, Policy, decide, decide_all, drift_text, limit
from towpath.drift.heal_budget import WHOLE, Budget, Exhausted
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
]


@pytest.mark.parametrize(("mode", "kinds", "action"), CASES)
def test_mode_decides(mode: str, kinds: tuple[str, ...], action: str) -> None:
    assert decide("hello", entries(*kinds), Policy(mode)).action == action


def test_a_pause_holds_everything_and_says_why() -> None:
    decision = decide("hello", entries("unapplied"), Policy("heal", paused="paused until noon"))
    assert (decision.action, decision.reason) == ("report", "paused until noon")


def test_to_heal_is_to_want_nothing_new() -> None:
    assert decide("hello", entries("modified", "deleted"), Policy()).heals
    assert not decide("hello", entries("modified", "unapplied"), Policy()).heals


def test_drift_of_no_app_stands_for_all_and_extras_for_none() -> None:
    report = DriftReport("dev", "", (*entries("deleted", app=""), *entries("extra", app="")))
    decisions = decide_all(report, ["b", "a"], lambda _: Policy())
    assert [(each.app, each.action, len(each.entries)) for each in decisions] == [
        ("a", "sync", 1),
        ("b", "sync", 1),
    ]
    extras = DriftReport("dev", "", entries("extra", app=""))
    assert decide_all(extras, ["a"], lambda _: Policy()) == (Decision("a", "none"),)


def test_apps_have_policies_of_their_own() -> None:
    report = DriftReport("dev", "", (*entries("modified", app="a"), *entries("modified", app="b")))
    policies = {"a": Policy("report"), "b": Policy("heal")}
    assert [each.action for each in decide_all(report, policies, policies.__getitem__)] == ["report", "sync"]


def exhausted(*entries: DriftEntry, healed: tuple[DriftEntry, ...] = ()) -> Budget:
    leave = {entry.ref: (WHOLE,) for entry in entries}
    return Budget(healed, leave, tuple(Exhausted(entry.ref, ("/a",)) for entry in entries))


OTHER = ObjectRef("", "ConfigMap", "dev", "other")


def test_what_was_healed_too_often_is_reported_and_the_rest_is_healed() -> None:
    [stuck], fresh = entries("modified"), DriftEntry("hello", OTHER, "deleted")
    both = decide("hello", (stuck, fresh), Policy())
    some = limit(both, exhausted(stuck, healed=(fresh,)))
    assert (some.action, some.counted, some.leave) == ("sync", (fresh,), {REF: (WHOLE,)})
    assert drift_text(some) == "healing stopped: 1 object"
    none = limit(decide("hello", (stuck,), Policy()), exhausted(stuck))
    assert (none.action, none.counted) == ("report", ())
    assert "healing stopped after 3 times" in none.reason


def test_what_git_wants_anew_is_carried_out_beside_what_is_not_healed() -> None:
    [stuck], new = entries("modified"), DriftEntry("hello", OTHER, "unapplied")
    decision = limit(decide("hello", (stuck, new), Policy()), exhausted(stuck))
    assert (decision.action, decision.leave) == ("sync", {REF: (WHOLE,)})


@pytest.mark.parametrize(
    ("policy", "kinds", "told"),
    [
        (Policy("heal"), ("modified",), "in sync"),
        (Policy("report"), ("modified",), "drift allowed: 1 object"),
        (Policy("report"), ("unapplied",), "in sync"),
        (Policy("off"), ("modified",), "drift allowed: 1 object"),
        (Policy("adopt"), ("modified",), "drift to adopt: 1 object"),
        (Policy("heal", paused="paused until noon"), ("modified",), "paused, drifted: 1 object"),
        (Policy("heal"), (), "in sync"),
    ],
)
def test_status_tells_what_is_left(policy: Policy, kinds: tuple[str, ...], told: str) -> None:
    assert drift_text(decide("hello", entries(*kinds), policy)) == told
    assert drift_text(decide("hello", entries("modified"), policy), failed=True) == "out of sync"


def test_drift_beside_a_commit_is_still_allowed_drift_after_the_sync() -> None:
    found = (*entries("modified"), DriftEntry("hello", OTHER, "unapplied"))
    decision = decide("hello", found, Policy("report"))
    assert (decision.action, [e.ref for e in decision.allowed]) == ("sync", [REF])
    assert drift_text(decision) == "drift allowed: 1 object"
