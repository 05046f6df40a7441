import pytest

from towpath.applyset.inventory import PART_OF_LABEL, OwnedObject, Owner
from towpath.applyset.prune import (
    PruneCandidate,
    Pruning,
    check_moved,
    check_protected,
    check_prune_limit,
    decide_pruning,
)
from towpath.errors import RefusedError
from towpath.objects import ObjectRef

OWNER = Owner("hello", "dev", "dev")
REF = ObjectRef("", "ConfigMap", "dev", "a")
OURS = {PART_OF_LABEL: OWNER.applyset}


def live(uid: str = "u", labels=OURS, **annotations: str):
    return {"metadata": {"uid": uid, "labels": labels, "annotations": annotations}}


@pytest.mark.parametrize(
    ("uid", "now", "verdict"),
    [
        ("u", live(), "delete"),
        ("", live(), "delete"),  # written ahead, killed before it was confirmed: inventory and label claim it
        ("u", None, "gone"),
        ("u", live("another"), "gone"),
        ("u", live(labels=None), "kept"),
        ("u", live(labels={PART_OF_LABEL: "applyset-other-v1"}), "kept"),
        ("u", live(**{"towpath.dev/prune": "disabled"}), "kept"),
    ],
)
def test_only_what_inventory_label_and_uid_claim(uid: str, now, verdict: str) -> None:
    pruning = decide_pruning([PruneCandidate(OwnedObject(REF, uid), now)], OWNER)
    assert {name: len(getattr(pruning, name)) for name in ("delete", "gone", "kept")} == {
        "delete": 0,
        "gone": 0,
        "kept": 0,
        verdict: 1,
    }


def pruning(count: int, kind: str = "ConfigMap") -> Pruning:
    return Pruning(tuple((ObjectRef("", kind, "dev", str(i)), "u") for i in range(count)), (), ())


@pytest.mark.parametrize(
    ("count", "total", "refused"),
    [
        (0, 0, False),
        (3, 3, False),
        (4, 10, True),
        (20, 100, False),
        (21, 100, True),
        (4, 19, True),
        (4, 20, False),
    ],
)
def test_at_most_three_or_a_fifth(count: int, total: int, refused: bool) -> None:
    if refused:
        with pytest.raises(RefusedError, match=f"{count} of {total} objects"):
            check_prune_limit(pruning(count), total=total, limit=3, share=0.2)
    else:
        check_prune_limit(pruning(count), total=total, limit=3, share=0.2)


@pytest.mark.parametrize("kind", ["Namespace", "CustomResourceDefinition", "PersistentVolumeClaim"])
def test_protected_kinds_need_confirmation_of_exactly_them(kind: str) -> None:
    wanted = pruning(1, kind)
    with pytest.raises(RefusedError, match=kind):
        check_protected(wanted, {REF: "u"})
    with pytest.raises(RefusedError, match=kind):  # another object by the same name
        check_protected(wanted, {wanted.delete[0][0]: "another"})
    check_protected(wanted, dict(wanted.delete))


def test_confirmed_deletions_do_not_count_while_they_are_of_the_same_objects() -> None:
    many = pruning(4)
    check_prune_limit(many, total=4, limit=3, share=0.2, confirmed=dict(many.delete))
    check_prune_limit(many, total=4, limit=3, share=0.2, confirmed=dict(many.delete[:1]))
    others = {ref: "another" for ref, _ in many.delete}  # made again by the same names since
    with pytest.raises(RefusedError, match="4 of 4 objects"):
        check_prune_limit(many, total=4, limit=3, share=0.2, confirmed=others)


def test_a_move_to_another_namespace_needs_confirmation_of_exactly_what_is_deleted() -> None:
    ref = ObjectRef("", "ConfigMap", "old", "a")
    leaving, wanted = Pruning(((ref, "u"),), (), ()), [ObjectRef("", "ConfigMap", "new", "a")]
    for confirmed in ({}, {ref: "another"}, {REF: "u"}):
        with pytest.raises(RefusedError, match=r"would move objects.* \(now in new\)"):
            check_moved(leaving, wanted, confirmed)
    check_moved(leaving, wanted, {ref: "u"})
    check_moved(leaving, [ObjectRef("", "ConfigMap", "new", "b"), ObjectRef("", "Secret", "new", "a")])
