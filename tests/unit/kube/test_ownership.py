from towpath.kube.ownership import take_over

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


def test_nothing_to_take_over() -> None:
    assert (
        take_over(live(OURS, entry("operator", LABEL), entry("kubectl", SPEC, subresource="scale"))) is None
    )


def test_a_persons_fields_become_ours() -> None:
    assert take_over(live(OURS, entry("kubectl-label", LABEL))) == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, **LABEL}}
    ]


def test_ignored_fields_stay_with_the_person_and_leave_us() -> None:
    ours = entry("towpath", SPEC, "Apply")
    assert take_over(live(ours, entry("kubectl-edit", SPEC)), ["/spec/replicas"]) == [
        {**ours, "fieldsV1": {"f:spec": {"f:paused": {}}}},
        entry("kubectl-edit", {"f:spec": {"f:replicas": {}}}),
    ]


def test_an_object_that_was_never_ours_gets_our_entry() -> None:
    [ours] = take_over(live(entry("kubectl-create", LABEL))) or []
    assert (ours["manager"], ours["operation"], ours["fieldsV1"]) == ("towpath", "Apply", LABEL)


def test_a_restart_is_left_alone() -> None:
    restart = {
        "f:spec": {
            "f:template": {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/restartedAt": {}}}}
        }
    }
    assert take_over(live(OURS, entry("kubectl-rollout", restart))) is None


def test_fields_that_a_rule_leaves_to_a_manager_stay_his() -> None:
    theirs = entry("kubectl-edit", SPEC)
    assert take_over(live(OURS, theirs), (), (("kubectl-edit", ""),)) is None
    taken = take_over(live(OURS, theirs), (), (("kubectl-edit", "/spec/replicas"),))
    assert taken == [
        {**OURS, "fieldsV1": {"f:data": {"f:a": {}}, "f:spec": {"f:paused": {}}}},
        {**theirs, "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    ]
