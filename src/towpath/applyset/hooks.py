"""Hooks: Jobs that run before or after a sync (`towpath.dev/hook`), one attempt per (commit, content).

On another object the annotation says when it is applied (kube/apply_order.py): a hook needs its
ServiceAccount. Such an object is owned and kept equal to Git like any other.
"""

from collections.abc import Iterable

from towpath.applyset.inventory import HookRun, Inventory
from towpath.errors import ConfigError
from towpath.kube.apply_order import HOOK_ANNOTATION, POST_SYNC, PRE_SYNC, in_apply_order
from towpath.kube.canonical import digest
from towpath.objects import Manifest, group_of, ref_of

SMOKE = "smoke"
HOOK_PHASES = (PRE_SYNC, POST_SYNC, SMOKE)
JOB, POD = ("batch", "Job"), ("", "Pod")


def hook_phase(manifest: Manifest) -> str | None:
    """When the Job runs; None for what is no hook. ConfigError for what cannot have the annotation."""
    metadata = manifest["metadata"]
    when = (metadata.get("annotations") or {}).get(HOOK_ANNOTATION)
    if when is None:
        return None
    if when not in HOOK_PHASES:
        raise ConfigError(
            f"annotation {HOOK_ANNOTATION} is {when!r}, not one of {', '.join(HOOK_PHASES)}",
            file=str(ref_of(manifest)),
        )
    kind = (group_of(manifest["apiVersion"]), manifest["kind"])
    if kind == JOB:
        return str(when)
    if kind == POD or when == SMOKE:
        problem = (
            f"a {manifest['kind']} cannot run as a hook; use a Job (annotation {HOOK_ANNOTATION}: {when})"
        )
        raise ConfigError(problem, file=str(ref_of(manifest)))
    return None


def split_hooks(objects: Iterable[Manifest]) -> tuple[tuple[Manifest, ...], tuple[Manifest, ...]]:
    """(what is kept equal to Git, hooks)."""
    kept: list[Manifest] = []
    hooks: list[Manifest] = []
    for each in objects:
        (hooks if hook_phase(each) else kept).append(each)
    return tuple(kept), tuple(hooks)


def hooks_for(hooks: Iterable[Manifest], when: str) -> list[Manifest]:
    """Those that run then, in the order of their waves, one after the other."""
    return in_apply_order(each for each in hooks if hook_phase(each) == when)


def find_attempt(inventory: Inventory | None, hook: Manifest, commit: str) -> HookRun | None:
    """What is known of this hook at this commit; None when it has not been tried."""
    key = (ref_of(hook), commit, digest(hook))
    runs = inventory.hooks if inventory else ()
    return next((run for run in runs if (run.ref, run.commit, run.digest) == key), None)
