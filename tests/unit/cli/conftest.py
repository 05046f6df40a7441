"""What tests of verbs share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
