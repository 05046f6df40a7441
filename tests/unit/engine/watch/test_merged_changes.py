"""Each kind of merged change is answered at once: real commits, a watcher's picture of one environment."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from towpath.adapters.git import fetch_checkout
from towpath.adapters.metrics import Metrics
from towpath.applyset.apply_object import prepare_objects
from towpath.applyset.digest_key import key_of, key_ref, new_key_secret
from towpath.applyset.inventory import Inventory, OwnedObject, Owner
from towpath.applyset.inventory_configmap import to_configmap
from towpath.config import load_config, parse_config
from towpath.drift import work_queue
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.reconcile.rounds import Further, only_one
from towpath.engine.source.render import render_app
from towpath.engine.source.repository import EnvironmentRepo
from towpath.engine.watch.git_poller import Head, _has_key_still, read_head
from towpath.engine.watch.run_protocol import Ended, Unrecorded
from towpath.engine.watch.state import WatchState
from towpath.engine.watch.wanted import concerns_all
from towpath.engine.watch.watcher import Watcher
from towpath.errors import TransientError
from towpath.formats.versions import V2
from towpath.objects import Manifest, ObjectRef
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file
from towpath.settings import Settings

IMAGE = "registry.example.com/hello"
CONFIG = """\
apiVersion: towpath.dev/v2
apps:
  hello: {image: registry.example.com/hello, renderer: plain}
  other: {image: registry.example.com/hello, renderer: plain}
environments:
  - {name: dev, namespace: dev}
  - {name: prod, namespace: prod}
"""
PAUSE = "- {until: '2999-01-01T00:00:00+00:00', reason: migration, by: alice}\n"
PRUNE = "objects: [{kind: ConfigMap, namespace: prod, name: hello, uid: u}]\n"


WORKLOAD = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: %s}}
spec: {{containers: [{{name: a, image: "{IMAGE}@sha256:{1:064x}"}}]}}
"""


def configmap(name: str, value: str = "1") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: '{value}'}}\n"


def release(number: int, app: str = "hello", **more: Any) -> str:
    made = Release(
        app, one_image(app, IMAGE, f"sha256:{number:064x}"),
        f"{number:040x}", "https://example.com/hello.git", "Say hello",
        "Ann <ann@example.com>", "2026-01-01T00:00:00Z", ScanSummary("passed", ("secret",)), "build-1",
    )  # fmt: skip
    return dump_release_file(EnvironmentRelease(made, "2026-01-01T00:00:00Z", "ann", **more), V2)


class Away:
    """A cluster that is asked for autoscalers, and for the key of digests where Git has Secrets."""

    key: Manifest | None = None

    def get(self, ref: ObjectRef) -> Manifest | None:
        assert ref == key_ref("prod")
        return self.key

    def discover(self) -> Any:
        raise TransientError("away")


