"""No secret value reaches Prefect, a log, a terminal or Git, whatever an app goes through."""

import base64
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.canaries import Canaries, as_yaml
from tests.integration.running import RunningStack
from towpath.adapters.process import CommandError
from towpath.demo.source import commit_version, next_version
from towpath.demo.world import World
from towpath.local.common.http import request
from towpath.orchestration.api import PrefectApi

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = "staging"
FOLDER = f"apps/hello/{ENVIRONMENT}"
BESIDE = ("secret/by-hand", "secret/not-in-git")
PAGE = 200
HUMAN = "Dana Developer"


class Branch:
    """A working copy of the environment repository, to which people push."""

    def __init__(self, demo: World) -> None:
        self._demo, self.folder = demo, demo.work / "canaries"
        shutil.rmtree(self.folder, ignore_errors=True)
        demo.git("clone", "--quiet", str(demo.settings.environments), str(self.folder))
        self.begin = demo.git("rev-parse", "HEAD", cwd=self.folder)

    def write(self, files: dict[str, str]) -> None:
        """Change the working copy only."""
        self._demo.git("pull", "--quiet", "--rebase", "--autostash", cwd=self.folder)
        for path, text in files.items():
            (self.folder / path).write_text(text)

    def push(self, files: dict[str, str]) -> None:
        self.write(files)
        self._demo.git("add", "--all", cwd=self.folder)
        self._demo.git("commit", "--quiet", "--allow-empty", "-m", "Change staging", cwd=self.folder)
        for tries in reversed(range(5)):
            try:
                self._demo.git("push", "--quiet", "origin", "HEAD:main", cwd=self.folder)
                break
            except CommandError:  # an agent's commit came first
                if not tries:
                    raise
                self._demo.git("pull", "--quiet", "--rebase", cwd=self.folder)

    def yaml(self, path: str) -> dict[str, Any]:
        self._demo.git("pull", "--quiet", "--rebase", "--autostash", cwd=self.folder)
        return dict(yaml.safe_load((self.folder / path).read_text()))


class Person:
    """Somebody at a terminal; `said` is what came out there, verb by verb."""

    def __init__(self, demo: World) -> None:
        self._demo, self.said = demo, list[tuple[str, str]]()

    def towpath(self, *args: str) -> str:
        done = self._demo.towpath(*args, codes=(0, 1, 2))
        self.said.append((" ".join(args), done.stdout + done.stderr))
        return done.stdout + done.stderr

    def kubectl(self, *args: str) -> None:
        self._demo.kubectl("-n", ENVIRONMENT, *args)


@pytest.fixture
def branch(demo: World) -> Iterator[Branch]:
    """Everything that a test pushes here is taken back, in Git and in the cluster."""
    if not demo.released(ENVIRONMENT):
        commit_version(demo, EXAMPLES / "hello", next_version(demo), "Begin")
        demo.towpath("deliver", "hello")
    branch = Branch(demo)
    kept = ("towpath.yaml", f"{FOLDER}/config.yaml", f"{FOLDER}/kustomization.yaml")
    before = {path: (branch.folder / path).read_text() for path in kept[:2]}
    yield branch
    kustomization = branch.yaml(kept[2])
    kustomization["resources"] = [each for each in kustomization["resources"] if "canar" not in each]
    branch.push({**before, kept[2]: yaml.safe_dump(kustomization)})
    names = (
        "secret/canaries",
        "secret/by-hand",
        "secret/not-in-git",
        "configmap/canaries",
        "cronjob/canaries",
    )
    demo.kubectl("-n", ENVIRONMENT, "delete", *names, "--ignore-not-found")
    demo.kubectl("-n", ENVIRONMENT, "set", "env", "deployment/hello", "DB_PASS-")
    demo.towpath("reconcile", ENVIRONMENT, codes=(0, 1))


def test_no_value_of_a_secret_comes_out_anywhere(stack: RunningStack, demo: World, branch: Branch) -> None:
    canaries, person = Canaries(), Person(demo)

    committed(branch, person, canaries)
    promoted(demo, person)
    changed_by_hand(demo, person, canaries)
    rotated(branch, person, canaries)
    failed_and_rolled_back(demo, branch, person, canaries)

    assert len(canaries.values) >= 20
    found = [
        found
        for number, (verb, said) in enumerate(person.said)
        for found in canaries.found_in(f"{number}: {verb}", said.encode())
    ]
    found += everywhere(stack, demo, branch, canaries, told_by_prefect(demo))
    assert found == []
    finds_what_is_planted(stack, demo, branch, canaries)


