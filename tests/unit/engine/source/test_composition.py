"""Which images a new release has: those that are named, and of the others what the environment runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.engine.source.promotions import release
from towpath.adapters.git import Checkout
from towpath.config import parse_config
from towpath.config.keys.app import App
from towpath.engine.source.composition import (
    begins_in,
    delivered_as,
    digests_elsewhere,
    first_of,
    named_images,
    split_delivery,
)
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import RefusedError
from towpath.formats.versions import V2
from towpath.release.model import EnvironmentRelease, ReleaseImage
from towpath.release.release_file import dump_release_file, release_path

WEB, PROXY = "r.example.com/web", "r.example.com/proxy"
A, B = (f"sha256:{digit * 64}" for digit in "ab")


def shop(source: str = "") -> App:
    images = f"{{web: {WEB}, proxy: {{repository: {PROXY}, prebuilt: true}}}}"
    text = f"apiVersion: towpath.dev/v2\napps: {{shop: {{images: {images}{source}}}}}\n"
    return parse_config(f"{text}environments: [{{name: dev, namespace: dev}}]\n").app("shop")


MIXED = shop(", source: {repository: ../shop.git}")


@pytest.mark.parametrize(
    ("revision", "commit", "images"),
    [
        ("main", "main", []),
        ("a,b", "a,b", []),
        (f"{WEB}@{A}", "", [f"{WEB}@{A}"]),
        (f"{WEB}@{A},{PROXY}@{B}", "", [f"{WEB}@{A}", f"{PROXY}@{B}"]),
        (f"1a2b3c4,{PROXY}@{B}", "1a2b3c4", [f"{PROXY}@{B}"]),
    ],
)
def test_what_is_delivered_is_a_revision_or_images_or_both(
    revision: str, commit: str, images: list[str]
) -> None:
    assert split_delivery(revision) == (commit, images)


def test_an_image_is_known_by_its_repository_or_its_name() -> None:
    for text in (f"{WEB}@{A}", f"web={WEB}@{A}", f"web=r.example.com:443/web@{A}"):
        (name,) = named_images(shop(), [text])
        assert name == "web"


def test_only_images_that_are_built_elsewhere_come_in_beside_a_source() -> None:
    assert digests_elsewhere(MIXED, [f"{PROXY}@{B}"]) == {"proxy": B}
    with pytest.raises(RefusedError, match="shop has a `source`, so its image web is built here"):
        digests_elsewhere(MIXED, [f"{WEB}@{A}"])
    with pytest.raises(RefusedError, match=f"{PROXY}:1: an image is delivered by its digest"):
        digests_elsewhere(MIXED, [f"{PROXY}:1"])
    assert digests_elsewhere(shop(), [f"{WEB}@{A}"]) == {"web": A}


def test_images_that_are_built_here_are_not_asked_for() -> None:
    images = (ReleaseImage("proxy", PROXY, B), ReleaseImage("web", WEB, A))
    assert delivered_as(MIXED, images) == f"{PROXY}@{B}"
    assert delivered_as(shop(), images) == f"{PROXY}@{B},{WEB}@{A}"


ROOTS = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:5000/hello}}
environments:
  - {name: prod, namespace: prod, after: [dev, lab]}
  - {name: dev, namespace: dev}
  - {name: lab, namespace: lab}
"""


def test_of_several_that_come_first_the_one_with_the_newest_release_says_what_stays(tmp_path: Path) -> None:
    config = parse_config(ROOTS)
    repo = EnvironmentRepo(Checkout(tmp_path, "", "0" * 40, "main", tmp_path), config)
    app = config.app("hello")

    def runs(environment: str, built_at: str) -> None:
        state = EnvironmentRelease(replace(release(1), built_at=built_at), "2026-03-01T00:00:00Z", "ann")
        file = tmp_path / release_path("hello", environment)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dump_release_file(state, V2))

    assert begins_in(repo, app) == "dev"
    runs("prod", "2026-02-09T00:00:00Z")
    runs("lab", "2026-02-01T00:00:00Z")
    assert begins_in(repo, app) == "lab"
    runs("dev", "2026-02-02T00:00:00Z")
    assert begins_in(repo, app) == "dev"
    assert first_of(repo, app) == ("dev", "lab")
    assert first_of(repo, app, "lab") == ("lab",)
    with pytest.raises(RefusedError, match="a new release of hello comes in by dev or lab, not prod"):
        first_of(repo, app, "prod")
