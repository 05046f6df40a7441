"""What tests of verbs share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.outputs import require_described
from tests.unit.cli.api_server import api_server
from tests.unit.cli.running_app import RunningApp, set_variables
from tests.unit.engine.source.promotions import World


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningApp]:
    """App `hello` on a machine of its own; nothing is released yet."""
    with api_server() as api:
        running = RunningApp(World(tmp_path), api)
        set_variables(running, tmp_path, monkeypatch)
        yield running


@pytest.fixture(autouse=True)
def _described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test makes a verb print as JSON must be as its schema says."""
    invoke = CliRunner.invoke

    def checked(self: CliRunner, cli: Any, args: Any = None, **options: Any) -> Result:
        result = invoke(self, cli, args, **options)
        if isinstance(args, list | tuple):
            require_described(args, result.stdout)
        return result

    monkeypatch.setattr(CliRunner, "invoke", checked)
