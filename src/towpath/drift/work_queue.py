"""Decides which apps a watch reconciles, and when. Pure: input are metadata and the seconds of a clock.

A change is ours when the time of our own entry in `managedFields` moved: the API server leaves that time
alone when others take fields from us. Such a change is a sync under way, whose inventory will tell the same
soon; it is believed to be drift only when it still looks so after `SETTLE`. All else is believed at once.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from towpath.applyset.inventory import PART_OF_LABEL, OwnedObject, Owner
from towpath.applyset.prune import PRUNE_ANNOTATION
from towpath.applyset.wanted_object import WantedObject
from towpath.drift.comparison import PRESENT, object_drift
from towpath.drift.model import LEAVING, DriftEntry
from towpath.fields.canonical import digest
from towpath.fields.managed_fields import fingerprint, own_entry, person_tool
from towpath.objects import Manifest, ObjectRef

SETTLE = 3.0
"""Seconds that a sync may take from an apply to its inventory before what it does looks like drift."""
BURST_QUIET = 0.03
MAX_BURST = 0.3
"""Seconds: a burst is over when nothing came for QUIET, and is answered after LONGEST at the latest."""
ANSWER_MEMORY = 60.0
"""Seconds for which answers to one object are counted."""
FREE_ANSWERS = 5
"""So many answers to one object within MEMORY come at once; the next ones wait 1, 2, 4 … seconds."""
MAX_BACKOFF = 300.0


def trim_metadata(live: Manifest) -> Manifest:
    """The metadata that `judge_object` needs; the watcher keeps thousands of them."""
    metadata = live["metadata"]
    kept = {"uid": metadata["uid"], "managedFields": _entries(metadata)}
    if "deletionTimestamp" in metadata:
        kept["deletionTimestamp"] = metadata["deletionTimestamp"]
    for name, key in (("labels", PART_OF_LABEL), ("annotations", PRUNE_ANNOTATION)):
        value = (metadata.get(name) or {}).get(key)
        kept |= {name: {key: value}} if value is not None else {}
    return {"metadata": kept}


def _entries(metadata: Mapping[str, object]) -> list[object]:
    entries = metadata.get("managedFields")
    if not isinstance(entries, list):
        return []
    # Nobody's status is Git's; those entries are the larger part.
    return [each for each in entries if each.get("subresource") != "status"]


def own_apply_time(live: Manifest | None) -> str:
    """The time of Towpath's last apply, as the API server recorded it; empty without an entry."""
    entry = own_entry(live["metadata"]) if live else None
    return str(entry.get("time", "")) if entry else ""


@dataclass(frozen=True, slots=True)
class WatchFinding:
    """One object that is not as in Git. `mark` differs whenever it differs in another way.

    `doubtful`: it may be a sync's own write. `managers` are those of foreign edits. `since` is when it was
    seen first, by the clock of whoever judges, and no part of what is found.
    """

    app: str
    ref: ObjectRef
    mark: str
    doubtful: bool = False
    managers: tuple[str, ...] = ()
    drifted: bool = True
    """Whether it was changed or deleted live; else Git has something that was not carried out."""
    only_left_fields: bool = False
    """Whether it differs only in fields that are left to other controllers: told once, and no drift."""
    since: float = field(default=0.0, compare=False)

    def __str__(self) -> str:
        by = f"changed by {', '.join(self.managers)}" if self.managers else "differs"
        return f"{self.ref} {by}"


@dataclass(frozen=True, slots=True)
class ReconcileCase:
    """Why an app should be reconciled now: drifted objects, and a mark of new changes in Git."""

    app: str
    findings: tuple[WatchFinding, ...]
    git: str = ""

    @property
    def reason(self) -> str:
        """For people: `ConfigMap dev/hello changed by kubectl-edit`."""
        parts = [str(finding) for finding in self.findings[:3]]
        parts += [f"{len(self.findings) - 3} more"] if len(self.findings) > 3 else []
        parts += ["Git has changed"] if self.git else []
        return ", ".join(parts)


def judge_object(  # noqa: PLR0913
    owner: Owner,
    ref: ObjectRef,
    wanted: WantedObject | None,
    owned: OwnedObject | None,
    live: Manifest | None,
    *,
    waits: bool = False,
    namespace: str = PRESENT,
    applied_at: str | None = None,
) -> WatchFinding | None:
    """As `object_drift`, of what a reconcile has to answer; None: there is nothing to do.

    `applied_at` is `own_apply_time` of the object when it was last as we left it; None: that was never seen.
    """
    entry = object_drift(owner, ref, wanted, owned, live, waits=waits, namespace=namespace)
    if entry is None or entry.kind in LEAVING:
        return None
    if entry.kind == "unapplied":
        return WatchFinding(owner.app, ref, _git_difference(entry), drifted=False)
    edits = wanted.edits(live["metadata"]) if wanted and live else ()
    recreated = live is not None and owned is not None and live["metadata"]["uid"] != owned.uid
    ours_moved = bool(own_apply_time(live)) and own_apply_time(live) != applied_at
    return WatchFinding(
        owner.app,
        ref,
        drift_mark(entry, live),
        doubtful=live is not None and not edits and (ours_moved or recreated),
        managers=tuple(sorted({edit.manager for edit in edits})),
        only_left_fields=bool(entry.left_to),
    )


