"""`towpath health`: input that cannot be read is one more verdict, never an error of the whole."""

import json

import pytest
from click.testing import CliRunner

from towpath.cli.health import command
from towpath.health.report import assess_text
from towpath.printable import printable

BROKEN = """\
kind: [
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
"""


def test_a_broken_document_is_unknown_and_the_others_have_their_verdicts() -> None:
    result = CliRunner().invoke(command, ["-f", "-", "--output", "json"], input=BROKEN)
    assert result.exit_code == 0
    assert [each["status"] for each in json.loads(result.stdout)] == ["Unknown", "Healthy"]


def test_bytes_that_are_no_text_are_unknown() -> None:
    result = CliRunner().invoke(command, ["-f", "-"], input=b"\x00\xff\xfe")
    assert (result.exit_code, result.stdout.split()[0]) == (0, "Unknown")


@pytest.mark.parametrize("output", ["text", "json"])
def test_no_message_of_an_object_steers_the_terminal(output: str) -> None:
    message = "\x1b[2J\x1b]0;t\x07\u202e\x9b2J \ud800 é"
    condition = {"type": "Ready", "status": "False", "reason": "A", "message": message}
    named = {"name": "a\x1b[2J\nHealthy Pod b"}
    value = {"apiVersion": "e.com/v1", "kind": "K", "metadata": named, "status": {"conditions": [condition]}}
    result = CliRunner().invoke(command, ["-f", "-", "--output", output], input=json.dumps(value))
    assert result.exit_code == 0
    assert printable(result.stdout) == result.stdout
    assert len(result.stdout.splitlines()) == (1 if output == "text" else 3)


def test_many_small_bombs_cost_no_more_than_one() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 4)]
    verdicts = list(assess_text("\n---\n".join(["\n".join(levels)] * 2_000), "x.yaml", {}))
    assert len(verdicts) == 2_000
    assert "more than 0 values" in verdicts[-1].health.message
