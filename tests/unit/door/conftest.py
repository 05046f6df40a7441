"""An issuer, a Prefect server's stand-in and an open door."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.door.issuer import TestIssuer, issuing
from tests.unit.door.opened import Opened, door_text, opened
from tests.unit.door.prefect_stand_in import StandIn, prefect_stand_in


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def prefect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    for name in ("AUTH_STRING", "KEY"):
        monkeypatch.delenv(f"PREFECT_API_{name}", raising=False)
    with prefect_stand_in() as found:
        yield found


@pytest.fixture
def door(tmp_path: Path, issuer: TestIssuer, prefect: StandIn) -> Iterator[Opened]:
    with opened(door_text(tmp_path, issuer.url), prefect) as found:
        yield found
