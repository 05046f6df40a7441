"""A push alone: the build agent finds the commit and starts one run at a real Prefect server."""

from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from tests.flows.bench import TOWPATH, Bench
from tests.flows.test_door import deliveries
from towpath.agent import source_poller
from towpath.agent.poller import Poller
from towpath.agent.source_poller import Sources, starter
from towpath.settings import Settings


def test_a_push_alone_starts_one_delivery(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_poller, "find_release", lambda *_: None)
    polled = TOWPATH.replace("../hello.git}", "../hello.git, poll: 10s}")
    bench.push("environments", {"towpath.yaml": polled}, "Poll")
    commit = bench.push("hello", {"new.txt": "polled"}, "Nobody asks for this")
    settings = Settings.load(
        {
            "HOME": str(tmp_path),
            "TOWPATH_ENVIRONMENTS": f"file://{bench.environments}",
            "TOWPATH_GIT_ALLOW_FILE": "1",
            "TOWPATH_CACHE": str(tmp_path / "cache"),
        }
    )
    said: list[str] = []
    with get_client(sync_client=True) as client:
        url = str(client.api_url).rstrip("/")
    for _ in range(2):  # an agent, and the one that follows it after a restart
        kinds = (Sources(settings, starter(url, said.append)),)
        Poller(settings, kinds, said.append, interval=15.0).look()
    (run,) = deliveries(commit)
    assert run.parameters == {"app": "hello", "revision": commit}
    assert "by:build-agent" in run.tags
    assert said == [f"hello {commit[:7]} is new: run {run.id} delivers it"]
    done = bench.work(run.id)
    assert done.state
    assert done.state.is_completed(), done.state
