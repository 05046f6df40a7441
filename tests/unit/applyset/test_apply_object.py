import pytest

from towpath.applyset.apply_object import ApplyObject, prepare_objects
from towpath.applyset.inventory import OwnedObject, Owner
from towpath.config import IgnoreRule
from towpath.fields.managed_fields import TakenBack, fingerprint

OWNER = Owner("hello", "dev", "dev")
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "hello", "namespace": "dev", "labels": {"a": "b"}},
    "spec": {"replicas": 2},
}
HPA = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "h", "namespace": "dev"},
    "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hello"}},
}
ENTRY = {
    "manager": "towpath",
    "operation": "Apply",
    "time": "T",
    "apiVersion": "v1",
    "fieldsV1": {"f:spec": {}},
}


def one(*objects, **options) -> ApplyObject:
    return prepare_objects(objects, OWNER, **options)[0]


def test_everything_is_labelled_and_the_input_untouched() -> None:
    desired = one(DEPLOYMENT)
    assert desired.manifest["metadata"]["labels"] == {"a": "b", **OWNER.labels}
    assert DEPLOYMENT["metadata"]["labels"] == {"a": "b"}


@pytest.mark.parametrize(
    "options",
    [
        {"autoscalers": [HPA]},
        {"rules": [IgnoreRule(kind="Deployment", pointer="/spec/replicas")]},
        {"rules": [IgnoreRule(kind="Deployment", name="hello", pointer="/spec/replicas")]},
    ],
)
def test_what_others_decide_is_left_out_after_the_start(options) -> None:
    desired = one(DEPLOYMENT, **options)
    assert desired.manifest["spec"] == {}
    assert desired.initial["spec"] == {"replicas": 2}
    assert desired.ignored == ("/spec/replicas",)
    assert desired.applied_digest != one(DEPLOYMENT).applied_digest


def test_an_autoscaler_in_git_counts_before_it_is_live() -> None:
    assert one(DEPLOYMENT, HPA).manifest["spec"] == {}


@pytest.mark.parametrize("empty", [{}, None, []])
@pytest.mark.parametrize("key", ["annotations", "labels", "finalizers", "ownerReferences"])
def test_empty_metadata_is_not_sent(key: str, empty: object) -> None:
    manifest = {**DEPLOYMENT, "metadata": {"name": "hello", "namespace": "dev", key: empty}}
    expected = {"name": "hello", "namespace": "dev", "labels": OWNER.labels}
    assert one(manifest).manifest["metadata"] == one(manifest).initial["metadata"] == expected


@pytest.mark.parametrize(
    "rules",
    [
        *([], None, {}),
        [{"verbs": ["get"]}],
        [{"verbs": ["get"]}, {"verbs": ["list"]}],
        [{"nonResourceURLs": ["/healthz"], "verbs": ["get"]}],
    ],
)
@pytest.mark.parametrize(
    "selectors",
    [[{"matchLabels": {"a": "b"}}], [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}]],
)
def test_the_rules_of_an_aggregated_role_are_the_controllers(rules: object, selectors: list[object]) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "view"},
        "rules": rules,
    }
    aggregated = {**role, "aggregationRule": {"clusterRoleSelectors": selectors}}
    assert "rules" not in one(aggregated).manifest
    assert one(aggregated).ignored == ("/rules",)
    assert one(role).manifest["rules"] == rules
    assert one({**role, "aggregationRule": None}).manifest["rules"] == rules
    others = {**aggregated, "kind": "Role"}, {**aggregated, "apiVersion": "example.com/v1"}
    assert [one(each).manifest["rules"] for each in others] == [rules, rules]


def test_rule_for_another_object_does_not_count() -> None:
    assert (
        one(DEPLOYMENT, rules=[IgnoreRule(kind="Deployment", name="x", pointer="/spec/replicas")]).ignored
        == ()
    )


def test_annotation_names_fields_to_ignore() -> None:
    metadata = {
        **DEPLOYMENT["metadata"],
        "annotations": {"towpath.dev/ignore": "/spec/replicas, /spec/paused"},
    }
    assert one({**DEPLOYMENT, "metadata": metadata}).ignored == ("/spec/paused", "/spec/replicas")


@pytest.mark.parametrize(
    ("texts", "data"),
    [
        ({"a": None}, {"a": ""}),
        ({"a": ""}, {"a": ""}),
        ({"a": "None"}, {"a": "Tm9uZQ=="}),
        ({"a": "0"}, {"a": "MA=="}),
        ({"a": None, "b": "x"}, {"a": "", "b": "eA=="}),
        ({"a": "é\n"}, {"a": "w6kK"}),
    ],
)
def test_a_null_text_of_a_secret_is_an_empty_one(texts: dict[str, str | None], data: dict[str, str]) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": texts}
    assert one(secret).manifest["data"] == data


