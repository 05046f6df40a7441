"""The loop: make an environment equal to Git. Also carries out what people merged by themselves."""

from tasks.desired import fetch
from tasks.drift import carry_out, detect, record
from tasks.introduce import introduce
from tasks.lock import environment_lock
from tasks.revive import revive
from tasks.step import towpath_flow


@towpath_flow
def reconcile(environment: str, apps: list[str] | None = None, *, deep: bool = False) -> str:
    """Fetch, detect, heal or report as the environment's mode says, verify, record.

    `apps`: only these. `deep`: the API server is asked about every object by a dry run, too.
    """
    introduce(f"reconcile {environment}", [f"environment:{environment}"])
    if apps is None:
        revive(environment)
    with environment_lock(environment):
        seen = detect(fetch(environment), environment, apps, deep=deep)
        return record(seen, carry_out(seen))
