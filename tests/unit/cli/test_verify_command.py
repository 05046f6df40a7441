"""`towpath verify` tells each step, and its exit code whether one has failed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.engine.source.promotions import World
from towpath.cli.main import main


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A repository whose app is built elsewhere, and no cluster."""
    made = World(tmp_path)
    for name in ("KUBECONFIG", "PREFECT_API_URL", "TOWPATH_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(tmp_path),
        "TOWPATH_HOME": str(tmp_path / "home"),
        "TOWPATH_ENVIRONMENTS": made.url,
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(made.cache),
        "TOWPATH_TRUSTED_KEYS": str(made.keys.trusted_file),
    }.items():
        monkeypatch.setenv(name, value)
    return made


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["verify", *arguments])


def test_what_the_agent_signed_is_proven_by_its_key(world: World) -> None:
    world.promote(1, "prod", verified=True)
    done = verify("hello", "prod")
    assert done.exit_code == 0, done.output
    assert "promotion     proven by prod SHA256:" in done.output
    assert "Promote hello 1111111 to prod" in done.output
    assert "approval      claimed by whoever answered the form: alice, declared" in done.output
    assert "running       unknown: the cluster is not asked" in done.output


@pytest.mark.parametrize("signer", ["", "dev"])
def test_what_others_have_written_fails_and_json_says_which_step(world: World, signer: str) -> None:
    world.promote(1, "prod", verified=True, signer=signer)
    done = verify("hello", "prod", "--output", "json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["app"], told["environment"], told["holds"]) == ("hello", "prod", False)
    standings = {step["step"]: step["standing"] for step in told["steps"]}
    assert (standings["promotion"], standings["verification"]) == ("failed", "claimed")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("hello", "dev"), "hello is not released in dev"),
        (("helo", "prod"), "Did you mean hello?"),
        (("hello", "prd"), "Did you mean prod?"),
    ],
)
def test_what_is_not_there_is_an_error(world: World, arguments: tuple[str, str], says: str) -> None:
    world.promote(1, "prod", verified=True)
    done = verify(*arguments)
    assert done.exit_code != 0
    assert says in str(done.exception) + done.output
