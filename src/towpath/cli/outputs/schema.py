"""JSON Schemas of what verbs print with `--output json`."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from towpath.cli.outputs import drift, machine, released, repository, running, runs

OUTPUTS: Mapping[str, type[BaseModel]] = {
    "agent": machine.Findings,
    "approve": runs.FollowedOrStarted,
    "check": repository.Check,
    "delete": repository.Delete,
    "deliver": runs.FollowedOrStarted,
    "diff": drift.Diff,
    "doctor": machine.Doctor,
    "door": machine.Findings,
    "drift": drift.Drift,
    "get": running.Get,
    "health": machine.HealthVerdicts,
    "history": released.History,
    "import": repository.Import,
    "install": drift.Install,
    "keys list": machine.KeyList,
    "keys make": machine.KeyMade,
    "keys retire": machine.KeysRetired,
    "keys rotate": machine.KeyRotated,
    "keys show": machine.KeyShown,
    "keys trust": machine.KeyTrusted,
    "local status": machine.LocalStatus,
    "logs": running.LogLine,
    "migrate": repository.Migrate,
    "pause": runs.Paused,
    "plan": drift.Plan,
    "policy diff": repository.PolicyDiff,
    "policy except": repository.PolicyExcepted,
    "policy sign": repository.PolicySigned,
    "policy verify": drift.Protection,
    "promote": runs.FollowedOrStarted,
    "rbac": repository.Rbac,
    "reconcile": runs.FollowedOrStarted,
    "reject": runs.FollowedOrStarted,
    "releases": released.Releases,
    "restart": running.Restart,
    "resume": runs.Resumed,
    "rollback": runs.FollowedOrStarted,
    "runs": runs.RunList,
    "status": drift.Status,
    "trace": running.Traces,
    "vendor": repository.Vendor,
    "verify": released.Verify,
    "wait": running.Wait,
}
"""Verb, with its subcommand -> what it prints."""
LINES = ("logs",)
"""Verbs that print a JSON object on each line."""


def output_schema(verb: str, *, closed: bool = False) -> dict[str, Any]:
    """The JSON Schema of a verb's output. KeyError for one that prints no JSON.

    Later versions may add keys, so it allows others; with `closed` it does not.
    """
    schema = OUTPUTS[verb].model_json_schema(by_alias=True, mode="serialization")
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"towpath {verb} --output json",
    }
    return described if closed else _opened(described)


def _opened(schema: Any) -> Any:
    """Without `additionalProperties: false`, and without the titles that are the keys again."""
    if isinstance(schema, list):
        return [_opened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _opened(value)
        for key, value in schema.items()
        if not (key == "additionalProperties" and value is False)
    }
