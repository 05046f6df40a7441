"""What an app was at the commit of its last sync: real commits, fetched, rewritten, broken, or gone."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from towpath.applyset.apply_object import ApplyObject, prepare_objects
from towpath.applyset.inventory import Inventory, OwnedObject
from towpath.engine.apply.foreign_fields import AppliedBefore, last_apply
from towpath.engine.live.app_state import AppState, owner_of
from towpath.engine.live.context import EnvironmentContext, render_app, renders_before, renders_fetched
from towpath.engine.live.observe import Live
from towpath.engine.source.repository import read_repository
from towpath.objects import Manifest
from towpath.settings import Settings

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: registry.example.com/hello, renderer: plain}}
environments: [{name: dev, namespace: dev}]
"""
OBJECTS = "apps/hello/dev/objects.yaml"
PATH = ("f:data", "f:ca")


def configmap(**data: str) -> str:
    listed = "".join(f"  {key}: '{value}'\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n{listed}"


@dataclass
class Repository:
    """An environment repository, and an agent's cache of it."""

    folder: Path
    scalers: tuple[Manifest, ...] = ()

    def git(self, *args: str) -> str:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(
            ["git", *who, *args],
            cwd=self.folder / "clone",
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def push(self, files: dict[str, str | None]) -> str:
        for path, text in files.items():
            file = self.folder / "clone" / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "Change")
        self.git("push", "-q", "--force", str(self.folder / "environments.git"), "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def settings(self, cache: str = "cache") -> Settings:
        return Settings.load(
            {
                "HOME": str(self.folder),
                "TOWPATH_ENVIRONMENTS": str(self.folder / "environments.git"),
                "TOWPATH_GIT_ALLOW_FILE": "1",
                "TOWPATH_CACHE": str(self.folder / cache),
            }
        )

    def context(self, cache: str = "cache") -> EnvironmentContext:
        repo = read_repository(self.settings(cache))
        return EnvironmentContext(cast(Any, None), repo, repo.config.environment("dev"))

    def is_unchanged(
        self, commit: str, recorded: str, before: AppliedBefore, *, applied_at: str = ""
    ) -> bool:
        """Whether `data.ca` is certainly as at the last sync, which was of `commit`."""
        context = self.context()
        rendered = render_app(context, "hello")
        owner, [desired] = owner_of(rendered), self.desired(context)
        owned = OwnedObject(desired.ref, "u", "f", recorded, commit=applied_at)
        inventory = Inventory(owner, commit, "d", (owned,))
        state = AppState(owner, inventory, "1", {desired.ref: desired}, Live(scalers=self.scalers))
        return last_apply(state, before).is_unchanged(desired, PATH)

    def desired(self, context: EnvironmentContext) -> tuple[ApplyObject, ...]:
        rendered = render_app(context, "hello")
        return prepare_objects(rendered.objects, owner_of(rendered), context.environment.ignore)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    (tmp_path / "clone").mkdir()
    made.git("init", "-q", "-b", "main")
    made.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "environments.git"))
    made.push({"towpath.yaml": CONFIG, OBJECTS: configmap(ca="none", x="1")})
    return made


def both(repository: Repository, cache: str = "cache") -> list[AppliedBefore]:
    """As a sync renders it, and as plan and diff do."""
    context = repository.context(cache)
    return [
        renders_before(context, "hello"),
        renders_fetched(repository.settings(cache), context.environment, "hello"),
    ]


@pytest.mark.parametrize(
    ("now", "unchanged"),
    [
        (configmap(ca="none", x="2"), True),
        (configmap(ca="none"), True),
        (configmap(ca="other", x="1"), False),
        (configmap(x="2"), False),
    ],
)
def test_a_field_is_compared_with_the_commit_of_the_last_sync(
    repository: Repository, now: str, unchanged: bool
) -> None:
    [before] = repository.desired(repository.context())
    commit = repository.git("rev-parse", "HEAD")
    repository.push({OBJECTS: now})
    for render in both(repository):
        assert repository.is_unchanged(commit, before.applied_digest, render) is unchanged


