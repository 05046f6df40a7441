"""Webhooks of a real Gitea at the door: a push starts one delivery, and nothing else does."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.gitea import Gitea, Working, gitea
from tests.unit.door.opened import HEAD, HOOK_SECRET, LIMITS, Opened, opened
from tests.unit.door.prefect_stand_in import prefect_stand_in

__all__ = ["gitea"]

PATIENCE = 30.0
QUIET = 3.0
"""Seconds after a webhook within which the other ones of the same push come."""


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Opened]:
    (tmp_path / "hook").write_text(HOOK_SECRET)
    hook = f"{{forge: gitea, secrets: [{{file: {tmp_path}/hook}}]}}"
    text = f"{HEAD}limits: {LIMITS}\nrepositories:\n" + "".join(
        f"  - {{name: acme/{name}, apps: [{name}], tags: ['v*'], hook: {hook}}}\n"
        for name in ("shop", "site")
    )
    with prefect_stand_in() as prefect, opened(text, prefect) as found:
        yield found


def url(door: Opened) -> str:
    return f"http://127.0.0.1:{door.port}/hooks/gitea"


def answered(door: Opened) -> str:
    """What the door's metrics say of its webhooks."""
    lines = door.ask("GET", "/metrics").text.splitlines()
    return "\n".join(
        line for line in lines if line.startswith("towpath_door_requests_total") and "/hooks/" in line
    )


def settled(door: Opened, before: str = "") -> str:
    """What the door has answered, once webhooks have come since `before`, and no more come."""
    end = time.monotonic() + PATIENCE
    while (now := answered(door)) == before:
        assert time.monotonic() < end, f"no webhook came within {PATIENCE:.0f} s: {before}"
        time.sleep(0.1)
    time.sleep(QUIET)
    return now if answered(door) == now else settled(door, now)


def until(door: Opened, number: int) -> list[str]:
    """The commits of all runs, once there are that many."""
    end = time.monotonic() + PATIENCE
    while len(door.prefect.runs) < number and time.monotonic() < end:
        time.sleep(0.1)
    commits = [run["parameters"]["revision"] for run in door.prefect.runs.values()]
    assert len(commits) == number, answered(door)
    return commits


@pytest.fixture(scope="session")
def shop(gitea: Gitea) -> Working:
    return gitea.repository("acme", "shop")


def test_pushes_and_tags_start_one_delivery_each(door: Opened, shop: Working) -> None:
    shop.hook(url(door), HOOK_SECRET)
    first = shop.commit("one")
    shop.git("push", "-q", "origin", "main")
    assert until(door, 1) == [first]
    second = shop.commit("two")
    shop.git("tag", "-a", "v1", "-m", "version 1")
    shop.git("push", "-q", "origin", "v1")
    assert until(door, 2) == [first, second]  # an annotated tag, at its commit
    before = settled(door)
    shop.git("push", "-q", "origin", "main")
    settled(door, before)
    assert until(door, 2) == [first, second]  # the branch comes to the same commit
    (run,) = [run for run in door.prefect.runs.values() if run["parameters"]["revision"] == second]
    assert (run["parameters"]["app"], "by:door" in run["tags"]) == ("shop", True)


def test_other_branches_and_deletions_start_nothing(door: Opened, shop: Working) -> None:
    shop.hook(url(door), HOOK_SECRET)
    shop.git("checkout", "-q", "-b", "feature")
    shop.commit("feature")
    shop.git("push", "-q", "origin", "feature")
    shop.git("push", "-q", "origin", "HEAD:refs/tags/x1")
    shop.git("push", "-q", "origin", ":feature", ":refs/tags/x1")
    shop.git("checkout", "-q", "main")
    text = settled(door)
    assert until(door, 0) == []
    assert 'path="/hooks/gitea",result="ok"' in text, text
    assert "signature" not in text


def test_a_webhook_with_another_secret_starts_nothing(door: Opened, shop: Working) -> None:
    shop.hook(url(door), "another-secret-than-the-door-has")
    shop.commit("three")
    shop.git("push", "-q", "origin", "main")
    assert 'path="/hooks/gitea",result="signature"' in settled(door)
    assert until(door, 0) == []


def test_a_repository_that_the_door_does_not_know_starts_nothing(door: Opened, gitea: Gitea) -> None:
    other = gitea.repository("evil", "shop")
    other.hook(url(door), HOOK_SECRET)
    other.commit("mine")
    other.git("push", "-q", "origin", "main")
    assert 'path="/hooks/gitea",result="signature"' in settled(door)
    assert until(door, 0) == []
