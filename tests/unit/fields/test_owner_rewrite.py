from datetime import datetime

from towpath.fields.managed_fields import TakenBack, fingerprint
from towpath.fields.owner_rewrite import take_over

LABEL = {"f:metadata": {"f:labels": {"f:x": {}}}}
SPEC = {"f:spec": {"f:replicas": {}, "f:paused": {}}}


def entry(manager: str, fields: object, operation: str = "Update", **more: str):
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": "T",
        "fieldsV1": fields,
        **more,
    }


def live(*managed: object):
    metadata = {"name": "a", "labels": {"x": "1"}, "managedFields": list(managed)}
    return {"apiVersion": "v1", "metadata": metadata, "spec": {"replicas": 1, "paused": True}}


OURS = entry("towpath", {"f:data": {"f:a": {}}}, "Apply")


def taken(live_: dict, ignored=(), yielded=(), desired=None):
    """What `take_over` gives; our entry's time, which must be one that it never had, reads T."""
    managed = take_over(live_, desired or {}, ignored, yielded)
    for each in managed or []:
        if each["manager"] == "towpath":
            assert "1970" <= each["time"][:4] <= "2004"
            assert datetime.fromisoformat(each["time"]).tzinfo is not None
            each["time"] = "T"
    return managed


def test_nothing_to_take_over() -> None:
    assert taken(live(OURS, entry("operator", LABEL), entry("kubectl", SPEC, subresource="scale"))) is None


def test_a_persons_fields_become_ours() -> None:
    assert taken(live(OURS, entry("kubectl-label", LABEL)), desired={"data": {"a": "1"}}) == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, **LABEL}},
        entry("kubectl-label", {"f:data": {"f:a": {}}}),  # still says who it was, and keeps nothing alive
    ]


def test_what_git_has_stays_with_the_person_until_the_apply_takes_it() -> None:
    theirs = entry("kubectl-edit", {**LABEL, **SPEC})
    assert taken(live(OURS, theirs), desired={"spec": {"replicas": 3, "paused": False}}) == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, **LABEL}},
        {**theirs, "fieldsV1": SPEC},
    ]
    assert (
        taken(live(OURS, entry("kubectl-patch", SPEC)), desired={"spec": {"replicas": 3, "paused": 1}})
        is None
    )


def test_no_rewrite_looks_like_another_or_like_an_apply() -> None:
    before = live(OURS, entry("kubectl-label", LABEL))
    seen = {fingerprint({"managedFields": take_over(before, {})}) for _ in range(50)}
    assert len(seen) == 50
    assert fingerprint(before["metadata"]) not in seen


def test_a_list_item_that_a_person_added_is_taken_whole() -> None:
    item = {'k:{"name":"side"}': {".": {}, "f:name": {}, "f:image": {}}}
    fields = {"f:spec": {"f:containers": {**item, 'k:{"name":"app"}': {"f:image": {}}}}}
    containers = [{"name": "app", "image": "b"}, {"name": "side", "image": "c"}]
    before = live(OURS, entry("kubectl-edit", fields))
    before["spec"]["containers"] = containers
    [ours, theirs] = taken(before, desired={"spec": {"containers": [{"name": "app", "image": "a"}]}})
    assert ours["fieldsV1"]["f:spec"] == {"f:containers": item}
    assert theirs["fieldsV1"] == {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}}


def test_ignored_fields_stay_with_the_person_and_leave_us() -> None:
    ours = entry("towpath", SPEC, "Apply")
    assert taken(live(ours, entry("kubectl-edit", SPEC)), ["/spec/replicas"]) == [
        {**ours, "fieldsV1": {"f:spec": {"f:paused": {}}}},
        entry("kubectl-edit", {"f:spec": {"f:replicas": {}}}),
    ]


def test_an_object_that_was_never_ours_gets_our_entry() -> None:
    [ours] = taken(live(entry("kubectl-create", LABEL))) or []
    assert (ours["manager"], ours["operation"], ours["fieldsV1"]) == ("towpath", "Apply", LABEL)


def test_a_restart_is_left_alone() -> None:
    restart = {
        "f:spec": {
            "f:template": {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}}}
        }
    }
    assert taken(live(OURS, entry("kubectl-rollout", restart))) is None


def test_fields_that_a_rule_leaves_to_a_manager_stay_his() -> None:
    theirs = entry("kubectl-edit", SPEC)
    assert taken(live(OURS, theirs), (), (("kubectl-edit", ""),)) is None
    result = taken(live(OURS, theirs), (), (("kubectl-edit", "/spec/replicas"),))
    assert result == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, "f:spec": {"f:paused": {}}}},
        {**theirs, "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    ]


FORMER = TakenBack(former=("helm",))


def former(live_: dict, ignored=(), yielded=(), desired=None):
    managed = take_over(live_, desired or {}, ignored, yielded, FORMER)
    return [{**each, "time": "T"} for each in managed or []]


def test_all_that_a_former_manager_owns_becomes_ours_and_its_entry_ends() -> None:
    helm = entry("Helm", {**LABEL, **SPEC})
    desired = {"spec": {"replicas": 1, "paused": True}}
    both = {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, **LABEL, **SPEC}}
    assert former(live(OURS, helm), desired=desired) == [both]
    assert former(live(helm), desired=desired) == [
        {**entry("towpath", {**LABEL, **SPEC}, "Apply"), "fieldsType": "FieldsV1"}
    ]
    assert take_over(live(OURS, helm), desired) is None


def test_ignored_fields_of_a_former_manager_become_nobodys() -> None:
    assert former(live(OURS, entry("helm", SPEC)), ignored=["/spec"]) == [OURS]


def test_what_a_rule_leaves_to_a_former_manager_stays_its_own() -> None:
    theirs = entry("helm", {**LABEL, **SPEC})
    assert former(live(OURS, theirs), yielded=[("helm", "/spec")]) == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, **LABEL}},
        entry("helm", SPEC),
    ]


def test_the_status_of_a_former_manager_and_other_managers_stay() -> None:
    status = entry("helm", {"f:status": {"f:x": {}}}, subresource="status")
    assert former(live(OURS, status)) == []
    other = entry("cainjector", LABEL)
    assert former(live(OURS, entry("helm", LABEL), other)) == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, **LABEL}},
        other,
    ]


def test_an_entry_of_another_version_ends_too() -> None:
    """Its paths are of a schema that Git's object does not have."""
    restart = {"f:template": {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}}}}
    theirs = entry("kubectl-create", {**LABEL, "f:spec": {"f:replicas": {}, **restart}}, apiVersion="v0")
    desired = {"apiVersion": "v1", "spec": {"replicas": 1}}
    assert taken(live(OURS, theirs), desired=desired) == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, **LABEL, "f:spec": {"f:replicas": {}}}},
    ]
    same = entry("kubectl-create", SPEC)
    everything = {"apiVersion": "v1", "spec": {"replicas": 1, "paused": True}}
    assert taken(live(OURS, same), desired=everything) is None
