"""Holds what verbs print with `--output json` against their schemas, closed: no other key is allowed."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import jsonschema_rs

from towpath.cli.outputs.schema import LINES, OUTPUTS, output_schema


def require_described(arguments: Sequence[str], stdout: str) -> str:
    """The verb whose output was checked; empty where it printed no JSON, or was not asked to."""
    words = list(map(str, arguments))
    verb = next((verb for verb in (" ".join(words[:2]), *words[:1]) if verb in OUTPUTS), "")
    at = words.index("--output") + 1 if "--output" in words else len(words)
    if not verb or words[at : at + 1] != ["json"] or not stdout.strip():
        return ""
    for text in stdout.splitlines() if verb in LINES else [stdout]:
        validator(verb).validate(json.loads(text))
    return verb


@cache
def validator(verb: str) -> Any:
    return jsonschema_rs.validator_for(output_schema(verb, closed=True))
