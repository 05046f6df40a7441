"""What one promotion asks of the outside: Git fetches, copies of the tree, connections to the API server."""

import importlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.flows.bench import Bench
from towpath.adapters.git import command

connect = importlib.import_module("towpath.adapters.kubernetes.connect")
"""Its package has a function of this name, too."""

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: test, user: {token: secret-canary}}]
"""


class Counted:
    """Every `git` of this process leaves a trace; connections and copies are counted where they are made."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trace = folder / "git-trace.json"
        self.connections = self.copies = 0
        environment = command.environment

        def traced(*args: Any) -> dict[str, str]:
            return {**environment(*args), "GIT_TRACE2_EVENT": str(self.trace)}

        monkeypatch.setattr(command, "environment", traced)
        monkeypatch.setattr(connect, "Transport", self._counted("connections", connect.Transport))
        monkeypatch.setattr(shutil, "copytree", self._counted("copies", shutil.copytree))
        (folder / "kubeconfig").write_text(KUBECONFIG)
        monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
        # The bench has no cluster; here the connection is made, and nothing is asked of it.
        monkeypatch.setattr("towpath.engine.live.context.shared_connection", connect.shared_connection)

    def _counted(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def count(*args: Any, **options: Any) -> Any:
            setattr(self, name, getattr(self, name) + 1)
            return work(*args, **options)

        return count

    def commands(self, name: str) -> int:
        """How often `git NAME` ran: also a command that another one starts counts."""
        events = map(json.loads, self.trace.read_text().splitlines())
        return sum(each["event"] == "cmd_name" and each["name"] == name for each in events)

    def reset(self) -> None:
        self.trace.unlink(missing_ok=True)
        self.connections = self.copies = 0


@pytest.fixture
def counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(bench.folder, monkeypatch)


def test_a_promotion_without_approvals_fetches_twice_copies_nothing_and_connects_once(
    bench: Bench, counted: Counted
) -> None:
    run = bench.promoted(bench.release(1), "dev")
    assert run.state.message == "dev runs hello 0000000, verified"
    assert bench.subjects() == ["Verified hello 0000000 in dev", "Promote hello 0000000 to dev", "Begin"]
    assert counted.commands("fetch") == 2
    assert counted.commands("push") == 2
    assert (counted.copies, counted.connections) == (0, 1)


def test_a_promotion_that_finds_its_release_there_asks_no_more(bench: Bench, counted: Counted) -> None:
    release = bench.release(1)
    bench.promoted(release, "dev")
    counted.reset()
    assert bench.promoted(release, "dev").state.is_completed()
    assert (counted.commands("fetch"), counted.commands("push")) == (2, 0)


def test_a_commit_that_came_between_is_fetched_once_more_and_kept(
    bench: Bench, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from towpath.engine.source import commits

    real, pushed = commits.commit_files, []

    def late(*args: Any, **options: Any) -> str:
        if not pushed:
            pushed.append(bench.push("environments", {"README.md": "x"}, "Come between"))
        return real(*args, **options)

    monkeypatch.setattr(commits, "commit_files", late)
    run = bench.promoted(bench.release(1), "dev")
    assert run.state.is_completed(), run.state.message
    assert bench.subjects() == [
        "Verified hello 0000000 in dev",
        "Promote hello 0000000 to dev",
        "Come between",
        "Begin",
    ]
    assert counted.commands("fetch") == 3


def test_a_rollback_fetches_once(bench: Bench, counted: Counted) -> None:
    old, new = bench.release(1), bench.release(2)
    bench.promoted(old, "dev")
    bench.promoted(new, "dev")
    counted.reset()
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev")
    assert run.state.is_completed(), run.state.message
    assert counted.commands("fetch") == 1
    assert counted.copies == 0
