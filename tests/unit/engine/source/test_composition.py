"""Which images a new release has: those that are named, and of the others what the environment runs."""

import pytest

from towpath.config import parse_config
from towpath.config.app import App
from towpath.engine.source.composition import delivered_as, digests_elsewhere, named_images, split_delivery
from towpath.errors import RefusedError
from towpath.release.model import ReleaseImage

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