def committed(branch: Branch, person: Person, canaries: Canaries) -> None:
    """The values come into Git, one also where the app shows it to everybody; what that will do is shown."""
    objects = canaries.objects()
    config, kustomization = branch.yaml("towpath.yaml"), branch.yaml(f"{FOLDER}/kustomization.yaml")
    config["environments"][1]["drift"] = "adopt"
    settings = branch.yaml(f"{FOLDER}/config.yaml")
    settings["data"]["GREETING"] = f"hello {canaries.values['stringData']}"
    kustomization["resources"] = [*kustomization["resources"], "canaries.yaml"]
    branch.write(
        {
            "towpath.yaml": yaml.safe_dump(config),
            f"{FOLDER}/canaries.yaml": as_yaml(objects),
            f"{FOLDER}/config.yaml": yaml.safe_dump(settings),
            f"{FOLDER}/kustomization.yaml": yaml.safe_dump(kustomization),
        }
    )
    shown(branch, person)
    person.towpath("render", "--app", "hello", "--environment", ENVIRONMENT, "--repo", str(branch.folder))
    branch.push({})


def shown(branch: Branch, person: Person) -> None:
    """What the working copy would change."""
    for verb in (("plan", "hello", ENVIRONMENT), ("diff", "hello", ENVIRONMENT)):
        assert "canaries" in person.towpath(*verb, "--repo", str(branch.folder))
    person.towpath("diff", ENVIRONMENT, "--repo", str(branch.folder), "--output", "json")


def promoted(demo: World, person: Person) -> None:
    """A new version, with a status after it."""
    commit_version(demo, EXAMPLES / "hello", next_version(demo), "With canaries")
    person.towpath("deliver", "hello")
    assert demo.kubectl("-n", ENVIRONMENT, "get", "secret", "canaries", "-o", "name")
    person.towpath("status")


def changed_by_hand(demo: World, person: Person, canaries: Canaries) -> None:
    """Drift, and a branch that adopts what may be."""
    live, credential = canaries.new("a live Secret"), canaries.new("a live variable")
    foreign = canaries.new("a Secret that Git has not")
    person.kubectl("create", "secret", "generic", "not-in-git", f"--from-literal=x={foreign}")
    edits = {
        "secret/by-hand": {"stringData": {"weight": live}},
        "configmap/canaries": {
            "data": {"level": "debug", "colour": f"copied {live}", "size": f"copied {foreign}"}
        },
    }
    for name, edit in edits.items():
        person.kubectl("patch", name, "-p", json.dumps(edit))
    person.kubectl("set", "env", "deployment/hello", f"DB_PASS={credential}")
    for output in ("text", "json"):
        assert "canaries" in person.towpath("drift", ENVIRONMENT, "--output", output)
    person.towpath("diff", "hello", ENVIRONMENT)
    person.towpath("reconcile", ENVIRONMENT)
    branches = demo.git("--git-dir", str(demo.settings.environments), "branch", "--list", "towpath/*")
    assert f"towpath/adopt-{ENVIRONMENT}-hello" in branches


def rotated(branch: Branch, person: Person, canaries: Canaries) -> None:
    """Git has a new value, and the old one, which is live, in a ConfigMap; then nowhere any more."""
    objects = list(yaml.safe_load_all((branch.folder / FOLDER / "canaries.yaml").read_text()))
    objects[0]["stringData"]["colour"] = canaries.new("the new value")
    objects[2]["data"]["shape"] = f"still {canaries.values['stringData']}"
    branch.write({f"{FOLDER}/canaries.yaml": as_yaml(objects)})
    shown(branch, person)
    settings = branch.yaml(f"{FOLDER}/config.yaml")
    settings["data"]["GREETING"] = "hello again"
    del objects[2]["data"]["shape"]
    new = {f"{FOLDER}/canaries.yaml": as_yaml(objects), f"{FOLDER}/config.yaml": yaml.safe_dump(settings)}
    branch.push(new)
    person.towpath("reconcile", ENVIRONMENT)
    person.towpath("drift", ENVIRONMENT)


def failed_and_rolled_back(demo: World, branch: Branch, person: Person, canaries: Canaries) -> None:
    """The answer to the smoke check holds a value; the promotion fails, and is rolled back."""
    config, good = branch.yaml("towpath.yaml"), demo.released(ENVIRONMENT)
    with answering(canaries.new("the answer to a smoke check")) as url:
        config["apps"]["hello"]["smoke"] = [{"url": f"{url}/{{environment}}", "status": 200}]
        branch.push({"towpath.yaml": yaml.safe_dump(config)})
        commit_version(demo, EXAMPLES / "hello", next_version(demo), "Fails in staging")
        assert "answered 500, not 200" in person.towpath("deliver", "hello")
        assert demo.released(ENVIRONMENT) == good
        person.towpath("rollback", "hello", ENVIRONMENT)
    person.towpath("history", "hello")
    person.towpath("status", "--output", "json")


