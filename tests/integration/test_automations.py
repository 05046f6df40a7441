"""The ready-made automations on the real server: what happens in an environment reaches a webhook."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.manifests import configmap
from tests.integration.running import RunningStack
from tests.integration.watched import Watched, watched
from towpath.local.common.stack import PROJECT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

AUTOMATIONS = sorted((PROJECT / "deployments/automations").glob("*.yaml"))
NOBODY = "00000000-0000-0000-0000-000000000000"
MAKE_BLOCK = """
import sys
from prefect.blocks.notifications import CustomWebhookNotificationBlock

name, url = sys.argv[1:]
message = {"subject": "{{subject}}", "body": "{{body}}"}
block = CustomWebhookNotificationBlock(name=name, url=url, json_data=message)
print(block.save(name))
"""


@dataclass
class Webhook:
    """Whom the messages go to; other environments of the stack write to it, too."""

    messages: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def about(self, subject: str) -> list[str]:
        """The bodies of the messages with this subject."""
        return [each["body"] for each in self.messages if each["subject"] == subject]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def here(stack: RunningStack) -> Iterator[Watched]:
    with watched(stack) as made:
        yield made


@pytest.fixture
def automations(here: Watched, webhook: Webhook, tmp_path: Path) -> Iterator[list[str]]:
    """All of them, created as docs/guides/notifications.md says; their names on the server."""

    def run(*command: str) -> str:
        done = subprocess.run(command, env=here.variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    name = f"webhook-{here.environment}"
    block = run(sys.executable, "-c", MAKE_BLOCK, name, f"http://127.0.0.1:{webhook.port}/").split()[-1]
    assert block in here.api.post("/block_documents/filter", json={}).text
    made = []
    prefect = str(Path(sys.executable).with_name("prefect"))
    try:
        for file in AUTOMATIONS:
            text = file.read_text().replace(NOBODY, block)
            title = text.partition("\nname: ")[2].partition("\n")[0]
            made.append(f"{title} {here.environment}")
            mine = tmp_path / file.name
            mine.write_text(text.replace(f"\nname: {title}\n", f"\nname: {made[-1]}\n"))
            run(prefect, "--no-prompt", "automation", "create", "--from-file", str(mine))
        yield made
    finally:
        for title in made:
            run(prefect, "--no-prompt", "automation", "delete", title)
        here.api.delete(f"/block_documents/{block}")


def events(here: Watched, name: str, resource: str) -> list[dict[str, Any]]:
    """What the server has of these events about this resource, newest first."""
    asked = {"filter": {"event": {"name": [name]}, "resource": {"id": [resource]}}}
    found: list[dict[str, Any]] = here.api.post("/events/filter", json=asked).json()["events"]
    return found


def test_a_person_is_told_of_all_that_the_guide_names(
    here: Watched, webhook: Webhook, automations: list[str]
) -> None:
    where, space = here.environment, here.world.namespace
    app = f"towpath.app.{where}.app"

    here.edit("c0")
    here.until(lambda: webhook.about(f"app in {where} differs from Git"), "somebody is told of drift")
    [body] = webhook.about(f"app in {where} differs from Git")
    assert body.startswith(f"1 objects of app in {where} differ from Git; what is done: sync.")
    assert f"ConfigMap {space}/c0: modified /data/a by kubectl-patch" in body
    here.until(lambda: events(here, "towpath.drift.healed", app), "it is healed")
    [event] = events(here, "towpath.drift.detected", app)
    assert event["resource"] == {
        "prefect.resource.id": app,
        "prefect.resource.name": f"app in {where}",
        "towpath.environment": where,
        "towpath.app": "app",
    }
    related = {each["prefect.resource.role"]: each for each in event["related"]}
    assert related["environment"]["prefect.resource.id"] == f"towpath.environment.{where}"
    assert related["object"]["prefect.resource.id"] == f"towpath.object.ConfigMap.{space}.c0"
    # The server adds the run by itself.
    assert related["flow-run"]["prefect.resource.id"].startswith("prefect.flow-run.")
    assert "by hand" not in json.dumps(event), "no value is in an event"

    for _ in range(3):
        # The value first: where nobody has seen the edit yet, all is quiet, too.
        here.until(lambda: here.value("c0") != "by hand", "it is healed again")
        here.until(here.quiet, "its run has ended")
        here.edit("c0")
    stopped = f"app in {where}: /data/a is not healed any more"
    here.until(lambda: webhook.about(stopped), "somebody is told of a fight")
    assert webhook.about(stopped) == [f"ConfigMap {space}/c0: /data/a was healed 3 times in a short while."]

    here.push({"app": [configmap("Not_A_Name", a="1")]})
    here.until(lambda: webhook.about(f"app in {where} failed"), "somebody is told of a refusal")
    assert "Not_A_Name" in webhook.about(f"app in {where} failed")[0]

    other = here.git("commit-tree", "-m", "Another history", "HEAD^{tree}")
    here.git("reset", "-q", "--hard", other)
    here.git("push", "-q", "--force", str(here.repository), "HEAD:main")
    held = f"{where} holds: its branch was rewritten"
    here.until(lambda: webhook.about(held), "somebody is told of the branch")
    assert "does not descend from" in webhook.about(held)[0]

    held_again = f"""
from prefect.events import emit_event
from flows.reconcile import reconcile

for _ in range(2):
    assert reconcile("{where}", return_state=True).is_failed()
emit_event("test.ended", {{"prefect.resource.id": "{where}"}})
"""
    done = subprocess.run(
        [sys.executable, "-c", held_again], cwd=PROJECT, env=here.variables, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # What the runs emitted came before it.
    here.until(lambda: events(here, "test.ended", where), "the events have arrived")
    assert len(events(here, "towpath.branch.rewritten", f"towpath.environment.{where}")) == 1, "no news"
