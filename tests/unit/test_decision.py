"""One row per case: the mode, what was found, what is done."""

import pytest

from towpath.decision import Decision, Policy, decide, decide_all
from towpath.drift import DriftEntry, DriftReport
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
