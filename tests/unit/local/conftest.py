"""A stack that is described but not run."""

from pathlib import Path

import pytest

from towpath.local.common.layout import Layout
from towpath.local.common.stack import Options, Stack
from towpath.settings import Settings


@pytest.fixture
def described(tmp_path: Path) -> Stack:
    settings = Settings.load({"HOME": str(tmp_path), "TOWPATH_HOME": str(tmp_path / "home")})
    return Stack(
        Layout(settings.local), Options(), settings, project=tmp_path / "project", python="/venv/bin/python"
    )
