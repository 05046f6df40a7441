"""Hooks: Jobs that run before or after a sync (`towpath.dev/hook`), with one attempt per commit and content.

On other objects the annotation sets the phase of their apply (kube/apply_order.py), for example of the
ServiceAccount that a hook needs. Such an object is owned and kept equal to Git like any other.
"""

from collections.abc import Iterable

from towpath.applyset.inventory import HookRun, Inventory
from towpath.errors import ConfigError
from towpath.fields.canonical import digest
from towpath.kube.apply_order import HOOK_ANNOTATION, POST_SYNC, PRE_SYNC, in_apply_order
from towpath.objects import Manifest, group_of, ref_of

SMOKE = "smoke"
HOOK_PHASES = (PRE_SYNC, POST_SYNC, SMOKE)
JOB, POD = ("batch", "Job"), ("", "Pod")


def hook_phase(manifest: Manifest) -> str | None:
    """The phase in which the Job runs; None for an object that is no hook.

    Raises ConfigError for an unknown phase, and for an object that cannot have the annotation.
    """
    metadata = manifest["metadata"]
    phase = (metadata.get("annotations") or {}).get(HOOK_ANNOTATION)
    if phase is None:
        return None
    if phase not in HOOK_PHASES:
        raise ConfigError(
            f"annotation {HOOK_ANNOTATION} is {phase!r}, not one of {', '.join(HOOK_PHASES)}",
            file=str(ref_of(manifest)),
        )
    kind = (group_of(manifest["apiVersion"]), manifest["kind"])
    if kind == JOB:
        return str(phase)
    if kind == POD or phase == SMOKE:
        problem = (
            f"a {manifest['kind']} cannot run as a hook; use a Job (annotation {HOOK_ANNOTATION}: {phase})"
        )
        raise ConfigError(problem, file=str(ref_of(manifest)))
    return None


def split_hooks(objects: Iterable[Manifest]) -> tuple[tuple[Manifest, ...], tuple[Manifest, ...]]:
    """(objects that are kept equal to Git, hooks)."""
    kept: list[Manifest] = []
    hooks: list[Manifest] = []
    for manifest in objects:
        (hooks if hook_phase(manifest) else kept).append(manifest)
    return tuple(kept), tuple(hooks)


def hooks_for(hooks: Iterable[Manifest], phase: str) -> list[Manifest]:
    """The hooks of a phase, in the order in which they run: by wave, one after the other."""
    return in_apply_order(hook for hook in hooks if hook_phase(hook) == phase)


def find_attempt(inventory: Inventory | None, hook: Manifest, commit: str) -> HookRun | None:
    """The recorded attempt of this hook at this commit; None when there was none."""
    key = (ref_of(hook), commit, digest(hook))
    runs = inventory.hooks if inventory else ()
    return next((run for run in runs if (run.ref, run.commit, run.digest) == key), None)
