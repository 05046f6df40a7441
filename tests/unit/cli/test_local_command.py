"""`towpath local`: wrong usage is told as such, before anything is looked at."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from towpath.cli.local import command


@pytest.mark.parametrize(
    "wrong",
    [
        ["up", "--port", "prefect=65536"],
        ["up", "--port", "prefect=http"],
        ["up", "--port", "prefekt=4200"],
        ["up", "--subnet", "x"],
        ["up", "--registry", "https://registry.example.com"],
        ["status", "--output", "table"],
    ],
)
def test_wrong_usage(wrong: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(command, wrong)
    assert (result.exit_code, result.output.startswith("Usage:")) == (2, True), result.output
    assert not (tmp_path / "home").exists()
