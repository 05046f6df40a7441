"""The local stack that integration tests share."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.running import PERSONAL, RunningStack, free_ports
from towpath.errors import MissingPartError
from towpath.local.common.layout import DEFAULT_HOME
from towpath.local.lifecycle.up import refuse_impossible

TEST_HOME = Path(__file__).parents[2] / ".cache" / "stack"


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """A running stack: TOWPATH_HOME's or the default one if it is up, else a new one for this session.

    A new one begins with no data, and nothing of it is left. Where this machine cannot run one, tests are
    skipped with the reason; in CI that is a failure.
    """
    known = [Path(os.environ["TOWPATH_HOME"])] if os.environ.get("TOWPATH_HOME") else []
    running = next(
        (one for home in (*known, DEFAULT_HOME.expanduser()) if (one := RunningStack(home)).is_up()), None
    )
    chosen = running or RunningStack(TEST_HOME)
    with pytest.MonkeyPatch.context() as patch:
        for name in PERSONAL:
            patch.delenv(name, raising=False)
        patch.setenv("TOWPATH_HOME", str(chosen.home))
        if running:
            chosen.up()  # starts what of it is missing, deploys what has changed
            yield chosen
            return
        skip_if_impossible(chosen)
        chosen.down("--purge")
        try:
            chosen.up(*free_ports())
            yield chosen
        finally:
            chosen.down("--purge")


def skip_if_impossible(chosen: RunningStack) -> None:
    """Skip where this machine cannot run a stack; fail in CI."""
    try:
        refuse_impossible(chosen.stack, platform.system(), os.geteuid())
    except MissingPartError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
