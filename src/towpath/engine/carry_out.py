"""Carries decisions out: many apps at a time, each to its end, whatever becomes of the others."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from towpath.config import Config
from towpath.decision import Decision
from towpath.drift import DriftEntry
from towpath.engine.extras import prune_extras
from towpath.engine.leave import remove_app
from towpath.engine.place import Place, Tell
from towpath.engine.render import Rendered
from towpath.engine.sync import ObjectResult, sync_app
from towpath.engine.verify import verify_app
from towpath.errors import TowpathError
from towpath.health.expressions import judges_of
from towpath.objects import ObjectRef

APPS_AT_ONCE = 4
EXTRAS = "extras"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one decision. No failure means synced and healthy; `changed` objects were written."""

    app: str
    failure: str = ""
    transient: bool = False
    changed: tuple[ObjectRef, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """One app to sync or remove; without `rendered` it has left Git. `digest` is the release's."""

    decision: Decision
    rendered: Rendered | None
    digest: str


def carry_out(place: Place, work: Iterable[Work], tell: Tell) -> tuple[Outcome, ...]:
    """An outcome per app, by name. Nothing that an app does is raised."""
    work = sorted(work, key=lambda each: each.decision.app)
    with ThreadPoolExecutor(max(1, min(APPS_AT_ONCE, len(work))), thread_name_prefix="app") as pool:
        return tuple(pool.map(lambda each: _one(place, each, tell), work))


def clear_extras(place: Place, extras: Iterable[DriftEntry], *, total: int, tell: Tell) -> Outcome:
    """Delete extras where the environment asks for it; they are too many: the outcome says so."""
    started = time.monotonic()
    try:
        deleted = prune_extras(place.cluster, place.environment, extras, total=total)
    except TowpathError as error:
        return Outcome(EXTRAS, error.message, error.transient, seconds=time.monotonic() - started)
    for ref in deleted:
        tell(f"{ref} deleted: nobody declared it")
    return Outcome(EXTRAS, changed=deleted, seconds=time.monotonic() - started)


def _one(place: Place, work: Work, tell: Tell) -> Outcome:
    started, app = time.monotonic(), work.decision.app
    changed: list[ObjectRef] = []
    try:
        changed += _sync(place, work, tell)
        if work.rendered is not None:
            _verify(place, work.rendered, work.digest, place.desired.config, tell)
    except TowpathError as error:
        tell(f"{app}: {error.message}")
        return Outcome(app, error.message, error.transient, tuple(changed), time.monotonic() - started)
    return Outcome(app, changed=tuple(changed), seconds=time.monotonic() - started)


def _sync(place: Place, work: Work, tell: Tell) -> list[ObjectRef]:
    app, where, commit = work.decision.app, place.environment, place.desired.commit
    confirmed = place.desired.confirmed(app, where.name)

    def say(each: ObjectResult) -> None:
        tell(f"{app}: {each.ref} {each.result} {each.message}".rstrip())

    if work.rendered is None:
        result = remove_app(place.cluster, app, where, confirmed, commit=commit, on_progress=say)
    else:
        result = sync_app(
            place.cluster, work.rendered, where, commit=commit, confirmed=confirmed, on_progress=say
        )
    return [each.ref for each in result.changes]


def _verify(place: Place, rendered: Rendered, digest: str, config: Config, tell: Tell) -> None:
    where = place.environment
    verify_app(
        place.cluster,
        rendered,
        config.app(rendered.app),
        where,
        digest,
        deadline=where.timeout,
        own=judges_of(config.health_check_exprs),
        on_progress=lambda line: tell(f"{rendered.app}: {line}"),
    )
