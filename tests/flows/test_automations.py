"""The ready-made automations: each is taken by a real server, and answers to events that there are."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.utilities.asyncutils import run_coro_as_sync

from towpath.drift import events
from towpath.drift.events import Event
from towpath.drift.model import DriftEntry
from towpath.objects import ObjectRef

FOLDER = Path(__file__).parents[2] / "deployments/automations"
FILES = sorted(FOLDER.glob("*.yaml"))
REF = ObjectRef("", "ConfigMap", "dev", "settings")
EMITTED: list[Event] = [
    events.drift_detected("dev", "hello", [DriftEntry("hello", REF, "deleted")], "sync"),
    events.drift_detected("dev", "", [DriftEntry("", REF, "extra")], "report"),
    events.sync_ended("dev", "hello", [], 1.0, "refused"),
    events.render_failed("dev", "hello", "no such folder"),
    events.heal_exhausted("dev", "hello", REF, "/data/A", 3),
    events.branch_rewritten("dev", "rewritten"),
]


def create(content: dict[str, Any]) -> Any:
    """What `prefect automation create --from-file` does."""

    async def there_and_back() -> Any:
        async with get_client() as client:
            made = await client.create_automation(AutomationCore.model_validate(content))
            found = await client.read_automation(made)
            await client.delete_automation(made)
            return found

    return run_coro_as_sync(there_and_back())


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_server_takes_it(prefect_server: None, file: Path) -> None:
    content = yaml.safe_load(file.read_text())
    found = create(content)
    assert found.name == content["name"]
    assert found.trigger.expect == set(content["trigger"]["expect"])


def answered(content: dict[str, Any]) -> Iterator[Event]:
    trigger = AutomationCore.model_validate(content).trigger
    for event in EMITTED:
        if event.name in trigger.expect and trigger.match.matches(event.resource):
            yield event


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_it_answers_every_event_that_it_names_with_a_full_sentence(file: Path) -> None:
    content = yaml.safe_load(file.read_text())
    found = list(answered(content))
    assert {event.name for event in found} == set(content["trigger"]["expect"])
    (action,) = content["actions"]
    for event in found:
        resource = SimpleNamespace(name=event.resource["prefect.resource.name"])
        told = SimpleNamespace(resource=resource, payload=event.payload)
        for part in ("subject", "body"):
            text = ImmutableSandboxedEnvironment().from_string(action[part]).render(event=told)
            assert text.strip()
            assert "  " not in text.strip()