@contextmanager
def answering(value: str) -> Iterator[str]:
    """A server that says `value` and that it fails, to all but dev; its URL."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/dev" else 500)
            self.send_header("X-Trace", value)
            self.end_headers()
            self.wfile.write(f"connection to db as {value} refused".encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def everywhere(
    stack: RunningStack, demo: World, branch: Branch, canaries: Canaries, told: dict[str, bytes]
) -> list[str]:
    """Where the values are, of all places where they must not be; `told`: what Prefect's API answers."""
    found = canaries.found_below(stack.layout.data / "prefect")
    for log in stack.layout.log.glob("*.log"):
        if log.name.startswith(("prefect", "agent", "supervisord")):
            found += canaries.found_in(log.name, log.read_bytes())
    for what, answers in told.items():
        assert answers != b"[]", what
        found += canaries.found_in(f"Prefect's {what}", answers)
    kept = demo.kubectl("-n", ENVIRONMENT, "get", "configmap", "-l", "towpath.dev/inventory", "-o", "json")
    assert '"inventory"' in kept
    found += canaries.found_in("inventories", kept.encode())
    found += canaries.found_in(
        "events", demo.kubectl("-n", ENVIRONMENT, "get", "events", "-o", "json").encode()
    )
    return found + canaries.found_in("Git", written(demo, branch).encode())


def told_by_prefect(demo: World) -> dict[str, bytes]:
    """What the API answers of logs, artifacts, events, variables, runs, their states and parameters."""
    api = PrefectApi(str(demo.settings.prefect_api_url))
    told = {
        what: _pages(api, what) for what in ("logs", "artifacts", "flow_runs", "task_runs", "deployments")
    }
    runs = [run["id"] for run in told["flow_runs"]]
    told["states"] = [api.get(f"/flow_run_states/?flow_run_id={run}") for run in runs]
    page = api.post("/events/filter", {"limit": 50})
    told["events"] = list(page["events"])
    while following := page.get("next_page"):
        page = api.get(following.partition("/api")[2])
        told["events"] += page["events"]
    api.close()
    return {what: json.dumps(answers, ensure_ascii=False).encode() for what, answers in told.items()}


def _pages(api: PrefectApi, what: str) -> list[Any]:
    found: list[Any] = []
    while True:
        page = api.post(f"/{what}/filter", {"limit": PAGE, "offset": len(found)})
        found += page
        if len(page) < PAGE:
            return found


def written(demo: World, branch: Branch) -> str:
    """Messages, notes, names of refs, and lines added, of all commits that Towpath made."""
    repository = ("--git-dir", str(demo.settings.environments))
    select = ("--all", "--perl-regexp", f"--author=^(?!{HUMAN})", f"^{branch.begin}")
    log = demo.git(*repository, "log", "-p", "--unified=0", "--notes=*", "--format=fuller", *select)
    assert "Towpath-" in log
    refs = demo.git(*repository, "for-each-ref", "--format=%(refname) %(contents)")
    added = "\n".join(line for line in log.splitlines() if not line.startswith("-"))
    return f"{added}\n{refs}"


def finds_what_is_planted(stack: RunningStack, demo: World, branch: Branch, canaries: Canaries) -> None:
    """The search can fail: it finds a value that is put into a log of Prefect, into a file and into Git."""
    place, value = "stringData", canaries.values["stringData"]
    url = str(demo.settings.prefect_api_url)
    api = PrefectApi(url)
    run = api.post("/flow_runs/filter", {"limit": 1})[0]["id"]
    encoded = base64.b64encode(value.encode()).decode()
    log = {"name": "planted", "level": 20, "message": f"x {encoded}", "flow_run_id": run}
    logs = [log | {"timestamp": datetime.now(UTC).isoformat()}]
    assert request("POST", f"{url}/logs/", logs).ok
    deadline = time.monotonic() + 60
    while encoded not in (told := json.dumps(_pages(api, "logs"))):  # written down later
        assert time.monotonic() < deadline
        time.sleep(0.5)
    api.close()
    planted = stack.layout.log / "agent-planted.log"
    planted.write_text(json.dumps({"a": value}))
    try:
        found = everywhere(stack, demo, branch, canaries, {"logs": told.encode()})
    finally:
        planted.unlink()
    assert f"{place} in Prefect's logs as base64" in found
    assert f"{place} in agent-planted.log as plain" in found
    assert any(each.startswith(f"{place} in {stack.layout.data / 'prefect'}") for each in found)