def test_a_commit_that_was_pushed_away_counts_while_the_cache_has_it(repository: Repository) -> None:
    [before] = repository.desired(repository.context())
    commit = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "--orphan", "other")
    repository.push({OBJECTS: configmap(ca="none", x="2")})
    for render in both(repository):
        assert repository.is_unchanged(commit, before.applied_digest, render)
    for render in both(repository, "another-agent"):
        assert not repository.is_unchanged(commit, before.applied_digest, render), "it was never fetched"


@pytest.mark.parametrize(
    "then",
    [
        {OBJECTS: "a: [b\n"},
        {OBJECTS: None, "apps/hello/dev/none.txt": "x"},
        {OBJECTS: None, "apps/hallo/dev/objects.yaml": configmap(ca="none", x="1")},
        {"towpath.yaml": CONFIG.replace("hello: {", "hallo: {")},
        {"towpath.yaml": "apiVersion: [\n"},
        {OBJECTS: configmap(ca="none", x="1") + "---\n" + configmap(ca="none", x="1")},
    ],
    ids=["no YAML", "no objects", "another folder", "another name", "no configuration", "twice"],
)
def test_a_commit_of_which_nothing_can_be_said_leaves_no_field(
    repository: Repository, then: dict[str, str | None]
) -> None:
    [before] = repository.desired(repository.context())
    commit = repository.push(then)
    repository.push({"towpath.yaml": CONFIG, OBJECTS: configmap(ca="none", x="2")})
    for render in both(repository):
        assert not repository.is_unchanged(commit, before.applied_digest, render)


@pytest.mark.parametrize("commit", ["", "0" * 40, "HEAD", "--all"])
def test_what_is_no_commit_of_the_repository_leaves_no_field(repository: Repository, commit: str) -> None:
    [before] = repository.desired(repository.context())
    repository.push({OBJECTS: configmap(ca="none", x="2")})
    for render in both(repository):
        assert not repository.is_unchanged(commit, before.applied_digest, render)


