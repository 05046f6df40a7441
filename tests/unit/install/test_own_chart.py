"""The chart that comes with the package, rendered with an administrator's values."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.chart import CHART, EXAMPLES, needs_helm, rendered
from towpath.adapters.rendering.own_chart import chart_folder, render_own_chart
from towpath.errors import ConfigError, MissingPartError
from towpath.settings import Settings

TOOLS = Settings.load({"HOME": str(Path.home())}).tools


def test_the_chart_is_found() -> None:
    assert chart_folder() == CHART


@needs_helm
@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_it_renders_as_by_helm(values: Path) -> None:
    assert list(render_own_chart(values, "towpath-system", TOOLS)) == rendered(values)


@needs_helm
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("replicas: 2\n", "additional properties 'replicas' not allowed"),
        ("image: {digest: sha256:12}\n", "/image/digest"),
        ("repository: {}\n", "no image: set server.image.repository and server.image.digest"),
        ("a: [\n", "values.yaml"),
        ("- a\n", "values that are not a mapping"),
    ],
)
def test_values_that_the_chart_refuses(tmp_path: Path, text: str, said: str) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(text)
    with pytest.raises(ConfigError, match=r"values\.yaml") as refused:
        render_own_chart(values, "towpath-system", TOOLS)
    assert said in str(refused.value)


def test_values_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        render_own_chart(tmp_path / "values.yaml", "towpath-system", TOOLS)


def test_without_helm_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError) as refused:
        render_own_chart(EXAMPLES[0], "towpath-system", tmp_path)
    assert "`helm` is not installed" in str(refused.value)
    assert "towpath doctor" in str(refused.value)


def test_the_wheel_has_the_chart(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=CHART.parents[1], check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    inside = {name.removeprefix("towpath/chart/") for name in zipfile.ZipFile(wheel).namelist()}
    files = {path.relative_to(CHART).as_posix() for path in CHART.rglob("*") if path.is_file()}
    assert files <= inside
