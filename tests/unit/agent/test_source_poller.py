"""The build agent looks for commits: real Git repositories, a real registry, a clock that the test turns."""

import itertools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.own_image import OwnImage
from tests.own_registry import own_registry
from towpath.adapters.registries.registry import put_release
from towpath.agent import poller as polling
from towpath.agent import source_poller
from towpath.agent.poller import LONGEST_PAUSE, Poller
from towpath.agent.source_poller import Sources
from towpath.release.model import Release, ScanSummary, one_image
from towpath.settings import Settings

CONFIG = """\
apiVersion: towpath.dev/v2
apps:
  hello:
    image: {registry}/hello
    source: {{repository: ../hello.git, poll: 60s}}
  twin:
    image: {registry}/twin
    source: {{repository: ../hello.git, poll: 2m}}
  quiet:
    image: {registry}/quiet
    source: {{repository: ../hello.git}}
  other:
    image: {registry}/other
    source: {{repository: ../other.git, branch: live, poll: 60s}}
environments: [{{name: dev, namespace: dev}}]
"""


def git(folder: Path, *args: str) -> str:
    who = ("-c", "user.name=Dana", "-c", "user.email=dana@example.com")
    done = subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class World:
    """`now` is the clock; `started` what was started; `refused` lets every start fail."""

    folder: Path
    registry: str
    now: float = 0.0
    started: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: Exception | None = None

    def push(self, name: str, files: dict[str, str], branch: str = "main") -> str:
        work = self.folder / f"work-{name}"
        if not work.exists():
            git(self.folder, "init", "-q", "--bare", f"{name}.git")
            git(self.folder, "init", "-q", "-b", branch, work.name)
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", "x")
        git(work, "push", "-q", "-f", f"../{name}.git", f"HEAD:{branch}")
        return git(work, "rev-parse", "HEAD")

    def start(self, app: str, commit: str, _short_id: str) -> None:
        if self.refused:
            raise self.refused
        self.started.append((app, commit))

    def poller(self) -> Poller:
        settings = Settings.load(
            {
                "HOME": str(self.folder),
                "TOWPATH_ENVIRONMENTS": f"file://{self.folder}/environments.git",
                "TOWPATH_GIT_ALLOW_FILE": "1",
                "TOWPATH_CACHE": str(self.folder / "cache"),
            }
        )
        kinds = (Sources(settings, self.start),)
        return Poller(settings, kinds, self.said.append, interval=15.0, clock=lambda: self.now)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(polling, "JITTER", 0.0)
    with own_registry(tmp_path) as registry:
        world = World(tmp_path, registry)
        world.push("environments", {"towpath.yaml": CONFIG.format(registry=registry)})
        yield world


def test_a_push_alone_starts_one_delivery_for_each_app_that_is_polled(world: World) -> None:
    first = world.push("hello", {"a": "1"})
    other = world.push("other", {"a": "1"}, branch="live")
    poller = world.poller()
    assert poller.look() == 15.0
    assert sorted(world.started) == [("hello", first), ("other", other), ("twin", first)]
    for _ in range(5):
        world.now += 60
        poller.look()
    assert len(world.started) == 3
    second = world.push("hello", {"a": "2"})
    world.now += 30
    poller.look()
    assert len(world.started) == 3  # not due yet
    world.now += 30
    poller.look()
    assert sorted(world.started[3:]) == [("hello", second), ("twin", second)]


def release(world: World, app: str, commit: str) -> Release:
    """A release of the app from that commit, with its image in the registry."""
    name = f"{world.registry}/{app}"
    return Release(
        app=app,
        images=one_image(app, name, OwnImage(name).digest),
        commit=commit,
        source="/hello.git",
        subject="x",
        author="Dana <dana@example.com>",
        built_at="2026-01-01T00:00:00+00:00",
        scan=ScanSummary("passed", ("secret",)),
        flow_run="",
    )


def test_what_is_delivered_or_recorded_is_not_started_again(world: World) -> None:
    commit = world.push("hello", {"a": "1"})
    world.push("other", {"a": "1"}, branch="live")
    put_release(release(world, "hello", commit), "towpath.dev/v2")
    world.poller().look()
    assert [app for app, _ in world.started] in (["twin", "other"], ["other", "twin"])


def test_a_source_that_is_away_is_asked_less_and_less_and_holds_up_no_other(world: World) -> None:
    hello = world.push("hello", {"a": "1"})
    poller = world.poller()
    asked = []
    real = source_poller.branch_head

    def counted(url: str, *args: object, **options: object) -> str:
        asked.append((url.rpartition("/")[2], world.now))
        return real(url, *args, **options)  # type: ignore[arg-type]

    source_poller.branch_head = counted  # type: ignore[assignment]
    try:
        while world.now < 3600:
            world.now += poller.look()
    finally:
        source_poller.branch_head = real
    assert sorted(world.started) == [("hello", hello), ("twin", hello)]
    times = [at for name, at in asked if name == "other.git"]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[:3] == [120.0, 240.0, 480.0]
    assert set(pauses[3:]) == {LONGEST_PAUSE}
    assert len([line for line in world.said if line.startswith("source of other")]) == 1
    commit = world.push("other", {"a": "1"}, branch="live")
    world.now += LONGEST_PAUSE
    poller.look()
    assert world.started[-1] == ("other", commit)


def test_a_start_that_fails_is_tried_again(world: World) -> None:
    commit = world.push("hello", {"a": "1"})
    world.push("other", {"a": "1"}, branch="live")
    world.refused = RuntimeError("the Prefect server is away")
    poller = world.poller()
    poller.look()
    assert world.started == []
    world.refused = None
    world.now += 120
    poller.look()
    assert ("hello", commit) in world.started


def test_apps_come_and_go_with_the_environment_repository(world: World) -> None:
    commit = world.push("hello", {"a": "1"})
    poller = world.poller()
    poller.look()
    more = CONFIG.replace("../hello.git}}", "../hello.git, poll: 60s}}").replace("quiet", "loud")
    world.push("environments", {"towpath.yaml": more.format(registry=world.registry)})
    world.now += 60
    poller.look()
    assert world.started[-1] == ("loud", commit)
    world.push("environments", {"towpath.yaml": "apiVersion: ["})
    world.now += 60
    poller.look()
    assert world.said[-1].startswith("sources and images are polled as before: ")