def test_another_content_than_was_recorded_leaves_no_field(repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    repository.push({OBJECTS: configmap(ca="none", x="2")})
    for render in both(repository):
        assert not repository.is_unchanged(commit, "somebody applied more", render)


def test_an_object_of_a_failed_sync_is_compared_with_its_own_commit(
    repository: Repository,
) -> None:
    succeeded = repository.git("rev-parse", "HEAD")
    applied_at = repository.push({OBJECTS: configmap(ca="none", x="2")})
    [applied] = repository.desired(repository.context())
    for now, unchanged in ((configmap(ca="none", x="3"), True), (configmap(ca="other", x="3"), False)):
        repository.push({OBJECTS: now})
        for render in both(repository):
            digest = applied.applied_digest
            found = repository.is_unchanged(succeeded, digest, render, applied_at=applied_at)
            assert found is unchanged
            assert not repository.is_unchanged(succeeded, digest, render), "that commit has other content"


IGNORE = CONFIG.replace("namespace: dev}", "namespace: dev, ignore: [{kind: ConfigMap, pointer: /data/x}]}")


TAKEN = CONFIG.replace("namespace: dev}", "namespace: dev, apps: {hello: {takeOver: [helm]}}}")
RULES = [(CONFIG, IGNORE), (IGNORE, CONFIG), (CONFIG, TAKEN), (TAKEN, CONFIG)]


@pytest.mark.parametrize(("then", "now"), RULES)
def test_an_earlier_commit_has_the_rules_that_it_had(repository: Repository, then: str, now: str) -> None:
    commit = repository.push({"towpath.yaml": then, "apps/hello/dev/note.txt": "x"})
    [before] = repository.desired(repository.context())
    repository.push({"towpath.yaml": now, OBJECTS: configmap(ca="none", x="2")})
    for render in both(repository):
        assert repository.is_unchanged(commit, before.applied_digest, render)


def without_url(repository: Repository, cache: str) -> Settings:
    return Settings.load({"HOME": str(repository.folder), "TOWPATH_CACHE": str(repository.folder / cache)})


def from_folder(repository: Repository, settings: Settings, folder: Path | None) -> AppliedBefore:
    environment = repository.context().environment
    return renders_fetched(settings, environment, "hello", folder)


def test_what_was_never_fetched_is_fetched_now(repository: Repository) -> None:
    [before] = repository.desired(repository.context())
    commit = repository.git("rev-parse", "HEAD")
    repository.push({OBJECTS: configmap(ca="none", x="2")})
    render = from_folder(repository, repository.settings("new-cache"), None)
    assert repository.is_unchanged(commit, before.applied_digest, render)


@pytest.mark.parametrize("head", ["a branch", "detached", "no branch"])
def test_a_folder_has_its_own_commits_without_any_url(repository: Repository, head: str) -> None:
    [before] = repository.desired(repository.context())
    commit = repository.git("rev-parse", "HEAD")
    repository.push({OBJECTS: configmap(ca="none", x="2")})
    if head != "a branch":
        repository.git("checkout", "-q", "--detach")
    if head == "no branch":  # as a CI job checks a proposal out
        repository.git("branch", "-qD", "main")
    render = from_folder(repository, without_url(repository, "new-cache"), repository.folder / "clone")
    assert repository.is_unchanged(commit, before.applied_digest, render)
    assert repository.git("status", "--porcelain") == "", "nothing was written into the folder"


def shallow(repository: Repository) -> Path:
    """A clone of the newest commit alone."""
    url = f"file://{repository.folder / 'environments.git'}"
    repository.git("clone", "-q", "--depth=1", url, str(repository.folder / "shallow"))
    return repository.folder / "shallow"


def test_what_a_shallow_folder_lacks_is_fetched(repository: Repository) -> None:
    [before] = repository.desired(repository.context())
    commit = repository.git("rev-parse", "HEAD")
    repository.push({OBJECTS: configmap(ca="none", x="2")})
    folder = shallow(repository)
    for settings, known in ((repository.settings("new"), True), (without_url(repository, "other"), False)):
        render = from_folder(repository, settings, folder)
        assert repository.is_unchanged(commit, before.applied_digest, render) is known
    newest = repository.git("rev-parse", "HEAD")
    [now] = repository.desired(repository.context())
    render = from_folder(repository, without_url(repository, "other"), folder)
    assert repository.is_unchanged(newest, now.applied_digest, render), "the commit that it has"


@pytest.mark.parametrize("folder", ["nothing", "clone/apps"])
def test_a_folder_that_is_no_repository_leaves_it_to_what_is_fetched(
    repository: Repository, folder: str
) -> None:
    (repository.folder / "nothing").mkdir()
    [before] = repository.desired(repository.context())
    commit = repository.git("rev-parse", "HEAD")
    repository.push({OBJECTS: configmap(ca="none", x="2")})
    render = from_folder(repository, repository.settings("new-cache"), repository.folder / folder)
    assert repository.is_unchanged(commit, before.applied_digest, render)


def test_filters_and_hooks_of_a_folder_run_nothing(repository: Repository) -> None:
    [before] = repository.desired(repository.context())
    commit = repository.git("rev-parse", "HEAD")
    mark = repository.folder / "mark"
    repository.git("config", "filter.bad.smudge", f"touch {mark}; cat")
    repository.git("config", "core.fsmonitor", f"touch {mark}")
    repository.git("config", "uploadpack.packObjectsHook", f"touch {mark}; exec")
    (repository.folder / "clone/.git/info").mkdir(exist_ok=True)
    (repository.folder / "clone/.git/info/attributes").write_text("* filter=bad\n")
    render = from_folder(repository, without_url(repository, "new-cache"), repository.folder / "clone")
    assert repository.is_unchanged(commit, before.applied_digest, render)
    assert not mark.exists()
