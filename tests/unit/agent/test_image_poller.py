"""The build agent looks for images: a real registry, a real Git repository, a clock that the test turns."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.own_image import EMPTY, OwnImage
from tests.own_registry import own_registry
from tests.unit.agent.test_source_poller import git
from towpath.adapters.registries import image_finder
from towpath.adapters.registries.image_finder import CREATED, ImageFinder
from towpath.adapters.registries.oci import INDEX_TYPE, MANIFEST_TYPE, Repository, digest_of
from towpath.adapters.registries.registry import put_release
from towpath.agent import poller as polling
from towpath.agent.image_poller import WatchedImages
from towpath.agent.poller import Poller
from towpath.config import ImageWatch
from towpath.errors import TransientError, UnknownNameError
from towpath.formats.versions import V2
from towpath.release.model import EnvironmentRelease, Release, ReleaseImage, ScanSummary
from towpath.release.release_file import dump_release_file
from towpath.settings import Settings

CONFIG = """\
apiVersion: towpath.dev/v2
apps:
  shop:
    images:
      web: {{repository: {registry}/web, watch: {{semver: '^1.4', poll: 60s}}}}
      worker: {{repository: {registry}/worker, watch: {{glob: 'main-*', poll: 2m}}}}
environments: [{{name: dev, namespace: dev}}, {{name: prod, namespace: prod}}]
"""


class Images(OwnImage):
    """A repository with tags."""

    def tag(self, tag: str, *, labels: dict[str, str] | None = None, **more: Any) -> str:
        """Another image, by its digest."""
        config = json.dumps({"made": tag, "config": {"Labels": labels or {}}, **more}).encode()
        self.repository.put_blob(config)
        described = {**EMPTY, "digest": digest_of(config), "size": len(config)}
        body = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": described, "layers": [EMPTY]}
        content = json.dumps(body).encode()
        self.repository.put_manifest(tag, content)
        return digest_of(content)


@dataclass
class World:
    """`now` is the clock; `started` what was started."""

    folder: Path
    registry: str
    now: float = 0.0
    started: list[list[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.web, self.worker = (Images(f"{self.registry}/{name}") for name in ("web", "worker"))
        git(self.folder, "init", "-q", "--bare", "environments.git")
        git(self.folder, "init", "-q", "-b", "main", "work")
        self.push({"towpath.yaml": CONFIG.format(registry=self.registry)})

    def push(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            (self.folder / "work" / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "work" / path).write_text(text)
        work = self.folder / "work"
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", "x")
        git(work, "push", "-q", "../environments.git", "HEAD:main")

    def release(self, web: str, worker: str) -> Release:
        named = (("web", self.web.name, web), ("worker", self.worker.name, worker))
        images = tuple(ReleaseImage(*each) for each in named)
        scan = ScanSummary("passed", ("secret",))
        return Release("shop", images, "", "x", "x", "dana", "2026-01-01T00:00:00+00:00", scan, "")

    def runs(self, web: str, worker: str) -> None:
        """Dev runs these images, since now."""
        state = EnvironmentRelease(self.release(web, worker), datetime.now(UTC).isoformat(), "dana")
        self.push({"apps/shop/dev/release.yaml": dump_release_file(state, V2)})

    def start(self, app: str, revision: str, _short_id: str) -> None:
        self.started.append([app, *(each.rpartition("@")[2] for each in revision.split(","))])

    def poller(self) -> Poller:
        settings = Settings.load(
            {
                "HOME": str(self.folder),
                "TOWPATH_ENVIRONMENTS": f"file://{self.folder}/environments.git",
                "TOWPATH_GIT_ALLOW_FILE": "1",
                "TOWPATH_CACHE": str(self.folder / "cache"),
            }
        )
        kinds = (WatchedImages(self.start, self.said.append),)
        return Poller(settings, kinds, self.said.append, interval=15.0, clock=lambda: self.now)

    def wait(self, poller: Poller, seconds: float = 120.0) -> None:
        self.now += seconds
        poller.look()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_registry(tmp_path_factory.mktemp("registry")) as made:
        yield made


@pytest.fixture
def world(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> World:
    monkeypatch.setattr(polling, "JITTER", 0.0)
    name = "".join(char if char.isalnum() else "-" for char in request.node.name.lower()).strip("-")
    return World(tmp_path, f"{address}/{name}")


def test_what_is_new_of_an_app_comes_in_together_by_digest(world: World) -> None:
    web, worker = world.web.tag("1.4.2"), world.worker.tag("main-9")
    world.web.tag("2.0.0")
    world.web.tag("latest")
    poller = world.poller()
    poller.look()
    assert world.started == [["shop", web, worker]]
    world.wait(poller)
    assert len(world.started) == 1, "once"
    newer = world.worker.tag("main-10")
    world.wait(poller)
    assert world.started[1:] == [["shop", web, newer]], "web is on its way, and stays in"


def test_a_tag_that_moves_is_new_and_the_others_stay_as_they_run(world: World) -> None:
    web, worker = world.web.tag("1.4.2"), world.worker.tag("main-1")
    world.runs(web, worker)
    poller = world.poller()
    poller.look()
    assert world.started == [], "it runs"
    moved = world.web.tag("1.4.2", moved="yes")
    assert moved != web
    world.wait(poller)
    assert world.started == [["shop", moved, worker]]


def test_what_was_recorded_before_is_not_started_again(world: World) -> None:
    """Also where dev does not run it any more: somebody rolled it back."""
    web, worker, older = world.web.tag("1.4.2"), world.worker.tag("main-1"), world.web.tag("1.3.0")
    put_release(world.release(web, worker), V2)
    world.runs(older, worker)
    world.poller().look()
    assert world.started == []


def test_what_people_replaced_since_is_kept_with_the_next_find(world: World) -> None:
    web, worker = world.web.tag("1.4.2"), world.worker.tag("main-1")
    poller = world.poller()
    poller.look()
    fixed = world.web.tag("hotfix")
    world.runs(fixed, worker)
    newer = world.worker.tag("main-2")
    world.wait(poller)
    assert world.started == [["shop", web, worker], ["shop", fixed, newer]]


def test_after_a_restart_git_says_what_was_replaced(world: World) -> None:
    """Also in a set that was never recorded: the other image has a newer find."""
    web, worker = world.web.tag("1.4.2"), world.worker.tag("main-1")
    world.runs(web, worker)
    fixed = world.web.tag("hotfix")
    world.runs(fixed, worker)
    newer = world.worker.tag("main-2")
    world.poller().look()
    assert world.started == [["shop", fixed, newer]]


def test_a_tag_that_names_what_was_replaced_again_is_a_new_find(world: World) -> None:
    web, worker = world.web.tag("1.4.2"), world.worker.tag("main-1")
    world.runs(web, worker)
    newer = world.web.tag("1.4.3")
    world.runs(newer, worker)
    poller = world.poller()
    poller.look()
    back = world.web.tag("1.4.4", same="as 1.4.2")
    world.wait(poller)
    answer = world.web.repository.manifest(web)
    assert answer
    world.web.repository.put_manifest("1.4.5", answer[0])
    world.wait(poller)
    assert world.started == [["shop", back, worker], ["shop", web, worker]]


def test_of_several_environments_that_come_first_all_get_it_beside_what_the_newest_release_has(
    world: World,
) -> None:
    config = CONFIG.format(registry=world.registry).replace("prod}", "prod, after: [dev, lab]}")
    more = config.replace("environments: [", "environments: [{name: lab, namespace: lab}, ")
    world.push({"towpath.yaml": more})
    web, worker, kept = world.web.tag("1.4.2"), world.worker.tag("main-1"), world.worker.tag("kept")
    world.runs(web, worker)
    newest = replace(world.release(web, kept), built_at="2026-02-01T00:00:00+00:00")
    state = EnvironmentRelease(newest, datetime.now(UTC).isoformat(), "dana")
    world.push({"apps/shop/lab/release.yaml": dump_release_file(state, V2)})
    newer = world.web.tag("1.4.3")
    world.poller().look()
    assert world.started == [["shop", newer, kept]], "lab has the newest release; in dev main-1 was before"


def test_a_registry_without_a_matching_tag_or_away_is_told_once_and_asked_less(world: World) -> None:
    poller = world.poller()
    while world.now < 3600:
        world.now += poller.look()
    assert [line for line in world.said if "unknown tag '^1.4'" in line] == world.said
    assert len(world.said) == 1
    assert world.said[0].startswith("images of shop: ")
    world.push({"towpath.yaml": CONFIG.format(registry="127.0.0.1:1/gone")})
    for _ in range(4):
        world.wait(poller, 900)
    assert len(world.said) == 2
    assert "registry 127.0.0.1:1 does not answer" in world.said[1]
    world.push({"towpath.yaml": CONFIG.format(registry=world.registry)})
    web, worker = world.web.tag("1.4.2"), world.worker.tag("main-1")
    world.wait(poller, 900)
    assert world.started == [["shop", web, worker]]


def test_of_thousands_of_tags_one_manifest_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = world.web.tag("build-4999")
    many = [f"build-{number}" for number in range(5000)]
    monkeypatch.setattr(Repository, "tags", lambda _: iter(many))
    asked: list[str] = []
    real = Repository.digest
    monkeypatch.setattr(Repository, "digest", lambda self, tag: (asked.append(tag), real(self, tag))[1])
    found = ImageFinder(world.web.name).newest(ImageWatch(glob="build-*"))
    assert (found.digest, asked) == (digest, ["build-4999"])
    assert found.note == f"5000 tags of {world.web.name} match; only the last one is read"


def test_a_pattern_that_matches_thousands_is_told_once_with_its_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, worker = world.web.tag("1.4.2"), world.worker.tag("main-4999")
    many = [f"main-{number}" for number in range(5000)]
    real = Repository.tags
    monkeypatch.setattr(
        Repository, "tags", lambda self: iter(many) if self.image.name == world.worker.name else real(self)
    )
    poller = world.poller()
    for _ in range(3):
        world.wait(poller, 300)
    assert world.started == [["shop", web, worker]]
    place = "towpath.yaml:6: apps.shop.images.worker.watch"
    (told,) = (line for line in world.said if "match" in line)
    assert told == f"{place}: 5000 tags of {world.worker.name} match; only the last one is read"


def test_pages_of_tags_are_followed_in_a_real_registry(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 8):
        digest = world.web.tag(f"n-{number}")
    real = Repository._ask

    def in_small_pages(self: Repository, method: str, path: str, **more: Any) -> Any:
        return real(self, method, path.replace("n=1000", "n=3"), **more)

    monkeypatch.setattr(Repository, "_ask", in_small_pages)
    found = ImageFinder(world.web.name).newest(ImageWatch(glob="n-*"))
    assert (found.tag, found.digest) == ("n-7", digest)


def test_the_newest_by_a_label_is_read_once_for_each_digest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder, watch = ImageFinder(world.web.name), ImageWatch(glob="r-*", newest=CREATED)
    world.web.tag("r-a", labels={CREATED: "2026-03-01T00:00:00Z"})
    newest = world.web.tag("r-b", labels={CREATED: "2026-05-01T00:00:00Z"})
    world.web.tag("r-c", created="2026-04-01T00:00:00Z")
    world.web.tag("r-d")
    world.web.tag("other", labels={CREATED: "2026-09-01T00:00:00Z"})
    found = finder.newest(watch)
    assert (found.tag, found.digest, found.note) == ("r-b", newest, "")
    read: list[str] = []
    real = image_finder._label
    monkeypatch.setattr(image_finder, "_label", lambda *each: (read.append(each[1]), real(*each))[1])
    moved = world.web.tag("r-a", labels={CREATED: "2026-06-01T00:00:00Z"})
    assert finder.newest(watch).digest == moved
    assert read == [moved]
    monkeypatch.setattr(image_finder, "MAX_LABELLED", 2)
    found = finder.newest(watch)
    assert found.tag == "r-c"
    assert "4 tags of " in found.note
    assert "only the last 2 by name are asked for their label" in found.note
    with pytest.raises(UnknownNameError, match=r"unknown label 'com\.example\.build'"):
        finder.newest(ImageWatch(newest="com.example.build"))


def test_the_label_of_an_image_for_several_platforms_is_its_first_ones(world: World) -> None:
    digest = world.web.tag("amd64", labels={"build": "7"})
    answer = world.web.repository.manifest(digest)
    assert answer
    platform = {"os": "linux", "architecture": "amd64"}
    described = {"digest": digest, "mediaType": MANIFEST_TYPE, "size": len(answer[0])}
    platforms = [{**described, "platform": platform}]
    content = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": platforms}).encode()
    world.web.repository.put_manifest("multi-1", content, INDEX_TYPE)
    found = ImageFinder(world.web.name).newest(ImageWatch(glob="multi-*", newest="build"))
    assert found.digest == digest_of(content)


def test_a_registry_that_is_away_is_no_answer() -> None:
    with pytest.raises(TransientError):
        ImageFinder("127.0.0.1:1/gone").newest(ImageWatch(glob="*"))
