"""The loop: make an environment equal to Git. Also carries out what people merged by themselves."""

from tasks.adopt import adopt
from tasks.commit import sign_merged
from tasks.context import fetch
from tasks.drift import Round, carry_out, detect, record, reset_budgets
from tasks.runs.lock import environment_lock
from tasks.runs.run_identity import identify_run, name_scheduled_runs
from tasks.runs.step import towpath_flow
from tasks.stuck_runs import reschedule_unstarted_runs, resume_waiting_promotions
from towpath.orchestration import keys


@towpath_flow
def reconcile(
    environment: str, apps: list[str] | None = None, *, deep: bool = False, reset_budget: bool = False
) -> str:
    """Fetch, detect, heal, report or adopt as the mode of environment and app says, verify, record.

    `apps`: only these. `deep`: the API server is asked about every object by a dry run, too. `reset_budget`:
    what was healed too often is healed again.
    """
    identify_run(keys.reconcile_name(environment), [keys.environment_tag(environment)])
    if apps is None:
        resume_waiting_promotions(environment)
        reschedule_unstarted_runs(environment)
        name_scheduled_runs(environment)
    with environment_lock(environment):
        rounds = [answer(environment, apps, deep=deep, reset_budget=reset_budget)]
        while more := rounds[-1].apps_of_next():
            rounds.append(answer(environment, more))
        return record(rounds)


def answer(
    environment: str, apps: list[str] | None, *, deep: bool = False, reset_budget: bool = False
) -> Round:
    """What was found in one look, and what was done about it."""
    context = fetch(environment)
    if reset_budget:
        reset_budgets(context, apps)
    detected = detect(context, apps, deep=deep)
    return Round(detected, sign_merged(detected, carry_out(detected)), adopt(detected))
