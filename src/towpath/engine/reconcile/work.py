"""What a reconcile has to do for one app, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from towpath.adapters.git import CommitInfo
from towpath.config import Config
from towpath.drift.decision import Decision
from towpath.engine.apply.sync_result import IDLE, ObjectResult, Progress
from towpath.engine.gates.admission import Admission
from towpath.engine.live.context import Tell
from towpath.engine.source.render import Rendered
from towpath.engine.verify.wait import Candidate
from towpath.objects import ObjectRef, ref_of
from towpath.release.model import ReleaseRef


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one decision. No failure means synced and healthy; `changed` objects were written."""

    app: str
    failure: str = ""
    transient: bool = False
    changed: tuple[ObjectRef, ...] = ()
    seconds: float = 0.0
    synced: bool = field(default=True, compare=False)
    """Whether what Git wants was written; a failure is then one of health."""
    healthy: bool = field(default=False, compare=False)
    """Whether the app was verified; a failure is then one of deleting what left Git."""
    deletes: bool = field(default=False, compare=False)
    """Whether objects wait to be deleted until the app is verified."""
    held: str = ""
    """What the app waits for, so that nothing of it was synced: no failure of its own."""
    merged: Admission | None = field(default=None, compare=False)
    """How a release was admitted that a person's commit brought: the agent has not signed it yet."""

    @property
    def well(self) -> bool:
        """Whether all of it was done."""
        return not self.failure and not self.held


@dataclass(frozen=True, slots=True)
class Work:
    """One app to sync or remove; without `rendered` it has left Git. `release` is what Git says runs there.

    `recent` are the newest commits of its release, as far as they were read.
    """

    decision: Decision
    rendered: Rendered | None
    release: ReleaseRef
    recent: Sequence[CommitInfo] = ()

    @property
    def app(self) -> str:
        return self.decision.app


def candidate_of(config: Config, work: Work, rendered: Rendered, *, rolls: bool) -> Candidate:
    """What verification looks at; `rolls`: pods will have changed."""
    judged = work.app in config.apps and not rolls_another(work.decision)
    images = work.release.images if judged else ()
    return Candidate(as_allowed(rendered, work.decision), images, rolls=rolls, synced=True)


def as_allowed(rendered: Rendered, decision: Decision) -> Rendered:
    """What health is judged by: without the objects that somebody deleted where drift is allowed."""
    gone = {entry.ref for entry in decision.allowed if entry.kind == "deleted"}
    return replace(rendered, objects=tuple(m for m in rendered.objects if ref_of(m) not in gone))


def rolls_another(decision: Decision) -> bool:
    """Whether another image runs by an edit that is allowed: then it need not be the release's."""
    return any(
        difference.pointer.endswith("/image")
        for entry in decision.allowed
        for difference in entry.differences
    )


def progress_of(app: str, changed: list[ObjectRef], tell: Tell) -> Progress:
    """Tells each result, and collects in `changed` what was written or deleted."""

    def say(each: ObjectResult) -> None:
        if each.result not in IDLE:
            changed.append(each.ref)
        tell(f"{app}: {each.ref} {each.result} {each.message}".rstrip())

    return say
