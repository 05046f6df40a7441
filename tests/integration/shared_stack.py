"""The local stack that one run of the tests shares: an own one, or the one that a person has running."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.running import RunningStack, free_ports
from towpath.adapters.evidence.key_changes import trust_key
from towpath.adapters.evidence.key_files import KeyFolder, read_trusted_keys
from towpath.evidence.trusted_edit import remove_key
from towpath.evidence.trusted_keys import POLICY
from towpath.local.common.layout import DEFAULT_HOME
from towpath.local.lifecycle.up import refuse_impossible
from towpath.orchestration.api import PrefectApi

TEST_HOME = Path(__file__).parents[2] / ".cache" / "stack"
MADE = "TOWPATH_TEST_STACK"
"""Set to `made` or `reused` by who brought the stack of TOWPATH_HOME up for several test processes."""


@contextmanager
def shared_stack() -> Iterator[RunningStack]:
    """The stack in TOWPATH_HOME or in the default home if it is up, else a new one that ends with the block.

    A new one begins with no data, and nothing of it is left. Raises MissingPartError where this machine
    cannot run one.
    """
    running = running_stack()
    if running:
        running.up()  # starts what of it is missing, deploys what has changed
        with _without_owner(running):
            yield running
        return
    made = RunningStack(TEST_HOME)
    refuse_impossible(made.stack, platform.system(), os.geteuid())
    assert not os.environ.get("PYTEST_XDIST_WORKER"), "several workers need a stack that is up: `make test`"
    made.down("--purge")
    try:
        made.up(*free_ports())
        _pause_schedules(made)
        with _without_owner(made):
            yield made
    finally:
        made.down("--purge")


@contextmanager
def _without_owner(running: RunningStack) -> Iterator[None]:
    """No policy is protected meanwhile: tests have repositories of their own, which no owner signs."""
    keys = KeyFolder(running.layout.keys)
    owners = [each for each in read_trusted_keys(keys.trusted_file).entries if POLICY in each.namespaces]
    with keys.locked():
        text = keys.trusted_text()
        for each in owners:
            text = remove_key(text, each.key, str(keys.trusted_file))
        keys.write_trusted(text)
    try:
        yield
    finally:
        if keys.trusted_file.exists():
            for each in owners:
                trust_key(keys, each.principals[0], each.key, each.namespaces)


def _pause_schedules(made: RunningStack) -> None:
    """Nothing reconciles on a schedule: a test asks for the reconcile that it needs.

    Otherwise, three environments would begin one each three minutes, for six seconds of a processor.
    """
    api = PrefectApi(str(made.settings.prefect_api_url))
    for deployment in api.post("/deployments/filter", {}):
        if deployment["schedules"]:
            api.post(f"/deployments/{deployment['id']}/pause_deployment", {})
    api.close()


def running_stack() -> RunningStack | None:
    """The stack of the person who runs the tests, if it is up."""
    named = [Path(os.environ["TOWPATH_HOME"])] if os.environ.get("TOWPATH_HOME") else []
    homes = [RunningStack(home) for home in (*named, DEFAULT_HOME.expanduser())]
    return next((one for one in homes if one.is_up()), None)


def prepared_stack() -> RunningStack | None:
    """The stack that somebody brought up for this process among others; it is theirs to end."""
    return RunningStack(Path(os.environ["TOWPATH_HOME"])) if os.environ.get(MADE) else None
