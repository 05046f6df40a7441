"""The chapters of `towpath demo`, from a commit to a rebuilt production. Each acts, then checks the parts."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from towpath.demo.forgery import commit_forgery, revert
from towpath.demo.source import commit_version, next_version
from towpath.demo.world import APP, ENVIRONMENTS, Tell, World
from towpath.errors import TowpathError

APPROVER = "alice"
ROLE_ADDED = "demo-extra"
FORGED = f"sha256:{'f' * 64}"
"""A release that nobody has built."""
SERVED_WITHIN = 30.0
"""Seconds that what routes to new pods has before the story calls their version missing."""
HEALED_WITHIN = 30.0
"""Seconds that the watcher has before the story calls `towpath reconcile`."""


class StoryError(TowpathError):
    """The parts do not show what the story expects."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a chapter needs: the parts, the examples, and outputs for evidence (`tell`) and progress."""

    world: World
    examples: Path
    tell: Tell
    progress: Tell

    def towpath(self, *args: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command as a person would, and show its lines."""
        self.tell(f"$ towpath {' '.join(args)}")
        return self.world.towpath(*args, tell=self.progress, codes=codes).stdout

    def deliver(self, codes: tuple[int, ...] = (0,)) -> None:
        """Have the newest commit delivered, and wait until it is, or waits for people."""
        self.towpath("deliver", APP, codes=codes)

    def kubectl(self, *args: str) -> str:
        """Run kubectl as a person would."""
        self.tell(f"$ kubectl {' '.join(args)}")
        return self.world.kubectl(*args)


def expect(condition: bool, promise: str, observed: object) -> None:
    """Raise StoryError unless `condition` holds; `observed` goes into the message."""
    if not condition:
        raise StoryError(f"the story expected {promise}, but saw: {observed}")


def deliver(stage: Stage) -> None:
    """A commit goes to dev and staging by itself, and to prod when a person says so."""
    world = stage.world
    version = next_version(world)
    commit = commit_version(world, stage.examples / "hello", version, f"Say hello from {version}")
    stage.tell(f"committed {version} as {commit[:7]} in the source repository")
    stage.deliver()
    digest = world.released("dev")
    before = world.released("prod")
    expect(digest is not None, "a release in dev", digest)
    expect(before != digest, "prod to wait for approval", before)
    for environment in ("dev", "staging"):
        _show_environment(stage, environment, version, str(digest))
    stage.tell("prod waits for approval")
    stage.towpath("approve", APP, "--environment", "prod", "--as", APPROVER, "--yes", "--digest", str(digest))
    _show_environment(stage, "prod", version, str(digest))
    for change in world.commits(f"apps/{APP}/prod/release.yaml")[:2]:
        trailers = ", ".join(f"{name}: {' '.join(values)}" for name, values in change.trailers.items())
        stage.tell(f"environment repository {change.sha[:7]} {change.subject} ({trailers})")


def drift(stage: Stage) -> None:
    """People change prod by hand; it is healed at once, who and when is said, the rest is reported."""
    world = stage.world
    stage.kubectl("-n", "prod", "set", "env", "deployment/hello", "GREETING=changed by hand")
    stage.kubectl("-n", "prod", "delete", "configmap", "hello")
    stage.kubectl("-n", "prod", "create", "role", ROLE_ADDED, "--verb=get", "--resource=secrets")
    seconds = _seconds_until(lambda: world.live("configmap", "prod") is not None and not _is_edited(world))
    if seconds is not None:
        stage.tell(f"the watcher of prod has healed it by itself, after {seconds:.1f} s")
    stage.towpath("reconcile", "prod")
    deployment = json.dumps(world.live("deployment", "prod"))
    expect("changed by hand" not in deployment, "the Deployment healed", deployment)
    stage.tell("the Deployment is as in Git again")
    expect(world.live("configmap", "prod") is not None, "the ConfigMap back", None)
    stage.tell("the ConfigMap is back")
    role = world.live("role", "prod", ROLE_ADDED)
    expect(role is not None, "the undeclared Role reported, not deleted", role)
    stage.tell(f"Role {ROLE_ADDED} is reported and left alone: only a person deletes what nobody declared")
    stage.kubectl("-n", "prod", "delete", "role", ROLE_ADDED)


def broken(stage: Stage) -> None:
    """A version that starts but never becomes ready gets no further than dev, and dev goes back."""
    world = stage.world
    good = {environment: world.released(environment) for environment in ENVIRONMENTS}
    _commit_variant(stage, "never-ready", "it starts, but is never ready")
    stage.deliver(codes=(1,))
    rollback = world.commits(f"apps/{APP}/dev/release.yaml")[0]
    expect(
        "Towpath-Rolls-Back" in rollback.trailers, "a rollback as the newest commit of dev", rollback.subject
    )
    stage.tell(f"environment repository {rollback.sha[:7]} {rollback.subject}")
    for environment in ENVIRONMENTS:
        observed = world.running_digests(environment)
        expect(observed == {good[environment]}, f"{environment} to run {good[environment]}", observed)
        stage.tell(f"{environment}: runs {_short(good[environment])}: {_first_line(world.page(environment))}")
    for environment in ("staging", "prod"):
        expect(world.released(environment) == good[environment], f"{environment} untouched", None)
    stage.tell("staging and prod never saw it")


def leaked(stage: Stage) -> None:
    """A version with a private key in it is stopped by the scan; nothing is pushed."""
    world = stage.world
    tags = world.tags()
    commit = _commit_variant(stage, "private-key", "somebody added a private key")
    stage.deliver(codes=(1,))
    expect(world.tags() == tags, "nothing pushed", world.tags() - tags)
    stage.tell(f"the registry holds what it held before: {len(tags)} tags, none of {commit[:7]}")
    version = next_version(world)
    fixed = commit_version(world, stage.examples / "hello", version, "Remove the private key")
    stage.tell(f"committed {version} as {fixed[:7]} without it, so that the next delivery works")


def forged(stage: Stage) -> None:
    """Somebody who may push writes a release and its approval by hand; nothing proves it."""
    world = stage.world
    good = str(world.released("prod"))
    commit = commit_forgery(world, good, FORGED, APPROVER)
    stage.tell(
        f"committed {commit[:7]} by hand: prod is to run {_short(FORGED)}, approved by {APPROVER}, it says"
    )
    stage.towpath("reconcile", "prod", codes=(1,))
    observed = world.running_digests("prod")
    expect(observed == {good}, f"prod to run {good}", observed)
    stage.tell(f"prod: runs {_short(good)}: {_first_line(world.page('prod'))}")
    _tell_all(stage, stage.towpath("verify", APP, "prod", codes=(1,)))
    undone = revert(world, commit)
    stage.tell(f"committed {undone[:7]}, which takes {commit[:7]} back")
    stage.towpath("reconcile", "prod")
    _tell_all(stage, stage.towpath("verify", APP, "prod"))


def disaster(stage: Stage) -> None:
    """The production namespace is gone; Git alone brings it back."""
    world = stage.world
    digest = str(world.released("prod"))
    version = _version(world.page("prod"))
    before = _uid(world)
    stage.kubectl("delete", "namespace", "prod", "--wait=true")
    # Its watcher may have begun to rebuild it already.
    expect(_uid(world) != before, "prod to be gone", "its Deployment")
    stage.tell("prod is gone")
    seconds = _seconds_until(lambda: _uid(world) not in (None, before))
    if seconds is not None:
        stage.tell(f"the watcher of prod rebuilds it by itself: its Deployment is back after {seconds:.1f} s")
    stage.towpath("reconcile", "prod")
    _show_environment(stage, "prod", version, digest)


CHAPTERS: dict[str, tuple[str, Callable[[Stage], None]]] = {
    "deliver": ("A commit goes to production", deliver),
    "drift": ("Somebody changes production by hand", drift),
    "broken": ("A version that never becomes ready", broken),
    "leaked": ("A version with a private key in it", leaked),
    "forged": ("Somebody writes a release into Git by hand", forged),
    "disaster": ("The production namespace is deleted", disaster),
}
"""The story in order: name -> title and chapter."""


def _tell_all(stage: Stage, text: str) -> None:
    for line in text.splitlines():
        stage.tell(line)


def _commit_variant(stage: Stage, variant: str, mistake: str) -> str:
    """Commit a next version with a mistake in it; returns the commit's id."""
    version = next_version(stage.world)
    commit = commit_version(
        stage.world,
        stage.examples / "hello",
        version,
        f"Say hello from {version}",
        stage.examples / "variants" / variant,
    )
    stage.tell(f"committed {version} as {commit[:7]}: {mistake}")
    return commit


def _show_environment(stage: Stage, environment: str, version: str, digest: str) -> None:
    end, page = time.monotonic() + SERVED_WITHIN, stage.world.page(environment)
    while version not in page and time.monotonic() < end:
        time.sleep(0.5)
        page = stage.world.page(environment)
    expect(version in page, f"{environment} to serve {version}", page)
    observed = stage.world.running_digests(environment)
    expect(observed == {digest}, f"{environment} to run {digest}", observed)
    stage.tell(f"{environment}: runs {_short(digest)}: {_first_line(page)}")


def _is_edited(world: World) -> bool:
    return "changed by hand" in json.dumps(world.live("deployment", "prod"))


def _uid(world: World) -> str | None:
    live = world.live("deployment", "prod")
    return live["metadata"]["uid"] if live else None


def _seconds_until(holds: Callable[[], bool]) -> float | None:
    """Seconds until `holds` returns True; None after HEALED_WITHIN seconds."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > HEALED_WITHIN:
            return None
        time.sleep(0.1)
    return time.monotonic() - started


def _short(digest: str | None) -> str:
    return (digest or "nothing")[:19]


def _version(page: str) -> str:
    """The version that a page shows; fails when it shows none."""
    match = re.search(r"hello (v\d+)", page)
    expect(match is not None, "a page that shows its version", page)
    return match[1] if match else ""


def _first_line(page: str) -> str:
    """The page's text without its markup."""
    text = re.sub(r"<style.*?</style>|<title.*?</title>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(text.split())[:100]
