"""Which release a person can go back to, told from Git alone."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.engine.source.promotions import World, release
from towpath.config import load_config
from towpath.engine.gates.done_before import done_before
from towpath.engine.gates.rollback import choose_earlier, restore_release
from towpath.engine.source.commits import Committer
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import ConflictError, RefusedError, TowpathError, UnknownNameError
from towpath.settings import Settings


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def repo(world: World) -> EnvironmentRepo:
    """Releases 1, 2 and 3 were in prod; 3 runs there, and 2 was never verified."""
    for number in (1, 2, 3):
        world.promote(number, "prod", verified=number != 2)
    return read(world)


def read(world: World) -> EnvironmentRepo:
    checkout = world.checkout()
    return EnvironmentRepo(checkout, load_config(checkout.path))


@pytest.mark.parametrize(
    ("to", "number"),
    [(None, 1), ("1111111", 1), ("sha256:" + "1" * 64, 1), ("1" * 12, 1), ("1" * 40, 1)],
)
def test_the_last_verified_one_or_the_one_that_is_named(
    world: World, repo: EnvironmentRepo, to: str | None, number: int
) -> None:
    assert choose_earlier(repo, world.trusted, "hello", "prod", to).release.commit == str(number) * 40


@pytest.mark.parametrize(
    ("app", "environment", "to", "says"),
    [
        (
            "hello",
            "prod",
            "1111112",
            "unknown release '1111112' in the history of hello in prod\nDid you mean 1111111?",
        ),
        ("hello", "prod", "abcdef0", "There are: 1111111, 2222222. `towpath history hello` lists all"),
        ("hello", "prod", "1111", "unknown release '1111'"),
        ("hello", "prod", "sha256:" + "9" * 64, "unknown release 'sha256:9999"),
        ("hello", "prod", "3333333", "prod runs hello 3333333 already"),
        (
            "hello",
            "prod",
            "2222222",
            "no commit that the agent of prod has signed says that hello 2222222 was",
        ),
        ("hello", "prod", "sha256:" + "2" * 64, "was verified there"),
        ("hello", "dev", "1111111", "hello is not released in dev, so there is nothing to go back from"),
        ("helo", "prod", "1111111", "Did you mean hello?"),
        ("hello", "prd", "1111111", "Did you mean prod?"),
    ],
)
def test_an_unknown_one_is_told_with_those_there_are(
    world: World, repo: EnvironmentRepo, app: str, environment: str, to: str, says: str
) -> None:
    with pytest.raises(TowpathError) as caught:
        choose_earlier(repo, world.trusted, app, environment, to)
    assert says in str(caught.value)
    assert isinstance(caught.value, UnknownNameError | RefusedError)


@pytest.mark.parametrize("signer", ["", "dev", "build"])
@pytest.mark.parametrize("to", [None, "4444444"])
def test_what_the_agent_has_not_signed_does_not_come_back_whatever_its_trailers_say(
    world: World, signer: str, to: str | None
) -> None:
    world.promote(4, "prod", verified=True, signer=signer)
    world.promote(5, "prod", verified=True)
    with pytest.raises(RefusedError, match=r"no earlier verified release|no commit that the agent of prod"):
        choose_earlier(read(world), world.trusted, "hello", "prod", to)


def test_a_quarantined_one_is_chosen_by_its_name_only(world: World) -> None:
    world.promote(1, "prod", verified=True)
    world.promote(2, "prod", verified=True)
    world.promote(1, "prod", verified=True, back_from=2)
    with pytest.raises(RefusedError, match="no earlier verified release"):
        choose_earlier(read(world), world.trusted, "hello", "prod", None)
    assert choose_earlier(read(world), world.trusted, "hello", "prod", "2222222").release == release(2)


def test_a_run_that_begins_again_leaves_what_has_come_in_since(world: World, tmp_path: Path) -> None:
    """As from a Prefect database that was restored from a backup."""
    for number in (1, 2):
        world.promote(number, "prod", verified=True)
    world.promote(1, "prod", verified=True, back_from=2)
    settings = replace(Settings.load({"HOME": str(tmp_path)}), trusted_keys=world.keys.trusted_file)
    by, before = Committer(settings, "run-1-prod-2", "bob"), read(world)
    assert restore_release(by, before, "hello", "prod", None).repo.commit == before.commit
    world.promote(3, "prod", verified=True)
    after = read(world)
    for again in (by, Committer(settings, "run-2-prod-None", "bob")):
        said = "has come in since, by run run-3-prod-None"
        with pytest.raises(ConflictError, match=f"this run has brought hello .* to prod before, .* {said}"):
            restore_release(again, after, "hello", "prod", None)
    assert read(world).commit == after.commit


def test_nothing_is_looked_up_for_a_run_that_is_newer_than_what_is_there(
    world: World, repo: EnvironmentRepo
) -> None:
    run, trusted = "run-1-prod-None", lambda: world.trusted
    assert done_before(repo, trusted, "hello", "prod", "another") is None
    assert done_before(repo, trusted, "hello", "prod", "run-3-prod-None") is not None
    assert done_before(repo, trusted, "hello", "prod", run, datetime(2026, 2, 1, tzinfo=UTC)) is None
    with pytest.raises(ConflictError, match="3333333 has come in since"):
        done_before(repo, trusted, "hello", "prod", run, datetime(2026, 1, 1, tzinfo=UTC))
