"""Starts the delivery of a commit: one run for all who ask."""

from collections.abc import Iterable

from towpath.orchestration import keys
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server


def start_delivery(  # noqa: PLR0913
    server: Server,
    app: str,
    commit: str,
    *,
    repeat: bool = True,
    always: bool = False,
    person: str | None = None,
    tags: Iterable[str] = (),
    short_id: str = "",
    environment: str = "",
) -> tuple[Run, bool]:
    """The run that delivers a whole commit id, or an image by its digest, and whether it is a new one.

    `short_id` is how the run calls it; by default the commit's first digits.

    With `repeat` one that failed is followed by another, which all who ask again share; with `always` there
    is a new one whatever was before. `person`: who asks; by default who is at the keyboard. `environment`: it
    goes to this one of several that come first.
    """
    short_id = short_id or commit[:7]
    key = first = None if always else keys.deliver_key(app, commit, environment)
    parameters = {"app": app, "revision": commit}
    while True:
        run, new = server.start(
            keys.deployment(keys.DELIVER),
            {**parameters, "environment": environment} if environment else parameters,
            name=keys.deliver_name(app, short_id),
            tags=[keys.app_tag(app), keys.commit_tag(short_id), *tags],
            key=key,
            person=person,
        )
        if new or first is None or not repeat or not run.over or run.succeeded:
            return run, new
        key = keys.again_key(first, run.id)
