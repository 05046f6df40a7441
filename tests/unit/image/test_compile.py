"""What is compiled for an image: libraries without docstrings, and nothing else of them is another."""

import subprocess
import sys
from pathlib import Path

import pytest

COMPILE = Path(__file__).parents[3] / "deployments" / "image" / "compile.py"
SOURCE = '''"""Of the module."""

from __future__ import annotations

WORD = "kept"


class Empty:
    """Of the class."""


def checked(number: int) -> str:
    """Of the function."""
    assert number > 0, "asserts stay"
    return f"{WORD} {number}"


async def later() -> None:
    "Of the coroutine."
'''
SHOW = """
import inspect, {name} as it
print([each.__doc__ for each in (it, it.Empty, it.checked, it.later)])
print(it.checked(1), inspect.signature(it.checked), inspect.getsourcelines(it.checked)[1])
try:
    it.checked(0)
except AssertionError as error:
    print(error, error.__traceback__.tb_next.tb_lineno)
"""
DOCSTRINGS = "['Of the module.', 'Of the class.', 'Of the function.', 'Of the coroutine.']"


@pytest.mark.parametrize(
    ("options", "package", "said"),
    [
        (["--bare"], "ours", DOCSTRINGS),
        (["--bare"], "library", "[None, None, None, None]"),
        ([], "library", DOCSTRINGS),
    ],
)
def test_docstrings_of_what_is_compiled_whole_are_kept(
    tmp_path: Path, options: list[str], package: str, said: str
) -> None:
    for name in ("ours", "library"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(SOURCE)
    compiled = tmp_path / "compiled"
    environ = {"PYTHONPATH": str(tmp_path), "PYTHONPYCACHEPREFIX": str(compiled)}
    run(environ, str(COMPILE), *options, "--all", "ours", "--", "library")
    file = tmp_path / package / "__init__.py"
    assert list(compiled.rglob(f"{package}/__init__.*.pyc"))
    file.write_text(SOURCE.replace("kept", "changed"))  # what is compiled is not compared with it
    shown = run(environ | {"PYTHONDONTWRITEBYTECODE": "1"}, "-c", SHOW.format(name=package)).splitlines()
    assert shown == [said, "kept 1 (number: 'int') -> 'str' 12", "asserts stay 14"]


def run(environ: dict[str, str], *command: str) -> str:
    done = subprocess.run([sys.executable, *command], env=environ, capture_output=True, text=True, check=True)
    return done.stdout