def test_text_of_a_secret_is_encoded() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "eA=="}}
    manifest = one({**secret, "stringData": {"b": "x"}}).manifest
    assert manifest["data"] == {"a": "eA==", "b": "eA=="}
    assert "stringData" not in manifest


def live(**metadata):
    return {"metadata": {"uid": "u", "managedFields": [ENTRY], **metadata}}


def owned(**changes: str) -> OwnedObject:
    values = {
        "uid": "u",
        "fingerprint": fingerprint(live()["metadata"]),
        "applied_digest": one(DEPLOYMENT).applied_digest,
        **changes,
    }
    return OwnedObject(one(DEPLOYMENT).ref, **values)


@pytest.mark.parametrize(
    ("has", "now", "settled"),
    [
        (owned(), live(), True),
        (None, live(), False),
        (owned(), None, False),
        (owned(uid="v"), live(), False),
        (owned(applied_digest="older"), live(), False),
        (owned(fingerprint=""), live(managedFields=[]), False),
        (owned(), live(managedFields=[{**ENTRY, "time": "T2"}]), False),
        (owned(), live(deletionTimestamp="T"), False),
    ],
)
def test_settled_is_as_we_left_it(has, now, settled: bool) -> None:
    assert one(DEPLOYMENT).is_settled(has, now) is settled


SCALED_BY_KEDA = {
    "metadata": {
        "name": "hello",
        "managedFields": [ENTRY, {**ENTRY, "manager": "keda", "fieldsV1": {"f:spec": {"f:replicas": {}}}}],
    }
}


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        (IgnoreRule(kind="Deployment", manager="keda"), True),
        (IgnoreRule(kind="*", manager="keda"), True),
        (IgnoreRule(kind="*", name="hello", manager="keda", pointer="/spec"), True),
        (IgnoreRule(kind="*", manager="keda", pointer="/metadata"), False),
        (IgnoreRule(kind="*", name="other", manager="keda"), False),
        (IgnoreRule(kind="Deployment", manager="vpa"), False),
    ],
)
def test_what_a_manager_owns_is_left_to_it_where_a_rule_says_so(rule: IgnoreRule, left: bool) -> None:
    plain = one(DEPLOYMENT)
    desired = one(DEPLOYMENT, rules=[rule], live={plain.ref: SCALED_BY_KEDA})
    assert ("replicas" not in desired.manifest["spec"]) is left
    assert desired.initial["spec"]["replicas"] == 2
    assert desired.applied_digest == plain.applied_digest, "what a manager takes is no commit"


def test_items_of_a_list_that_a_manager_owns_are_left_out_without_moving_others() -> None:
    args = {'v:"a"': {}, 'v:"b"': {}}
    theirs = {**ENTRY, "manager": "m", "fieldsV1": {"f:spec": {"f:args": args}}}
    manifest = {**DEPLOYMENT, "spec": {"args": ["a", "x", "b"]}}
    live = {one(manifest).ref: {"metadata": {"managedFields": [theirs]}}}
    desired = one(manifest, rules=[IgnoreRule(kind="*", manager="m")], live=live)
    assert desired.manifest["spec"] == {"args": ["x"]}


def test_to_declare_a_take_over_is_a_change_in_git() -> None:
    plain, declared = one(DEPLOYMENT), one(DEPLOYMENT, taken_back=TakenBack(former=("helm",)))
    assert declared.content_digests == (plain.applied_digest,)
    assert declared.has_content(plain.applied_digest)
    assert not declared.is_recorded(plain.applied_digest)
    assert declared.applied_digest != plain.applied_digest
    assert one(DEPLOYMENT, taken_back=TakenBack(people=("x",))).applied_digest == plain.applied_digest
    annotated = {**DEPLOYMENT["metadata"], "annotations": {"towpath.dev/take-over": "helm, Argo"}}
    both = one({**DEPLOYMENT, "metadata": annotated}, taken_back=TakenBack(former=("flux",)))
    assert both.taken_back.former == ("Argo", "flux", "helm")


def test_an_entry_of_a_former_manager_is_an_edit_and_is_named() -> None:
    helm = {**ENTRY, "manager": "Helm", "operation": "Update", "fieldsV1": {"f:data": {"f:x": {}}}}
    now = live(managedFields=[ENTRY, helm])
    declared = one(DEPLOYMENT, taken_back=TakenBack(former=("helm",)))
    has = owned(applied_digest=declared.applied_digest)
    assert one(DEPLOYMENT).is_settled(owned(), now)
    assert declared.is_settled(has, live())
    assert not declared.is_settled(has, now)
    assert declared.former_managers(now["metadata"], first=False) == ("Helm",)
    assert one(DEPLOYMENT).former_managers(now["metadata"], first=False) == ()
