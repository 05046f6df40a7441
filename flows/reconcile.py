"""The loop: make an environment equal to Git. Also carries out what people merged by themselves."""

from tasks.desired import fetch
from tasks.drift import carry_out, clear_extras, detect, record, take_away
from tasks.introduce import introduce
from tasks.lock import environment_lock
from tasks.revive import revive
from tasks.step import towpath_flow


@towpath_flow
def reconcile(environment: str) -> str:
    """Fetch, detect, heal or report as the environment's mode says, verify, record."""
    introduce(f"reconcile {environment}", [f"environment:{environment}"])
    revive(environment)
    with environment_lock(environment):
        found = detect(fetch(environment), environment)
        outcomes = [*map(carry_out, found.todo), *map(take_away, found.leaving)]
        return record(found, [*outcomes, *clear_extras(found, outcomes)])
