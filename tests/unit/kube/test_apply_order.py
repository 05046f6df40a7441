import pytest
from hypothesis import given
from hypothesis import strategies as st

from towpath.errors import ConfigError
from towpath.kube.apply_order import (
    apply_stages,
    deletion_stages,
    in_apply_order,
    rank_of,
    split_at_pre_sync,
    stage_of,
)
from towpath.objects import ObjectRef, ref_of

KINDS = [
    ("v1", "Namespace"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("v1", "ServiceAccount"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("networking.k8s.io/v1", "Ingress"),
    ("example.com/v1", "Boat"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
]


def manifest(api_version: str, kind: str, name: str = "a", wave: str | None = None, hook: str | None = None):
    named = {"towpath.dev/wave": wave, "towpath.dev/hook": hook}
    annotations = {key: value for key, value in named.items() if value is not None}
    metadata = {"name": name, "annotations": annotations} if annotations else {"name": name}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


manifests = st.lists(
    st.builds(
        lambda kind, name, wave, hook: manifest(*kind, name, wave, hook),
        st.sampled_from(KINDS),
        st.text("abc", min_size=1, max_size=3),
        st.sampled_from([None, "-1", "0", "5"]),
        st.sampled_from([None, None, "pre-sync", "post-sync"]),
    ),
    unique_by=ref_of,
)


def test_kinds_come_in_the_order_of_what_needs_what() -> None:
    kinds = [manifest(*kind) for kind in KINDS]
    assert [m["kind"] for m in in_apply_order(reversed(kinds))] == [kind for _, kind in KINDS]
    assert len(apply_stages(kinds)) == len(KINDS)


def test_wave_comes_before_kind_but_after_unannotated_namespaces() -> None:
    early = manifest("rbac.authorization.k8s.io/v1", "RoleBinding", wave="-1")
    objects = [manifest("v1", "ConfigMap"), early, manifest("v1", "Namespace")]
    assert [m["kind"] for m in in_apply_order(objects)] == ["Namespace", "RoleBinding", "ConfigMap"]


def test_what_hooks_need_comes_before_all_but_foundations_whatever_its_wave() -> None:
    needed = manifest("v1", "ConfigMap", "needed", wave="9", hook="pre-sync")
    later = manifest("v1", "ConfigMap", "later", wave="-9", hook="post-sync")
    crd = manifest("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    kept_back = manifest("v1", "Namespace", "kept-back", wave="0")
    plain = manifest("v1", "ConfigMap", "plain", wave="-99")
    before, rest = split_at_pre_sync([later, plain, kept_back, crd, needed])
    assert before == [crd, needed]
    assert rest == [plain, kept_back, later]


def test_objects_of_one_stage_go_together() -> None:
    [stage] = apply_stages(
        [manifest("v1", "Secret"), manifest("v1", "ConfigMap"), manifest("v1", "ConfigMap", "b")]
    )
    assert len(stage) == 3


def test_a_custom_service_is_a_custom_resource() -> None:
    knative = ObjectRef("serving.knative.dev", "Service", "a", "a")
    assert rank_of(knative) > rank_of(ObjectRef("apps", "Deployment", "a", "a"))


def test_wave_must_be_a_whole_number() -> None:
    with pytest.raises(ConfigError, match="'soon', not a whole number"):
        in_apply_order([manifest("v1", "ConfigMap", wave="soon")])


@given(manifests, st.randoms())
def test_order_is_complete_and_does_not_depend_on_the_input(objects, random) -> None:
    shuffled = list(objects)
    random.shuffle(shuffled)
    assert in_apply_order(shuffled) == in_apply_order(objects)
    assert [m for stage in apply_stages(objects) for m in stage] == in_apply_order(objects)
    assert len(in_apply_order(objects)) == len(objects)


@given(manifests, st.randoms())
def test_stages_are_the_same_for_every_input_and_hold_every_object_once(objects, random) -> None:
    shuffled = list(objects)
    random.shuffle(shuffled)
    assert apply_stages(shuffled) == apply_stages(objects)
    listed = [ref_of(m) for stage in apply_stages(objects) for m in stage]
    assert sorted(listed) == sorted(ref_of(m) for m in objects)
    keys = [{stage_of(m) for m in stage} for stage in apply_stages(objects)]
    assert all(len(key) == 1 for key in keys), "one stage, one wave and rank"
    assert keys == sorted(keys, key=min), "in rising order"


@given(manifests)
def test_hooks_cut_the_order_in_two(objects) -> None:
    before, rest = split_at_pre_sync(objects)
    assert before + rest == in_apply_order(objects)
    assert apply_stages(before) + apply_stages(rest) == apply_stages(objects), "between two stages"
    hooks = {m["metadata"].get("annotations", {}).get("towpath.dev/hook") for m in before}
    assert hooks <= {"pre-sync", None}
    assert all(m["metadata"].get("annotations", {}).get("towpath.dev/hook") != "pre-sync" for m in rest)


@given(manifests, st.randoms())
def test_deletion_stages_are_the_reverse_of_the_stages_of_applying(objects, random) -> None:
    shuffled = list(objects)
    random.shuffle(shuffled)
    back = deletion_stages(shuffled)
    assert [ref for stage in back for ref in stage] == [ref_of(m) for m in reversed(in_apply_order(objects))]
    assert [set(stage) for stage in back] == [{ref_of(m) for m in stage} for stage in apply_stages(objects)][
        ::-1
    ]


def test_deletion_takes_an_edited_wave_that_is_none_as_none() -> None:
    edited, early, late = (manifest("v1", "ConfigMap", wave, wave=wave) for wave in ("soon", "-1", "1"))
    assert [[ref.name for ref in stage] for stage in deletion_stages([early, edited, late])] == [
        ["1"],
        ["soon"],
        ["-1"],
    ]
