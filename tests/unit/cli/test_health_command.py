"""`towpath health`: input that cannot be read is one more verdict, never an error of the whole."""

import json

from click.testing import CliRunner

from towpath.cli.health import command

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
