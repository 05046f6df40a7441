from typing import Any

import pytest

from towpath.admission.chart_hooks import map_helm_hooks
from towpath.errors import ConfigError
from towpath.yamltext.manifest_reader import ManifestDocument


def mapped(kind: str = "batch/v1 Job", **annotations: str) -> list[dict[str, Any]]:
    named = {name.replace("__", "/").replace("_", "-"): value for name, value in annotations.items()}
    named = {
        name.replace("helm/", "helm.sh/").replace("towpath/", "towpath.dev/"): v for name, v in named.items()
    }
    version, _, kind = kind.rpartition(" ")
    value = {"apiVersion": version, "kind": kind, "metadata": {"name": "a", "annotations": named}}
    return [
        each.value["metadata"]["annotations"] for each in map_helm_hooks([ManifestDocument(value, "f", 3)])
    ]


@pytest.mark.parametrize(
    ("hook", "phase"),
    [
        ("pre-install", "pre-sync"),
        ("pre-upgrade", "pre-sync"),
        ("pre-install,pre-upgrade", "pre-sync"),
        ("pre-install, pre-upgrade, pre-delete", "pre-sync"),
        ("post-install", "post-sync"),
        ("post-upgrade,post-rollback", "post-sync"),
    ],
)
def test_hooks_around_an_install_run_around_a_sync(hook: str, phase: str) -> None:
    (annotations,) = mapped(helm__hook=hook, helm__hook_weight="-5")
    assert annotations == {
        "helm.sh/hook": hook,
        "helm.sh/hook-weight": "-5",
        "towpath.dev/hook": phase,
        "towpath.dev/wave": "-5",
    }


@pytest.mark.parametrize(
    ("hook", "phase"),
    [
        ("pre-install,pre-upgrade", "pre-sync"),
        ("post-install", "post-sync"),
        ("post-install,pre-delete", "post-sync"),
        ("pre-install,pre-upgrade,post-install,post-upgrade", "pre-sync"),
        ("post-upgrade,pre-install", "pre-sync"),
    ],
)
@pytest.mark.parametrize("kind", ["v1 ServiceAccount", "v1 Secret", "e.com/v1 Job", "v1 Pod"])
def test_what_hooks_need_is_there_before_the_first_that_needs_it(kind: str, hook: str, phase: str) -> None:
    (annotations,) = mapped(kind, helm__hook=hook, helm__hook_weight="-5")
    assert (annotations["towpath.dev/hook"], annotations["towpath.dev/wave"]) == (phase, "-5")


@pytest.mark.parametrize("hook", ["test", "pre-delete", "post-delete,post-rollback", "test-success"])
@pytest.mark.parametrize("kind", ["batch/v1 Job", "v1 Pod", "v1 ConfigMap"])
def test_hooks_of_tests_deletions_and_rollbacks_are_left_out(kind: str, hook: str) -> None:
    assert mapped(kind, helm__hook=hook) == []


def test_what_the_chart_says_itself_is_kept() -> None:
    (annotations,) = mapped(
        helm__hook="pre-install", helm__hook_weight="1", towpath__hook="post-sync", towpath__wave="7"
    )
    assert (annotations["towpath.dev/hook"], annotations["towpath.dev/wave"]) == ("post-sync", "7")


def test_what_helm_would_keep_is_never_deleted() -> None:
    policy = {"helm.sh/resource-policy": "keep"}
    assert mapped("v1 PersistentVolumeClaim", **policy) == [{**policy, "towpath.dev/prune": "disabled"}]
    (hook,) = mapped("v1 Secret", helm__hook="pre-install", **policy)
    assert (hook["towpath.dev/hook"], hook["towpath.dev/prune"]) == ("pre-sync", "disabled")
    assert mapped("v1 Secret", **{"helm.sh/resource-policy": "delete"}) == [
        {"helm.sh/resource-policy": "delete"}
    ]


def test_what_is_no_hook_is_left_alone() -> None:
    documents = [
        ManifestDocument(value, "f", 1) for value in ({"kind": "X", "metadata": {"name": "a"}}, "text", {})
    ]
    assert list(map_helm_hooks(documents)) == documents


def test_a_hook_of_helm_2_for_crds_is_no_hook() -> None:
    assert mapped(helm__hook="crd-install") == [{"helm.sh/hook": "crd-install"}]


@pytest.mark.parametrize("hook", ["pre-world", "pre-install,post-install", ""])
def test_a_hook_that_cannot_be_mapped_is_refused(hook: str) -> None:
    with pytest.raises(ConfigError, match="f:3"):
        mapped(helm__hook=hook)