class Watched:
    """A repository, and the picture of prod in which all was applied as of the last `applied()`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bare, self.clone = folder, folder / "environments.git", folder / "clone"
        self.git("init", "-q", "--bare", "-b", "main", str(self.bare), cwd=folder)
        self.git("init", "-q", "-b", "main", str(self.clone), cwd=folder)
        self.state, self.cluster = WatchState("prod", "prod", lambda: None), Away()

    def git(self, *args: str, cwd: Path | None = None) -> None:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(["git", *who, *args], cwd=cwd or self.clone, env=env, check=True, capture_output=True)

    def merge(self, files: dict[str, str | None]) -> Head:
        """A commit; None as a text removes a file or folder. What a watcher makes of it."""
        for path, text in files.items():
            if text is None:
                self.git("rm", "-rq", path)
            else:
                (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
                (self.clone / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "Change something")
        self.git("push", "-q", str(self.bare), "main")
        checkout = fetch_checkout(f"file://{self.bare}", "main", self.folder / "cache", allow_file=True)
        config = load_config(checkout.path)
        repo = EnvironmentRepo(checkout, config)
        context = EnvironmentContext(cast(Any, self.cluster), repo, config.environment("prod"))
        head = read_head(context)
        self.state.want(head.wanted, head.decided_by)
        return head

    def applied(self, head: Head, *, former: bool = False) -> None:
        """As after a sync of every app, perhaps by a former version."""
        repo, environment = head.context.repo, head.context.environment
        inventories = []
        for app in repo.released_apps("prod"):
            owner = Owner(app, "prod", "prod")
            objects = render_app(repo.root, repo.config, app, "prod").objects
            owned = [
                OwnedObject(each.ref, "u", "f", (former and each.plain_digest) or each.applied_digest)
                for each in prepare_objects(objects, owner, environment.ignore, key=key_of(self.cluster.key))
            ]
            inventories.append(to_configmap(Inventory(owner, repo.commit, "d", tuple(owned))))
        self.state.see_inventories(inventories)

    def told(self) -> list[str]:
        """The apps that come up, and a run that leaves all as it is."""
        cases = self.state.due(lambda _: 1)
        self.state.answered(cases)
        return [case.app for case in cases]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setattr(work_queue, "BURST_QUIET", 0.0)
    monkeypatch.setattr(work_queue, "MAX_BURST", 0.0)
    monkeypatch.setattr("towpath.engine.watch.state.SETTLE", 0.0)
    made = Watched(tmp_path)
    files: dict[str, str | None] = {"towpath.yaml": CONFIG}
    for app in ("hello", "other"):
        for environment in ("dev", "prod"):
            files[f"apps/{app}/{environment}/objects.yaml"] = configmap(app)
            files[f"apps/{app}/{environment}/release.yaml"] = release(1, app)
            files[f"apps/{app}/{environment}/workload.yaml"] = WORKLOAD % app
    head = made.merge(files)
    made.applied(head)
    assert made.told() == []
    return made


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {colour: %s}\n"


def test_the_key_that_a_sync_has_made_is_no_change_in_git(watched: Watched) -> None:
    head = watched.merge({OBJECTS: SECRET % "blue"})
    watched.told()
    assert _has_key_still(head)
    watched.cluster.key = new_key_secret("prod")  # by the sync that the watch has begun
    watched.applied(head)
    cases = watched.state.due(lambda _: 1)
    assert [case.app for case in cases] == ["hello"]
    assert not _has_key_still(head), "so that what Git wants is read again before it is answered"
    head = read_head(head.context)
    watched.state.want(head.wanted, head.decided_by)
    assert watched.state.confirm(cases, lambda _: 1) == ()
    assert watched.told() == []
    assert watched.state.unapplied() == frozenset()
    assert _has_key_still(head)

    watched.cluster.key = new_key_secret("prod")
    assert not _has_key_still(head), "lost, and made anew"


def test_what_a_former_version_applied_is_no_change_in_git(watched: Watched) -> None:
    watched.cluster.key = new_key_secret("prod")
    head = watched.merge({OBJECTS: SECRET % "blue"})
    watched.applied(head, former=True)
    watched.told()
    assert watched.state.unapplied() == frozenset()
    watched.merge({OBJECTS: SECRET % "green"})
    assert watched.told() == ["hello"]


def test_without_secrets_nobody_asks_for_a_key(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Away, "get")
    assert _has_key_still(watched.merge({"README.md": "x"}))


OBJECTS = "apps/hello/prod/objects.yaml"
NEW: dict[str, str | None] = {
    "apps/new/prod/objects.yaml": configmap("new"),
    "apps/new/prod/workload.yaml": WORKLOAD % "new",
    "apps/new/prod/release.yaml": release(1, "new"),
    "towpath.yaml": CONFIG.replace("apps:\n", f"apps:\n  new: {{image: {IMAGE}, renderer: plain}}\n"),
}


@pytest.mark.parametrize(
    ("files", "apps"),
    [
        ({OBJECTS: configmap("hello", "2")}, ["hello"]),
        ({OBJECTS: configmap("hello") + "---\n" + configmap("more")}, ["hello"]),
        ({OBJECTS: configmap("another")}, ["hello"]),
        ({"apps/hello/base/objects.yaml": configmap("base")}, ["hello"]),
        ({OBJECTS: "a: [b\n"}, ["hello"]),
        ({"apps/hello/prod": None}, ["hello"]),
        ({"apps/hello/prod/release.yaml": None}, ["hello"]),
        ({"apps/hello/prod/release.yaml": "digest: [\n"}, ["hello"]),
        ({"apps/hello/prod/prune.yaml": "objects: [\n"}, ["hello"]),
        ({"towpath.yaml": CONFIG.replace("  hello:", "  hallo:"), "apps/hello": None}, ["hello"]),
        (NEW, ["new"]),
        ({"apps/hello/dev/objects.yaml": configmap("hello", "2")}, []),
        ({"README.md": "x"}, []),
    ],
)  # fmt: skip
def test_a_commit_comes_up_for_each_app_that_it_changes(
    watched: Watched, files: dict[str, str | None], apps: list[str]
) -> None:
    watched.merge(files)
    assert watched.told() == apps
    assert watched.told() == [], "once"


HELD = {OBJECTS: configmap("hello", "2")}
"""What is merged first, and stays undone: a gate, a pause, a limit or a refusal holds it."""


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ({"apps/hello/prod/release.yaml": release(2)}, "another release"),
        ({"apps/hello/prod/release.yaml": release(1, verified_at="2026-01-02T00:00:00Z")}, "it is verified"),
        ({"apps/hello/dev/release.yaml": release(1, verified_at="2026-01-02T00:00:00Z")}, "verified before"),
        ({"apps/hello/quarantine.yaml": "[]\n"}, "the quarantine"),
        ({"apps/hello/prod/prune.yaml": PRUNE}, "deletions are confirmed"),
        ({"pauses/prod.yaml": PAUSE}, "a pause"),
        (
            {"towpath.yaml": CONFIG.replace("namespace: prod}", "namespace: prod, prune: {limit: 50}}")},
            "a limit",
        ),
        ({"towpath.yaml": CONFIG.replace("namespace: dev}", "namespace: dev, gate: {soak: 1s}}")}, "a gate"),
        ({"towpath.yaml": CONFIG + "scan: {scanners: [secret]}\n"}, "the scan policy"),
        ({OBJECTS: configmap("hello", "3")}, "another change"),
        ({"apps/hello/base/objects.yaml": configmap("base")}, "a base"),
    ],
)
def test_what_is_held_comes_up_again_when_what_holds_it_has_changed(
    watched: Watched, then: dict[str, str | None], why: str
) -> None:
    watched.merge(HELD)
    assert watched.told() == ["hello"]
    watched.merge(then)
    assert watched.told() == ["hello"], why
    assert watched.told() == [], "once"


@pytest.mark.parametrize(
    "then", [{"README.md": "x"}, {"apps/other/prod/notes.txt": "x"}, {"pauses/dev.yaml": PAUSE}]
)
def test_what_is_held_does_not_come_up_by_any_commit(watched: Watched, then: dict[str, str | None]) -> None:
    watched.merge(HELD)
    assert watched.told() == ["hello"]
    watched.merge(then)
    assert watched.told() == []


@pytest.mark.parametrize("named", [True, False])
def test_a_prune_file_of_an_app_that_has_left_comes_up_at_once(watched: Watched, named: bool) -> None:
    """From towpath.yaml, or from this environment only."""
    config = (
        CONFIG
        if named
        else CONFIG.replace("  hello: {image: registry.example.com/hello, renderer: plain}\n", "")
    )
    watched.merge({"towpath.yaml": config + "# it leaves\n", "apps/hello/prod": None})
    assert watched.told() == ["hello"]
    watched.merge({"apps/hello/prod/prune.yaml": PRUNE})
    assert watched.told() == ["hello"]
    watched.merge({"apps/hello/prod/prune.yaml": PRUNE.replace("uid: u", "uid: v")})
    assert watched.told() == ["hello"]


@pytest.mark.parametrize(
    ("after", "concerns"),
    [
        (CONFIG.replace("namespace: prod}", "namespace: prod, extras: prune}"), True),
        (CONFIG.replace("namespace: prod}", "namespace: prod, drift: report}"), True),
        (CONFIG.replace("namespace: prod}", "namespace: prod, apps: {hello: {drift: 'off'}}}"), True),
        (
            CONFIG.replace(
                "namespace: prod}", "namespace: prod, ignore: [{kind: ConfigMap, pointer: /data/a}]}"
            ),
            True,
        ),
        (CONFIG.replace("namespace: prod}", "namespace: prod, allowClusterScoped: [ClusterRole]}"), True),
        (CONFIG + "healthCheckExprs: [{apiVersion: a.b/v1, kind: Cake, current: 'true'}]\n", True),
        (CONFIG.replace("namespace: dev}", "namespace: dev, extras: prune}"), False),
        (CONFIG.replace("renderer: plain", "renderer: helm"), False),
        (CONFIG + "# a comment\n", False),
    ],
)
def test_policies_of_the_environment_concern_all_of_it(after: str, concerns: bool) -> None:
    assert concerns_all(parse_config(CONFIG), parse_config(after), "prod") is concerns


class Runs:
    """A runner that records what it is asked for."""

    def __init__(self, *ends: Ended | None, busy: Sequence[bool | None] = ()) -> None:
        self.asked: list[Any] = []
        self._ends, self._busy = list(ends), list(busy)

    @contextmanager
    def locked(self) -> Iterator[bool | None]:
        busy = self._busy.pop(0) if self._busy else False
        yield None if busy is None else not busy

    def is_away(self) -> bool:
        return False

    def run(self, apps: Sequence[str] | None, further: Further = only_one) -> Ended | None:
        self.asked.append(apps)
        return self._ends.pop(0) if self._ends else Ended("done", failed=False)

    def record(self, past: Unrecorded) -> bool:
        raise AssertionError(past)


def watcher_of(watched: Watched, runs: Runs) -> Watcher:
    """A watcher that has seen the first commit."""
    settings = Settings.load(
        {"TOWPATH_ENVIRONMENTS": f"file://{watched.bare}", "TOWPATH_HOME": str(watched.folder)}
    )
    watcher = Watcher(settings, "prod", runs, Metrics("prod"), lambda _: None, interval=15.0)
    config = load_config(watched.clone)
    watcher._first, watcher._state = config, watched.state  # as after its first look
    return watcher


def test_changed_policies_are_answered_by_one_reconcile_of_the_whole_environment(watched: Watched) -> None:
    runs = Runs(busy=[True, False])
    watcher = watcher_of(watched, runs)
    watcher._moved(watched.merge({"README.md": "x"}))
    watcher._turn(watched.state)
    assert runs.asked == [], "nothing of the environment has changed"
    watcher._moved(
        watched.merge({"towpath.yaml": CONFIG.replace("namespace: prod}", "namespace: prod, extras: prune}")})
    )
    watcher._turn(watched.state)
    assert runs.asked == [], "somebody holds the lock"
    watcher._turn(watched.state)
    watcher._turn(watched.state)
    assert runs.asked == [None]


def test_a_whole_reconcile_that_failed_for_now_is_tried_again_and_not_at_once(watched: Watched) -> None:
    runs = Runs(Ended("away", failed=True, again=True))
    watcher = watcher_of(watched, runs)
    watcher._moved(
        watched.merge({"towpath.yaml": CONFIG.replace("namespace: prod}", "namespace: prod, drift: report}")})
    )
    watcher._turn(watched.state)
    watcher._turn(watched.state)
    assert runs.asked == [None]
    watcher._whole_at = time.monotonic()
    watcher._turn(watched.state)
    watcher._turn(watched.state)
    assert runs.asked == [None, None]


def test_a_pause_that_a_commit_ends_lets_go_what_it_held(watched: Watched) -> None:
    runs = Runs()
    watcher = watcher_of(watched, runs)

    def moved(files: dict[str, str | None]) -> None:
        head = watched.merge(files)
        watcher.branch.head = head
        watcher._moved(head)
        watcher.branch.refresh = lambda: True  # type: ignore[method-assign]
        watcher._turn(watched.state)

    moved({"pauses/prod.yaml": PAUSE})
    moved(HELD)
    assert runs.asked == []
    moved({"pauses/prod.yaml": None})
    time.sleep(0.02)
    watcher._turn(watched.state)
    assert set(runs.asked) == {("hello",)}
