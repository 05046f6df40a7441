"""Hooks: Jobs that run before or after a sync (`towpath.dev/hook`), one attempt per (commit, content).

On another object the annotation says when it is applied (kube/apply_order.py): a hook needs its
ServiceAccount. Such an object is owned and kept equal to Git like any other.
"""

from collections.abc import Iterable

from towpath.applyset.inventory import HookRun, Inventory
from towpath.errors import ConfigError
from towpath.kube.apply_order import HOOK, POST, PRE, ordered
from towpath.kube.canonical import digest
from towpath.objects import Manifest, group_of, ref_of

SMOKE = "smoke"
WHEN = (PRE, POST, SMOKE)
JOB, POD = ("batch", "Job"), ("", "Pod")


def hook_of(manifest: Manifest) -> str | None:
    """When the Job runs; None for what is no hook. ConfigError for what cannot have the annotation."""
    metadata = manifest["metadata"]
    when = (metadata.get("annotations") or {}).get(HOOK)
    if when is None:
        return None
    if when not in WHEN:
        raise ConfigError(
            f"annotation {HOOK} is {when!r}, not one of {', '.join(WHEN)}", file=str(ref_of(manifest))
        )
    kind = (group_of(manifest["apiVersion"]), manifest["kind"])
    if kind == JOB:
        return str(when)
    if kind == POD or when == SMOKE:
        problem = f"a {manifest['kind']} cannot run as a hook; use a Job (annotation {HOOK}: {when})"
        raise ConfigError(problem, file=str(ref_of(manifest)))
    return None


def split(objects: Iterable[Manifest]) -> tuple[tuple[Manifest, ...], tuple[Manifest, ...]]:
    """(what is kept equal to Git, hooks)."""
    kept: list[Manifest] = []
    hooks: list[Manifest] = []
    for each in objects:
        (hooks if hook_of(each) else kept).append(each)
    return tuple(kept), tuple(hooks)


def of(hooks: Iterable[Manifest], when: str) -> list[Manifest]:
    """Those that run then, in the order of their waves, one after the other."""
    return ordered(each for each in hooks if hook_of(each) == when)


def attempt(inventory: Inventory | None, hook: Manifest, commit: str) -> HookRun | None:
    """What is known of this hook at this commit; None when it has not been tried."""
    key = (ref_of(hook), commit, digest(hook))
    runs = inventory.hooks if inventory else ()
    return next((run for run in runs if (run.ref, run.commit, run.digest) == key), None)
