"""The heal budget: three heals of one field in ten minutes are enough."""

from datetime import UTC, datetime, timedelta

import pytest

from towpath.applyset.inventory import Owner
from towpath.drift.heal_budget import (
    MAX_OBJECTS,
    NO_HEALS,
    WHOLE_OBJECT,
    Heals,
    decide_heals,
    from_configmap,
    heals_ref,
    record_heals,
    to_configmap,
)
from towpath.drift.model import DriftEntry
from towpath.errors import RefusedError
from towpath.fields.managed_fields import FieldChange
from towpath.kube.diff import Difference
from towpath.objects import ObjectRef

T = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OWNER = Owner("hello", "dev", "dev")
HELLO = ObjectRef("apps", "Deployment", "dev", "hello")
OTHER = ObjectRef("", "ConfigMap", "dev", "settings")


def edited(*pointers: str, ref: ObjectRef = HELLO, wanted: str = "v1") -> DriftEntry:
    found = tuple(Difference(at, 1, 2) for at in pointers)
    who = (FieldChange("T", "operator", "Update"),)
    return DriftEntry("hello", ref, "modified", found, who, desired_digest=wanted)


def healed(*entries: DriftEntry, minutes: float = 0, before: Heals = NO_HEALS) -> Heals:
    return record_heals(before, entries, T + timedelta(minutes=minutes))


def three_times(*entries: DriftEntry, apart: float = 1) -> Heals:
    heals = NO_HEALS
    for turn in range(3):
        heals = healed(*entries, minutes=turn * apart, before=heals)
    return heals


def test_what_was_never_healed_is_healed() -> None:
    budget = decide_heals(NO_HEALS, [edited("/a")])
    assert (budget.entries, budget.left_alone, budget.exhausted) == ((edited("/a"),), {}, ())


def test_twice_is_not_enough_to_stop() -> None:
    heals = healed(edited("/a"), minutes=1, before=healed(edited("/a")))
    assert decide_heals(heals, [edited("/a")]).entries == (edited("/a"),)


def test_three_times_in_ten_minutes_stop_that_field_and_no_other_object() -> None:
    heals = three_times(edited("/a"))
    other = edited("/data/x", ref=OTHER)
    budget = decide_heals(heals, [edited("/a"), other])
    assert budget.entries == (other,)
    assert budget.left_alone == {HELLO: (WHOLE_OBJECT,)}
    [told] = budget.exhausted
    assert str(told) == (
        "Deployment dev/hello: healing stopped after 3 times in 10 minutes against operator: /a"
    )


def test_another_field_of_the_same_object_is_still_healed() -> None:
    budget = decide_heals(three_times(edited("/a")), [edited("/a", "/b")])
    assert [each.pointer for entry in budget.entries for each in entry.differences] == ["/b"]
    assert budget.left_alone == {HELLO: ("/a",)}


def test_it_stays_stopped_as_time_goes_by() -> None:
    heals = three_times(edited("/a"))
    later = healed(edited("/b"), minutes=60 * 24, before=heals)
    assert decide_heals(later, [edited("/a")]).entries == ()


def test_three_times_in_an_hour_are_fine() -> None:
    assert decide_heals(three_times(edited("/a"), apart=20), [edited("/a")]).entries == (edited("/a"),)


def test_a_commit_that_changes_the_object_begins_anew() -> None:
    heals = three_times(edited("/a"))
    changed = edited("/a", wanted="v2")
    assert decide_heals(heals, [changed]).entries == (changed,)
    again = healed(changed, minutes=4, before=heals)
    assert decide_heals(again, [changed]).entries == (changed,)


def test_an_object_that_is_deleted_again_and_again() -> None:
    gone = DriftEntry("hello", HELLO, "deleted", desired_digest="v1")
    heals = three_times(gone)
    assert decide_heals(heals, [gone]).left_alone == {HELLO: (WHOLE_OBJECT,)}
    assert decide_heals(heals, [edited("/a")]).entries == (edited("/a"),)


def test_the_history_is_bounded_and_forgets_what_is_old() -> None:
    heals = healed(edited("/a"), minutes=11, before=healed(edited("/b")))
    assert list(heals[HELLO].fields) == ["/a"]
    many = [edited("/a", ref=ObjectRef("", "ConfigMap", "dev", f"c{n}")) for n in range(MAX_OBJECTS + 10)]
    heals = healed(*many, minutes=5, before=three_times(edited("/a")))
    assert len(heals) == MAX_OBJECTS
    assert heals[HELLO].exhausted == ("/a",), "what is stopped is not forgotten for what is new"


def test_the_configmap_comes_back_as_it_was_written() -> None:
    heals = three_times(edited("/a", "/metadata/labels/x~1y"))
    manifest = to_configmap(OWNER, heals)
    assert from_configmap(manifest) == heals
    assert manifest["metadata"]["name"] == heals_ref(OWNER).name == "towpath-heals-hello"
    assert to_configmap(OWNER, heals, "7")["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize("data", [None, {}, {"heals": "x"}, {"heals": '{"format":2}'}, {"heals": "[]"}])
def test_what_cannot_be_read_says_what_to_do(data: object) -> None:
    manifest = {**to_configmap(OWNER, NO_HEALS), "data": data}
    with pytest.raises(RefusedError, match="towpath-heals-hello cannot be read") as caught:
        from_configmap(manifest)
    assert "begins anew" in str(caught.value)


def test_a_field_that_is_left_to_a_controller_is_counted_and_stays_exhausted_until_git_changes() -> None:
    difference = Difference("/data/ca", "PEM", "none")
    who = FieldChange("T", "cainjector", "Update", (".data.ca",))
    left = "1 field left to cainjector"
    entry = DriftEntry("hello", OTHER, "modified", (difference,), (who,), desired_digest="h", left_to=left)
    heals: Heals = NO_HEALS
    for number in range(3):
        assert decide_heals(heals, [entry]).entries == (entry,)
        heals = record_heals(heals, [entry], T + timedelta(minutes=number))
    budget = decide_heals(heals, [entry])
    assert budget.entries == ()
    assert [(each.ref, each.fields, each.managers) for each in budget.exhausted] == [
        (OTHER, ("/data/ca",), ("cainjector",))
    ]
    heals = record_heals(heals, [], T + timedelta(hours=5))
    assert decide_heals(heals, [entry]).entries == (), "it holds"
    changed = DriftEntry(
        "hello", OTHER, "modified", (difference,), (who,), desired_digest="new", left_to=left
    )
    assert decide_heals(heals, [changed]).entries == (changed,)
