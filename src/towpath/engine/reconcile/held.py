"""What a reconcile would not carry out: what the gate does not let in, too many deletions, what waits."""

from towpath.engine.gates.merged import recent_commits, require_admitted
from towpath.engine.live.app_state import owner_of
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.reconcile.waiting import Waiting
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.render import Rendered
from towpath.errors import TowpathError
from towpath.kube.app_order import order_apps


def held_apps(plan: ReconcilePlan) -> dict[str, str]:
    """App -> why the next reconcile will not make it as Git wants it. Writes nothing.

    Git is asked, and registry and cluster where a person merged another release. An app whose gate cannot be
    asked is held, too, as it would be by the reconcile.
    """
    syncs = {each.app for each in plan.todo if each.action == "sync"}
    coming = {each.app: each for each in plan.rendered if each.app in syncs}
    try:
        recent = recent_commits(plan.context.in_git, coming)
    except TowpathError:
        recent = {}  # each app asks for itself, and says what is wrong
    held = {}
    for app, rendered in coming.items():
        try:
            require_admitted(plan.context.in_git, app, recent.get(app, ()))
            _require_few_deletions(plan, rendered)
        except TowpathError as error:
            held[app] = error.message
    return held | _waiting(plan, coming, held)


def _waiting(plan: ReconcilePlan, coming: dict[str, Rendered], held: dict[str, str]) -> dict[str, str]:
    """Apps that wait for others: what comes in with them is taken for healthy afterwards."""
    waiting = Waiting(plan.context, coming, lambda _: None)
    ended: dict[str, Outcome] = {}
    for group in order_apps({app: each.objects for app, each in coming.items()}, waiting.needs):
        found = waiting.held(group, ended)
        ended |= {app: Outcome(app, held.get(app, ""), healthy=app not in held) for app in group} | found
    return {app: each.held for app, each in ended.items() if each.held and app not in held}


def _require_few_deletions(plan: ReconcilePlan, rendered: Rendered) -> None:
    state = plan.inspection.state_of(owner_of(rendered))
    if state is not None:
        environment = plan.context.environment
        confirmed = plan.context.repo.confirmed(rendered.app, environment.name)
        state.check_pruning(state.pruning(), environment, confirmed)
