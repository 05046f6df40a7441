from dataclasses import replace

import pytest

from towpath.applyset.hooks import find_attempt, hook_phase, hooks_for, split_hooks
from towpath.applyset.inventory import HookRun, Inventory, Owner
from towpath.errors import ConfigError
from towpath.fields.canonical import digest
from towpath.objects import Manifest, ref_of


def manifest(kind: str, name: str, hook: str | None = None, wave: str | None = None) -> Manifest:
    named = {"towpath.dev/hook": hook, "towpath.dev/wave": wave}
    annotations = {key: value for key, value in named.items() if value is not None}
    version, _, kind = kind.rpartition(" ")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "annotations": annotations}}


@pytest.mark.parametrize(
    ("kind", "hook", "when"),
    [
        ("batch/v1 Job", None, None),
        ("batch/v1 Job", "pre-sync", "pre-sync"),
        ("batch/v1 Job", "post-sync", "post-sync"),
        ("batch/v1 Job", "smoke", "smoke"),
        ("v1 ConfigMap", "pre-sync", None),
        ("v1 ConfigMap", "post-sync", None),
        ("batch.volcano.sh/v1 Job", "pre-sync", None),
        ("v1 Pod", None, None),
    ],
)
def test_jobs_run_and_other_objects_are_kept(kind: str, hook: str | None, when: str | None) -> None:
    each = manifest(kind, "a", hook)
    assert hook_phase(each) == when
    assert split_hooks([each]) == (((), (each,)) if when else ((each,), ()))


@pytest.mark.parametrize(
    ("kind", "hook", "says"),
    [
        ("v1 Pod", "pre-sync", "a Pod cannot run as a hook; use a Job"),
        ("v1 Pod", "post-sync", "a Pod cannot run as a hook; use a Job"),
        ("v1 ConfigMap", "smoke", "a ConfigMap cannot run as a hook; use a Job"),
        ("v1 ConfigMap", "sometimes", "not one of pre-sync, post-sync, smoke"),
        ("batch/v1 Job", "", "not one of pre-sync, post-sync, smoke"),
    ],
)
def test_what_cannot_be_a_hook_is_refused(kind: str, hook: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        hook_phase(manifest(kind, "a", hook))


def test_hooks_of_a_phase_run_in_the_order_of_their_waves() -> None:
    late, early = (
        manifest("batch/v1 Job", "a", "pre-sync", "5"),
        manifest("batch/v1 Job", "b", "pre-sync", "-5"),
    )
    other = manifest("batch/v1 Job", "c", "post-sync")
    assert hooks_for([late, other, early], "pre-sync") == [early, late]


def test_an_attempt_is_of_one_hook_one_commit_and_one_content() -> None:
    hook = manifest("batch/v1 Job", "a", "pre-sync")
    run = HookRun(ref_of(hook), "c1", digest(hook), "failed")
    nothing = Inventory(Owner("hello", "dev", "dev"), "c1", "", ())
    inventory = replace(nothing, hooks=(run,))
    assert find_attempt(inventory, hook, "c1") == run
    assert find_attempt(inventory, hook, "c2") is None
    assert find_attempt(inventory, {**hook, "spec": {"backoffLimit": 1}}, "c1") is None
    assert find_attempt(inventory, manifest("batch/v1 Job", "b", "pre-sync"), "c1") is None
    assert find_attempt(nothing, hook, "c1") is None
    assert find_attempt(None, hook, "c1") is None
