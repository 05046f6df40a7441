"""Each verb that prints JSON has a schema, the documentation has it, and what is printed is as it says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import pytest

from tests.outputs import require_described
from tests.unit.cli.prefect_server import PrefectServer, prefect_server
from tests.unit.cli.running_app import RunningApp
from towpath.cli.main import VERBS, main
from towpath.cli.outputs.schema import OUTPUTS, output_schema
from towpath.cli.schema import file_name, schema_text

DOCS = Path(__file__).parents[4] / "docs/reference/output"
WAITING = "22222222-2222-4222-8222-222222222222"
PRINTED = (
    "check --repo REPO",
    "delete hello",
    "diff hello dev",
    "diff",
    "doctor",
    "drift dev",
    "get hello",
    "health -f OBJECTS",
    "history hello",
    "keys make night --folder KEYS",
    "keys list --folder KEYS",
    "keys show build --folder KEYS",
    "keys rotate build --folder KEYS",
    "keys retire build --folder KEYS",
    "logs hello dev",
    "migrate --repo REPO --check",
    "pause dev --until 2h --reason why",
    "plan hello dev",
    "reconcile dev",
    "reconcile dev --detach",
    "releases hello",
    "restart hello dev",
    "resume dev",
    "runs",
    f"runs --follow {WAITING}",
    "status",
    "trace pod/web-1-a",
    "verify hello dev",
    "wait hello dev",
)


def json_verbs(command: click.Command, path: str = "") -> Iterator[str]:
    """Verbs with `--output json`, with their subcommands."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            assert sub
            yield from json_verbs(sub, f"{path} {name}".strip())
    elif any(isinstance(each.type, click.Choice) and "json" in each.type.choices for each in command.params):
        yield path


def test_each_verb_that_prints_json_has_a_schema_and_no_other_has() -> None:
    assert set(json_verbs(main)) == set(OUTPUTS)
    assert {verb.split()[0] for verb in OUTPUTS} <= set(VERBS)


@pytest.mark.parametrize("verb", OUTPUTS)
def test_the_documentation_has_the_schema(verb: str) -> None:
    assert (DOCS / file_name(verb)).read_text() == schema_text(output_schema(verb)), (
        "`towpath schema --folder docs/reference/output` writes it"
    )
    jsonschema_rs.meta.validate(output_schema(verb))


def test_later_keys_are_allowed_for_others_and_not_for_tests() -> None:
    described = {"environment": "dev", "app": "", "resumed": False, "commit": "", "paused": None}
    more = {**described, "new": 1}
    opened, closed = output_schema("resume"), output_schema("resume", closed=True)
    assert jsonschema_rs.is_valid(opened, more)
    assert jsonschema_rs.is_valid(closed, described)
    assert not jsonschema_rs.is_valid(closed, more)
    assert not jsonschema_rs.is_valid(opened, {"environment": "dev"})


@pytest.fixture
def everything(app: RunningApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningApp]:
    """An app that is unhealthy in dev, with runs, keys and files: the more there is, the more is checked."""
    app.begin("dev", "prod").apply("dev", ready=True)
    app.api.add(app.event(app.api.objects["/api/v1/namespaces/dev/pods/web-1-a"], "BackOff", "again"))
    app.api.logs["web-1-a", "web"] = "a line\n"
    (tmp_path / "objects.json").write_text(json.dumps(app.pod("dev")))
    monkeypatch.setattr("towpath.orchestration.server.require_repository", lambda *_: None)
    with prefect_server() as server:
        monkeypatch.setenv("PREFECT_API_URL", server.url)
        promotion(server)
        server.tables["status-dev"] = [{"app": "hello", "health": "Degraded", "drift": "drifted: 1 object"}]
        yield app


def promotion(server: PrefectServer) -> None:
    server.add(WAITING, "promote", "promote hello 1111111 to prod", "PAUSED", app="hello")
    server.runs[WAITING]["parameters"]["environment"] = "prod"


@pytest.mark.parametrize("line", PRINTED)
def test_what_a_verb_prints_is_as_its_schema_says(everything: RunningApp, tmp_path: Path, line: str) -> None:
    places = {"REPO": str(everything.world.checkout().path), "KEYS": str(tmp_path / "keys")}
    places["OBJECTS"] = str(tmp_path / "objects.json")
    arguments = [places.get(word, word) for word in line.split()]
    done = everything.run(*arguments, "--output", "json")
    assert done.stdout, (done.output, done.exception)
    assert require_described([*arguments, "--output", "json"], done.stdout)


def test_schema_prints_one_lists_all_and_names_the_nearest(app: RunningApp) -> None:
    assert json.loads(app.run("schema", "keys", "list").stdout) == output_schema("keys list")
    assert app.run("schema").stdout.splitlines() == [*OUTPUTS]
    assert "Did you mean status?" in str(app.run("schema", "statsu").exception)


def test_schemas_are_written_to_a_folder(app: RunningApp, tmp_path: Path) -> None:
    assert app.run("schema", "--folder", str(tmp_path / "s")).exit_code == 0
    written: dict[str, Any] = json.loads((tmp_path / "s/local-status.schema.json").read_text())
    assert written["title"] == "towpath local status --output json"
    assert len([*(tmp_path / "s").iterdir()]) == len(OUTPUTS)
    assert app.run("schema", "get", "--folder", "s").exit_code == 2
