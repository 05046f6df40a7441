"""Which release `towpath promote` takes, and what it says of one that is not there."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.cli.prefect_server import prefect_server
from tests.unit.cli.running_app import RunningApp
from tests.unit.engine.source.promotions import World, release
from towpath.adapters.registries import registry
from towpath.cli.promote import choose
from towpath.cli.ui.given_images import choose_images, prebuilt
from towpath.cli.ui.names import Environments
from towpath.config import load_config, parse_config
from towpath.errors import RefusedError, UnknownNameError
from towpath.release.model import Images, Release, id_of_images
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


ELSEWHERE = """\
apiVersion: towpath.dev/v2
apps:
  hello: {image: 127.0.0.1:5000/hello}
  built: {image: 127.0.0.1:5000/b, source: {repository: ../b.git}}
  two: {images: {web: 127.0.0.1:5000/hello, worker: 127.0.0.1:5000/worker}}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""
IMAGE, WORKER = "127.0.0.1:5000/hello", "127.0.0.1:5000/worker"
DIGEST = "sha256:" + "7" * 64


@pytest.fixture
def elsewhere(environments: Environments, monkeypatch: pytest.MonkeyPatch) -> Environments:
    """Apps that are built elsewhere, and here; the registry has one tag."""
    held = registry.RegistryManifest(DIGEST, None, "", 0)
    monkeypatch.setattr(registry, "read_manifest", lambda _: held)
    return replace(environments, config=parse_config(ELSEWHERE))


def refs(images: Images) -> list[str]:
    return [each.reference for each in images]


def test_an_image_is_taken_by_its_digest_and_a_tag_is_resolved_and_shown(
    elsewhere: Environments, capsys: pytest.CaptureFixture[str]
) -> None:
    named = f"{IMAGE}@sha256:{'8' * 64}"
    assert refs(prebuilt(elsewhere, "hello", "dev", (named,))) == [named]
    assert capsys.readouterr().err == ""
    assert refs(prebuilt(elsewhere, "hello", "dev", (f"{IMAGE}:1.4",))) == [f"{IMAGE}@{DIGEST}"]
    assert f"{IMAGE}:1.4 is {IMAGE}@{DIGEST}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("app", "images", "says"),
    [
        ("built", (f"127.0.0.1:5000/b@{DIGEST}",), "built has a `source`, so its releases are built here"),
        ("hello", (f"127.0.0.1:5000/b@{DIGEST}",), "127.0.0.1:5000/b is not the image of hello"),
        ("hello", (f"example.com/hello@{DIGEST}",), "example.com/hello is not the image of hello"),
        ("hello", (f"{IMAGE}@{DIGEST}", f"hello={IMAGE}:1"), "image hello of hello is named twice"),
        ("two", (f"web={IMAGE}@{DIGEST}", f"job={WORKER}@{DIGEST}"), "two has no image 'job'; it has: web"),
        ("two", (f"web={WORKER}@{DIGEST}",), "worker is not image web of two, which is"),
        ("two", (f"web={IMAGE}@{DIGEST}",), "dev runs no worker of two yet"),
    ],
)
def test_what_may_not_come_in_is_refused_with_the_reason(
    elsewhere: Environments, app: str, images: tuple[str, ...], says: str
) -> None:
    with pytest.raises(RefusedError, match=says):
        prebuilt(elsewhere, app, "dev", images)


def test_several_images_come_in_together(elsewhere: Environments) -> None:
    web, worker = f"{IMAGE}@{DIGEST}", f"{WORKER}@{DIGEST}"
    assert refs(prebuilt(elsewhere, "two", "dev", (f"worker={worker}", web))) == [web, worker]


def test_into_a_later_environment_goes_what_is_recorded_as_a_whole(
    elsewhere: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RefusedError, match="an image comes in by the first environment, which is dev"):
        choose_images(elsewhere, "hello", "prod", (f"{IMAGE}@{DIGEST}",))
    monkeypatch.setattr(registry, "get_release", lambda _, release: release)
    images = (f"web={IMAGE}@{DIGEST}", f"worker={WORKER}@{DIGEST}")
    known = prebuilt(elsewhere, "two", "dev", images)
    assert choose_images(elsewhere, "two", "prod", images) == id_of_images(known)  # type: ignore[comparison-overlap]


ROOTS = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:5000/hello, renderer: plain}}
environments:
  - {name: prod, namespace: prod, after: [dev, lab]}
  - {name: dev, namespace: dev}
  - {name: lab, namespace: lab}
"""


def test_of_several_environments_that_come_first_an_image_goes_to_the_one_that_is_named(
    app: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.world.write({"towpath.yaml": ROOTS}, "Two come first\n\nMark: 1\n", ("Mark", "1"))
    with prefect_server() as server:
        monkeypatch.setenv("PREFECT_API_URL", server.url)
        named = f"{IMAGE}@{DIGEST}"
        for place in ("lab", "dev"):
            done = app.run("promote", "hello", "--to", place, "--image", named, "--detach")
            assert done.exit_code == 0, done.output
        wanted = [(body["parameters"], body["idempotency_key"]) for _, body in server.started]
        assert wanted == [
            ({"app": "hello", "revision": named, "environment": place}, f"deliver:hello:{named}:{place}")
            for place in ("lab", "dev")
        ]
        done = app.run("promote", "hello", "--to", "prod", "--image", named, "--commit", "main")
        assert "are for where releases begin: dev, lab" in done.output