def drift_mark(entry: DriftEntry, live: Manifest | None) -> str:
    """A digest of how an object differs: kind, uid, deletion, fingerprint, edits."""
    metadata = live["metadata"] if live else {}
    ours = fingerprint(metadata) if live else ""
    edits = [edit.to_json() for edit in entry.managers]
    return digest([entry.kind, metadata.get("uid"), "deletionTimestamp" in metadata, ours, edits])


def _git_difference(entry: DriftEntry) -> str:
    """A digest of what Git wants otherwise, and of edits that wait for the same sync."""
    return digest([entry.desired_digest, [edit.to_json() for edit in entry.managers]])


def git_mark(unapplied: Iterable[WatchFinding], confirmed: Iterable[str] = ()) -> str:
    """A mark of how Git differs from what was applied; empty: in nothing.

    `confirmed` are the deletions that a commit confirms: a new one makes another mark.
    """
    changed = sorted([str(each.ref), each.mark] for each in unapplied)
    return digest([changed, sorted(confirmed)]) if changed else ""


@dataclass(slots=True)
class WorkQueue:
    """When to look at which app, and what was answered already. Times are seconds of one monotonic clock.

    Bursts are merged. A difference that a run has seen is no news; an object that must be answered again and
    again waits ever longer.
    """

    _first: dict[str, float] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _answers: dict[ObjectRef, deque[float]] = field(default_factory=dict)
    _tried: dict[ObjectRef | str, tuple[str, int]] = field(default_factory=dict)

    def note(self, app: str, now: float, *, wait: float = 0.0) -> None:
        """Something happened to `app`: look at it soon, but not for `wait` seconds.

        What is due sooner stays so: a doubt does not hold up a certainty.
        """
        first = self._first.setdefault(app, now)
        due = now + wait if wait else min(first + MAX_BURST, now + BURST_QUIET)
        known = self._due.get(app)
        self._due[app] = due if known is None or not wait else min(known, due)

    def next_due(self) -> float | None:
        """The time at which `take` returns an app; None: nothing is queued."""
        return min(self._due.values(), default=None)

    def take(self, now: float) -> tuple[str, ...]:
        """The apps that are due, by name; they leave the queue."""
        due = sorted(app for app, at in self._due.items() if at <= now)
        for app in due:
            del self._due[app], self._first[app]
        return tuple(due)

    def case(
        self, app: str, findings: Iterable[WatchFinding], git: str, now: float, tries: int
    ) -> ReconcileCase | None:
        """Why to reconcile the app now; None when there is no reason, or none yet: then it is noted again.

        `git` is the mark of `differs`; `tries` is how many runs the same difference may cause.
        """
        news = [
            each
            for each in findings
            if not self._is_known(each.ref, each.mark, 1 if each.only_left_fields else tries)
        ]
        git = "" if self._is_known(app, git, tries) else git
        waits = [self.pause(each, now) for each in news]
        if not git and waits and min(waits) > 0:
            self.note(app, now, wait=min(waits))
            return None
        return ReconcileCase(app, tuple(news), git) if news or git else None

    def pause(self, finding: WatchFinding, now: float) -> float:
        """Seconds to wait before this object is answered."""
        doubt = finding.since + SETTLE - now if finding.doubtful else 0.0
        recent = [at for at in self._answers.get(finding.ref, ()) if now - at <= ANSWER_MEMORY]
        fight = recent[-1] + backoff(len(recent) - FREE_ANSWERS) - now if len(recent) >= FREE_ANSWERS else 0.0
        return max(0.0, doubt, fight)

    def answered(self, case: ReconcileCase, still: Collection[ObjectRef], now: float) -> None:
        """A run dealt with this case; `still` are objects that are not as they were left all the same."""
        for finding in case.findings:
            self._answers.setdefault(finding.ref, deque(maxlen=32)).append(now)
            if finding.ref in still:
                self._try(finding.ref, finding.mark)
        if case.git:
            self._try(case.app, case.git)

    def settled(self, key: ObjectRef | str) -> None:
        """An object is as it was left, or an app as Git wants it: the next difference is news."""
        self._tried.pop(key, None)

    def was_tried(self, key: ObjectRef | str, mark: str) -> bool:
        """Whether a run has dealt with this difference, and it stayed."""
        return self._tried.get(key, ("", 0))[0] == mark

    def forgive(self) -> None:
        """Policies have changed: what was left alone is news again."""
        self._tried.clear()
        self._answers.clear()

    def _try(self, key: ObjectRef | str, mark: str) -> None:
        known, count = self._tried.get(key, ("", 0))
        self._tried[key] = (mark, count + 1 if known == mark else 1)

    def _is_known(self, key: ObjectRef | str, mark: str, tries: int) -> bool:
        known, count = self._tried.get(key, ("", 0))
        return known == mark and count >= tries


def backoff(failures: int, *, first: float = 1.0, longest: float = MAX_BACKOFF) -> float:
    """Seconds to wait after `failures` failures; they double with each failure, up to `longest`."""
    return float(min(longest, first * 2 ** min(failures, 30)))


def manager_family(manager: str) -> str:
    """A manager as a metric label of a bounded set: `kubectl-edit` is `kubectl`, an unknown one `other`."""
    if not manager:
        return "unknown"
    return person_tool(manager) or "other"
