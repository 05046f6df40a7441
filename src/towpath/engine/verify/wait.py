"""Waits by watching until apps are healthy or hopeless; one picture of the cluster serves all of them.

Where nothing was rolled out, one look is enough. Elsewhere healthy is believed after it held for a moment and
a second, consistent read of the API server says the same.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from towpath.adapters.kubernetes import Cluster
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.finished import deletes_itself, finished_refs, is_complete
from towpath.engine.live.pods import WORKLOADS, Snapshot
from towpath.engine.live.watch_cache import Collection, LivePicture
from towpath.engine.source.render import Rendered
from towpath.engine.verify.claims import CLAIM, read_classes
from towpath.engine.verify.health_snapshot import HealthPicture, read_picture
from towpath.engine.verify.rollout_status import RolloutStatus
from towpath.errors import TowpathError, TransientError
from towpath.health import Status, assess
from towpath.health.assess import Judges, healthy_once_present
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import Images

STABLE = 1.0
"""Seconds that health must hold before it is read a second time."""
GONE = 3.0
"""Seconds for which an object that was applied may be away: nothing but another sync makes it again."""
MANY, PAUSE = 20, 0.1
"""One look at so many apps is not free: their changes of a moment are looked at together. Seconds."""


TellApp = Callable[[str, str], None]
"""Takes an app and one line about it, for people who follow the work."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One app. Pods must run `images`; without them no pod's image is judged.

    `rolls`: pods or what Git wants will have changed. `whole`: also objects that are healthy once they are
    present must be there; else drift detection sees to them. `synced`: all of it was just applied, so that
    what is away was deleted since.
    """

    rendered: Rendered
    images: Images
    rolls: bool = True
    whole: bool = False
    synced: bool = False

    @property
    def app(self) -> str:
        return self.rendered.app


@dataclass(frozen=True, slots=True)
class Awaited:
    """How waiting for one app ended, after so many seconds: the last status and the objects that it is about.

    `rollout` is None when the cluster could not be read at all, for the reason `trouble`.
    """

    rollout: RolloutStatus | None
    snapshot: Snapshot
    seconds: float
    trouble: TowpathError | None = None


def wait_healthy(
    cluster: Cluster, candidates: Sequence[Candidate], own: Judges, end: float, tell: TellApp
) -> dict[str, Awaited]:
    """By app: healthy, hopeless, or as it was at `end` (monotonic seconds). `own` are the user's judges.

    Raises what the API server refuses for good.
    """
    return _Wait(cluster, candidates, own, end, tell).run()


def collections_of(rendered: Rendered) -> tuple[list[Collection], list[ObjectRef]]:
    """What has to be watched, and the objects for which it is enough that they exist."""
    moving: set[Collection] = set()
    still: list[ObjectRef] = []
    for manifest in rendered.objects:
        ref = ref_of(manifest)
        if healthy_once_present(ref.group, ref.kind):
            still.append(ref)
        else:
            moving.add(_collection(ref))
        if (ref.group, ref.kind) in WORKLOADS or (ref.group, ref.kind) == CLAIM:
            moving.add(Collection("", "Pod", ref.namespace))
        if (ref.group, ref.kind) == ("apps", "Deployment"):
            moving.add(Collection("apps", "ReplicaSet", ref.namespace))
    return sorted(moving), still


def _collection(ref: ObjectRef) -> Collection:
    if ref.namespace:
        return Collection(ref.group, ref.kind, ref.namespace)
    return Collection(ref.group, ref.kind, name=ref.name)


class _Wait:
    """Apps that are still waited for, and what became of the others."""

    def __init__(
        self, cluster: Cluster, candidates: Sequence[Candidate], own: Judges, end: float, tell: TellApp
    ) -> None:
        self._cluster, self._own, self._end, self._tell = cluster, own, end, tell
        self._started = time.monotonic()
        self._open = {candidate.app: candidate for candidate in candidates}
        self._ended: dict[str, Awaited] = {}
        self._good_since: dict[str, float] = {}
        self._gone_since: dict[str, float] = {}
        self._last_lines: dict[str, str] = {}
        self._still = self._read_still(candidates)
        self._finished: frozenset[ObjectRef] = frozenset()

    def run(self) -> dict[str, Awaited]:
        if not all(candidate.rolls for candidate in self._open.values()):
            self._look(self._read(self._open.values(), self._still))
        if self._open:
            self._watch()
        return self._ended

    def _watch(self) -> None:
        restless = {_collection(ref) for ref, live in self._still.items() if self._is_restless(live)}
        moving = (collections_of(candidate.rendered)[0] for candidate in self._open.values())
        with LivePicture(self._cluster, restless.union(*moving)) as live:
            while self._open:
                version, objects = live.snapshot()
                if objects is not None:
                    self._finish(objects)
                picture = (
                    None if objects is None else HealthPicture({**self._still, **objects}, self._finished)
                )
                if picture and (stable := self._look(picture)):
                    self._look_again(stable)
                now = time.monotonic()
                if now >= self._end:
                    trouble = live.trouble or TransientError("the cluster could not be read in time")
                    for candidate in list(self._open.values()):
                        self._close(candidate, picture, trouble)
                elif self._open:
                    # Health that holds, or an object that is away, is looked at again soon; all else when it
                    # changes.
                    soon = min(self._good_since.values(), default=self._end) + STABLE
                    gone = min(self._gone_since.values(), default=self._end) + GONE
                    live.wait(version, min(self._end, soon, gone) - now)
                    time.sleep(PAUSE if len(self._open) > MANY else 0)

    def _look(self, picture: HealthPicture) -> list[Candidate]:
        """Judge what is open; what needs no second look is done. Returns those good for long enough."""
        now, stable = time.monotonic(), []
        for app, candidate in list(self._open.items()):
            rollout = self._judge(picture, candidate)
            if rollout.line() != self._last_lines.get(app):
                self._last_lines[app] = rollout.line()
                self._tell(app, rollout.line())
            if rollout.hopeless or self._stays_away(candidate, rollout, now):
                self._close(candidate, picture)
            elif not rollout.good:
                self._good_since.pop(app, None)
            elif not candidate.rolls:
                self._close(candidate, picture)
            elif now - self._good_since.setdefault(app, now) >= STABLE:
                stable.append(candidate)
        return stable

    def _stays_away(self, candidate: Candidate, rollout: RolloutStatus, now: float) -> bool:
        if not candidate.synced or not rollout.missing:
            self._gone_since.pop(candidate.app, None)
            return False
        return now - self._gone_since.setdefault(candidate.app, now) >= GONE

    def _look_again(self, candidates: Sequence[Candidate]) -> None:
        """A consistent read of the API server must say the same as the watches."""
        picture = self._read(candidates, self._read_still(candidates))
        for candidate in candidates:
            self._good_since.pop(candidate.app, None)
            rollout = self._judge(picture, candidate)
            if rollout.good or rollout.hopeless:
                self._close(candidate, picture)

    def _finish(self, live: Mapping[ObjectRef, Manifest]) -> None:
        """Note what has ended well: the cluster may delete it at any moment."""
        for candidate in self._open.values():
            leaving = [each for each in candidate.rendered.objects if deletes_itself(each)]
            refs = {ref_of(each) for each in leaving}
            self._finished |= {ref for ref in refs & live.keys() if is_complete(live[ref])}
            if refs - live.keys() - self._finished:
                owner = owner_of(candidate.rendered)
                self._finished |= finished_refs(self._cluster, owner, leaving)

    def _judge(self, picture: HealthPicture, candidate: Candidate) -> RolloutStatus:
        return picture.judge(candidate.rendered, candidate.images, self._own, whole=candidate.whole)

    def _close(
        self, candidate: Candidate, picture: HealthPicture | None, trouble: TowpathError | None = None
    ) -> None:
        del self._open[candidate.app]
        self._good_since.pop(candidate.app, None)
        self._gone_since.pop(candidate.app, None)
        seconds = time.monotonic() - self._started
        if picture is None:
            self._ended[candidate.app] = Awaited(None, {}, seconds, trouble)
        else:
            rollout, snapshot = self._judge(picture, candidate), picture.family(candidate.rendered)
            self._ended[candidate.app] = Awaited(rollout, snapshot, seconds)

    def _read(self, candidates: Iterable[Candidate], still: Mapping[ObjectRef, Manifest]) -> HealthPicture:
        rendered = (candidate.rendered for candidate in candidates)
        return read_picture(self._cluster, rendered, still, self._finished)

    def _read_still(self, candidates: Sequence[Candidate]) -> dict[ObjectRef, Manifest]:
        refs = (
            ref
            for candidate in candidates
            if candidate.whole
            for ref in collections_of(candidate.rendered)[1]
        )
        claims = (
            live
            for candidate in candidates
            for ref in map(ref_of, candidate.rendered.objects)
            if (ref.group, ref.kind) == CLAIM and (live := self._cluster.get(ref)) is not None
        )
        still = {ref: live for ref in refs if (live := self._cluster.get(ref)) is not None}
        return still | read_classes(self._cluster, claims)

    def _is_restless(self, live: Manifest) -> bool:
        """Whether one for which existing is enough says all the same that it is on its way."""
        return assess(live, self._own).status is not Status.HEALTHY
