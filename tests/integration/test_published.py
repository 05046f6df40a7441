"""What a real agent publishes of its environment, and who reads it without a kubeconfig."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.forks import towpath_command
from tests.integration.manifests import configmap
from tests.integration.running import RunningStack
from tests.integration.watched import Watched, watched
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.drift.published import state_ref
from towpath.evidence.trusted_keys import COMMITS
from towpath.settings import SIGNING_KEY, TRUSTED_KEYS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture
def here(stack: RunningStack) -> Iterator[Watched]:
    """An agent that has a signing key."""
    with watched(stack) as made:
        made.stop()
        folder = KeyFolder(made.folder / "keys")
        make_key(folder, made.environment, (COMMITS,))
        made.variables[SIGNING_KEY] = str(folder.private_file(made.environment))
        made.variables[TRUSTED_KEYS] = str(folder.trusted_file)
        yield made


def person(here: Watched, *arguments: str, cluster: bool = False) -> tuple[int, Any]:
    """Exit code and JSON of a verb, on a machine with or without a kubeconfig."""
    variables = {
        name: value
        for name, value in here.variables.items()
        if name not in ("KUBECONFIG", SIGNING_KEY) and not name.startswith("PREFECT")
    }
    variables["HOME"] = str(here.folder / "person")
    variables["PYTHONPATH"] = os.pathsep.join(sys.path)
    if cluster:
        variables["KUBECONFIG"] = here.variables["KUBECONFIG"]
    done = subprocess.run(
        [*towpath_command(), *arguments, "--output", "json"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def commit_of(here: Watched) -> str:
    """What the ref of the environment is at; empty before the first time."""
    command = ["git", "-C", str(here.repository), "rev-parse", "-q", "--verify", state_ref(here.environment)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def entries(report: Any) -> list[Any]:
    """Drift without what only tells who asked."""
    return [
        {key: each[key] for key in ("app", "object", "kind", "differences")} for each in report["entries"]
    ]


def test_what_differs_is_published_and_read_without_the_cluster(here: Watched) -> None:
    made = [configmap(f"c{number}", a="1", b="2") for number in range(3)]
    here.push({"app": made}, drift="report")
    here.start()
    here.until(lambda: commit_of(here), "the state is published")
    code, told = person(here, "diff", "app", here.environment)
    assert (code, told["differs"], told["published"]["signed_by"]) == (0, False, here.environment)

    before = commit_of(here)
    here.edit("c0", "by hand")
    here.until(lambda: commit_of(here) != before, "the drift is published")
    code, published = person(here, "drift", here.environment)
    asked, live = person(here, "drift", here.environment, cluster=True)
    assert (code, asked) == (2, 2)
    assert entries(published) == entries(live)
    assert (published["decisions"], live["published"]) == (live["decisions"], None)

    head = here.git("rev-parse", "HEAD")
    (here.folder / f"clone/apps/app/{here.environment}/more.yaml").write_text(
        json.dumps(configmap("more", a="1"))
    )
    folder = ("--repo", str(here.folder / "clone"))
    code, planned = person(here, "plan", "app", here.environment, *folder)
    asked, live = person(here, "plan", "app", here.environment, *folder, cluster=True)
    assert (code, asked) == (0, 0)
    actions = {each["object"]["name"]: each["action"] for each in live["entries"]}
    assert {each["object"]["name"]: each["action"] for each in planned["entries"]} == actions
    assert (actions["more"], actions["c0"]) == ("create", "skip")
    assert here.git("rev-parse", "HEAD") == head


def test_a_forge_that_takes_no_such_ref_is_told_once_and_healing_goes_on(here: Watched) -> None:
    hook = here.repository / "hooks/update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/towpath/*) echo "no such refs here" >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    here.start()
    here.until(lambda: "the state is not published" in here.log, "it is told")
    here.edit("c0")
    here.until(lambda: here.value("c0") == "1", "the edit is healed")
    assert here.log.count("the state is not published") == 1
    assert "no such refs here" in here.log
    assert commit_of(here) == ""


def test_an_agent_without_a_key_publishes_nothing(here: Watched) -> None:
    del here.variables[SIGNING_KEY]
    here.start()
    here.until(here.quiet, "in sync")
    code, said = person(here, "drift", here.environment)
    assert (code, commit_of(here)) == (1, "")
    assert "has published nothing" in said
