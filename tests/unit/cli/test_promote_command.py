"""Which release `towpath promote` takes, and what it says of one that is not there."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.engine.source.promotions import World, release
from towpath.adapters import registry
from towpath.cli.promote import choose
from towpath.cli.ui.names import Environments
from towpath.config import load_config
from towpath.errors import UnknownNameError
from towpath.release.model import Release
from towpath.settings import Settings

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:5000/hello, source: {repository: SOURCE}}}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environments:
    """Releases 1 and 2 were promoted; the registry has none, the source is the environment repository."""
    world = World(tmp_path)
    for number in (1, 2):
        world.promote(number, "dev", verified=True)
    text = CONFIG.replace("SOURCE", world.url)
    world.write({"towpath.yaml": text}, "Name the source\n\nMark: 1\n", ("Mark", "1"))
    records: dict[str, Release] = {}
    monkeypatch.setattr(registry, "find_release", lambda _, commit: records.get(commit))
    monkeypatch.setattr(registry, "get_release", lambda _, digest: records.get(digest))
    settings = Settings.load(
        {"TOWPATH_ENVIRONMENTS": world.url, "TOWPATH_GIT_ALLOW_FILE": "1", "TOWPATH_CACHE": str(world.cache)}
    )
    checkout = world.checkout()
    return Environments(checkout, load_config(checkout.path), settings)


@pytest.mark.parametrize(
    ("commit", "digest", "says"),
    [
        (
            "1111112",
            None,
            "unknown commit '1111112' in the source of hello\nDid you mean 1111111? `towpath history hello`",
        ),
        (
            "deadbeef",
            None,
            "unknown commit 'deadbeef' in the source of hello\nThere are: 1111111, 2222222. `towpath history",
        ),
        ("v9", None, "unknown commit 'v9' in the source of hello"),
        ("main", None, "towpath deliver hello --revision main"),
        (None, "9" * 64, "unknown release '" + "9" * 64),
        (None, "sha256:" + "1" * 63 + "2", "Did you mean sha256:" + "1" * 64),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do_and_without_branches(
    environments: Environments, commit: str | None, digest: str | None, says: str
) -> None:
    with pytest.raises(UnknownNameError) as caught:
        choose(environments, "hello", "dev", digest, commit)
    assert says in str(caught.value)
    assert "There are: main" not in str(caught.value)


def test_by_default_the_release_that_is_verified_before_is_taken(environments: Environments) -> None:
    chosen = choose(environments, "hello", "prod", None, None)
    assert replace(chosen, scan=release(2).scan) == release(2)
