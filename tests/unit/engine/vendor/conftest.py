from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart_server import chart_server
from tests.unit.engine.vendor.vendored import Vendored


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Vendored]:
    with chart_server() as server:
        yield Vendored(tmp_path, server)
