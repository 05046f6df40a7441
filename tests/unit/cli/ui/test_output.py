"""What a verb prints, whatever it forgets to mask."""

import io
import json
import subprocess
import sys
from typing import Any

import click
import pytest

from towpath.cli.ui.output import MaskedStream, filtered_output, masked
from towpath.redact import remember_objects

VALUE, DIGITS = "canary-of-the-filter", "8417302265"


@pytest.fixture(autouse=True)
def _known() -> None:
    remember_objects([{"kind": "Secret", "stringData": {"a": VALUE, "b": DIGITS, "c": 'with "quotes"\\&'}}])


@pytest.mark.parametrize(
    "text",
    [
        f"hello {VALUE}\n",
        f"\x1b[31m- /data/colour: {VALUE}\x1b[0m\n",
        f"| a | `{VALUE}` |",
        f'{{not JSON: "{VALUE}"',
        f"first\nsecond {VALUE}\nthird",
        "a Y2FuYXJ5LW9mLXRoZS1maWx0ZXI= b",
        json.dumps({"a": [f"x {VALUE}", 'with "quotes"\\&']}),
    ],
)
def test_a_known_value_is_masked_in_any_text(text: str) -> None:
    said = masked(text)
    assert "***" in said
    assert VALUE not in said
    assert "quotes" not in said
    assert masked(said) == said


@pytest.mark.parametrize(
    "data",
    [
        {"seconds": int(DIGITS), "live": VALUE},
        [int(DIGITS), f"{DIGITS}", None, 1.5, True],
        {"a": {"b": [{VALUE: int(DIGITS)}]}},
        {"a": f"x{DIGITS}y é"},
        [{"generation": int(DIGITS)}],
    ],
)
def test_a_json_document_stays_one(data: Any) -> None:
    said = masked(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    assert said.endswith("\n")
    assert isinstance(json.loads(said), type(data))
    assert VALUE not in said
    assert f'"{DIGITS}' not in said


def test_what_holds_no_value_is_printed_as_it_is() -> None:
    for text in ("plain\n", '{"a":   1}', "", '{"a": "é"}\n'):
        assert masked(text) is text or masked(text) == text


def test_every_way_to_print_is_filtered_and_the_streams_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with filtered_output("plan"):
        click.echo(f"echo {VALUE}")
        click.secho(f"secho {VALUE}", fg="red", err=True)
        print(f"print {VALUE}")  # noqa: T201
        sys.stdout.writelines([f"lines {VALUE}\n"])
        sys.stderr.write(f"write {VALUE}\n")
    assert (sys.stdout, sys.stderr) == (out, err)
    assert VALUE not in out.getvalue() + err.getvalue()
    assert out.getvalue() == "echo ***\nprint ***\nlines ***\n"


def test_what_a_shell_evaluates_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    with filtered_output("local"):
        click.echo(f"export A={VALUE}")
    assert VALUE in out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "utf-8:strict"])
def test_no_encoding_leads_around_the_filter(encoding: str) -> None:
    program = (
        "import sys, click\n"
        "from towpath.cli.ui.output import filtered_output\n"
        "from towpath.redact import remember_secret\n"
        f"remember_secret({VALUE!r})\n"
        "sys.stdout.reconfigure(errors='backslashreplace')\n"
        "with filtered_output('plan'):\n"
        f"    click.echo({VALUE + ' é'!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONIOENCODING": encoding}, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"*** ")
    assert VALUE.encode() not in done.stdout


def test_the_stream_is_otherwise_the_one_that_it_stands_for() -> None:
    inner = io.StringIO()
    stream = MaskedStream(inner)
    assert stream.write(f"{VALUE}\n") == len(VALUE) + 1
    assert not stream.isatty()
    stream.flush()
    assert inner.getvalue() == "***\n"
