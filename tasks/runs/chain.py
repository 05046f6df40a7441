"""The next station: a promotion starts the one after it, each in its own environment's work pool."""

from typing import Any, cast

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

from tasks.runs.run_identity import promotion_name, release_tags, run_created, run_id
from tasks.runs.step import settings, step
from towpath.config.keys.graph import flat, needs_text
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.source.excepted_release import proven_or_excepted
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.repository import last_repository
from towpath.errors import MissingPartError, TerminalError
from towpath.orchestration import keys
from towpath.orchestration.execution import server_clock
from towpath.release.model import Release


@step("start the way of {release.app} {release.short_id} to {environment}")
def start_promotion(release: Release, environment: str) -> str:
    """Start `promote` in an environment; done again, it finds the same run. Returns the run's id."""
    return str(start(release, environment, keys.promote_key(run_id(), environment)).id)


def start(release: Release, environment: str, key: str) -> FlowRun:
    """The run of `promote` with that idempotency key, created now if there is none."""
    deployment = keys.deployment(keys.PROMOTE, environment)
    try:
        started = run_deployment(
            deployment,
            scheduled_time=server_clock.now(),
            **promotion(release, environment, run_id(), key),
        )
    except ObjectNotFound as error:
        raise MissingPartError(
            f"the Prefect server has no deployment {deployment}",
            remedy="`towpath deployments` writes it, `prefect --no-prompt deploy --all` creates it.",
        ) from error
    return cast(FlowRun, started)


def promotion(release: Release, environment: str, parent: str, key: str) -> dict[str, Any]:
    """How the run `parent` starts the promotion of a release: the same run for the same key."""
    parameters = {"app": release.app, "digest": release.id, "environment": environment, "parent": parent}
    return {
        "parameters": parameters,
        "flow_run_name": promotion_name(release, environment),
        "tags": [keys.environment_tag(environment), *release_tags(release)],
        "idempotency_key": key,
        "timeout": 0,
        "as_subflow": False,
    }


def supersede(release: Release, environment: str) -> int:
    """Cancel older builds that still wait here, for an approval or for their turn: this one has overtaken
    them. Their number; where none waits, there is no step.

    Of those that have not begun, the ones that were created before this run: who asks for an older release
    later on means it.
    """
    try:
        with get_client(sync_client=True) as client:
            waits = bool(_left_behind(client, release.app, environment))
    except Exception:  # noqa: BLE001 - Prefect raises many kinds; a step asks again
        waits = True
    return end_waits(release, environment) if waits else 0


@step("end older waits for {environment}")
def end_waits(release: Release, environment: str) -> int:
    """Look who waits, and end the waits of older releases."""
    ended = 0
    with get_client(sync_client=True) as client:
        for run in _left_behind(client, release.app, environment):
            other = find_release(release.app, run)
            if other is not None and release.overtakes(other):
                ended += end_as_superseded(client, run, other, release)
    return ended


def end_as_superseded(client: SyncPrefectClient, run: FlowRun, other: Release, by: Release) -> bool:
    """Cancel a run that waits with an older release; False when somebody set it going meanwhile."""
    now = client.read_flow_run(run.id).state
    if now is None or run.state is None or now.type != run.state.type:
        return False
    text = f"{other.app} {other.short_id} was superseded by {by.short_id}, run {run_id()}"
    state = State(type=StateType.CANCELLED, name=keys.SUPERSEDED, message=text)
    client.set_flow_run_state(run.id, state, force=True)
    return True


def find_release(app: str, run: FlowRun) -> Release | None:
    """What a run waits with. None for what no run of ours would: anybody can create one that looks so."""
    digest = str(run.parameters.get("digest", ""))
    try:
        trusted = load_trusted_keys(settings().trusted_keys)
        return proven_or_excepted(last_repository(settings()), trusted, app, digest)
    except TerminalError:
        return None


def waiting_runs(client: SyncPrefectClient, app: str, environment: str) -> list[FlowRun]:
    """Promotions of the app that are suspended before this environment."""
    return _promotions(client, app, environment, StateType.PAUSED)


def _left_behind(client: SyncPrefectClient, app: str, environment: str) -> list[FlowRun]:
    """Promotions of the app that are suspended, and older ones than the current run that have not begun."""
    if not run_id():
        return waiting_runs(client, app, environment)
    mine = run_created()
    runs = _promotions(client, app, environment, StateType.PAUSED, StateType.SCHEDULED)
    return [
        run
        for run in runs
        if run.state_type == StateType.PAUSED or (run.created and mine and run.created < mine)
    ]


def _promotions(client: SyncPrefectClient, app: str, environment: str, *types: StateType) -> list[FlowRun]:
    ours = FlowFilter(name=FlowFilterName(any_=[keys.PROMOTE]))
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types)))
    tags = FlowRunFilterTags(all_=[keys.app_tag(app), keys.environment_tag(environment)])
    return client.read_flow_runs(flow_filter=ours, flow_run_filter=FlowRunFilter(state=states, tags=tags))


def start_next(release: Release, context: EnvironmentContext) -> tuple[str, ...]:
    """Start the promotions to the environments directly after this one; the ids of their runs.

    One that comes after several environments is started by whichever comes last, and once.
    """
    config, here = context.repo.config, context.environment.name
    return tuple(
        start_promotion(release, each.name)
        if len(flat(config.needs(each.name, release.app))) < 2
        else start_joined(release, each.name)
        for each in config.followers(here, release.app)
    )


@step("go on with {release.app} {release.short_id} to {environment} when it may")
def start_joined(release: Release, environment: str) -> str:
    """Start `promote` where all that must come before has come; the run's id, or why it is not started."""
    repo = last_repository(settings())
    states, log = repo.releases(release.app), get_run_logger()
    there = {name: state for name, state in states.items() if state and state.release.id == release.id}
    verified = {name for name, state in there.items() if state.verified_at}
    if environment in verified:
        return f"{environment} has it already"
    needs = repo.config.needs(environment, release.app)
    if missing := tuple(group for group in needs if verified.isdisjoint(group)):
        log.info("%s waits for %s", environment, needs_text(missing))
        return f"{environment} waits for {needs_text(missing)}"
    key = keys.joined_key(release.app, release.id, environment)
    while True:
        started = start(release, environment, key)
        if not _is_of_earlier_way(started):
            return str(started.id)
        key = keys.again_key(key, str(started.id))


def _is_of_earlier_way(run: FlowRun) -> bool:
    """Whether a run has ended that was created before the current one: the release comes this way anew."""
    if run.state is None or not run.state.is_final():
        return False
    mine = run_created()
    return bool(run.created and mine and run.created < mine)
