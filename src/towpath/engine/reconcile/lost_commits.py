"""Commits that were applied and that the branch does not descend from: it was rewritten, or somebody says so.

That a branch was rewritten is believed of this machine's own note of the last reconcile alone, and holds the
environment. An inventory is a ConfigMap, which others can edit: it holds its own app.
"""

from towpath.adapters.git import note_head, noted_head, outside_history
from towpath.applyset.inventory import Owner
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.reconcile.detect import Inspection


def rewritten(context: EnvironmentContext) -> str:
    """Why nothing of the branch is applied; empty: it descends from what was reconciled here last."""
    checkout = context.repo.checkout
    noted = noted_head(checkout, context.environment.name)
    if not noted or not outside_history(checkout, [noted]):
        return ""
    return (
        f"branch {checkout.branch} was rewritten: {checkout.commit[:7]} does not descend from {noted[:7]},"
        f" which was reconciled last. Nothing is changed.\n{_remedy(noted)}, and push."
    )


def note_reconciled(context: EnvironmentContext) -> None:
    """Note that the environment was reconciled at this commit."""
    note_head(context.repo.checkout, context.environment.name)


def apps_of_lost_commits(context: EnvironmentContext, inspection: Inspection) -> dict[str, str]:
    """App -> why it is held: its inventory names a commit that the branch does not descend from."""
    applied = {app: each.commit for app, each in inspection.inventories.items() if each.commit}
    lost = frozenset(outside_history(context.repo.checkout, applied.values()))
    return {app: _why(context, app, applied[app]) for app in sorted(applied) if applied[app] in lost}


def _why(context: EnvironmentContext, app: str, applied: str) -> str:
    environment, commit = context.environment, context.repo.commit
    inventory = Owner(app, environment.name, environment.namespace).ref
    return (
        f"its inventory says that it was applied at {applied[:12]}, from which {commit[:7]} does not descend;"
        f" it is left as it is.\n{_remedy(applied)}; or, when somebody edited the inventory,"
        f" delete {inventory}: it is made anew from what is live."
    )


def _remedy(lost: str) -> str:
    return (
        f"Restore the branch, or accept it as it is now: merge what was lost, keeping nothing of it"
        f" (`git merge -s ours {lost[:12]}`)"
    )
