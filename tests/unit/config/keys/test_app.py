"""An app has no, one or several images; `image` is short for one."""

import pytest

from towpath.config import parse_config
from towpath.config.keys.app import App
from towpath.errors import ConfigError, RefusedError

HEAD = "apiVersion: towpath.dev/v2\nenvironments: [{name: dev, namespace: dev}]\napps:\n  shop:\n"


def shop(text: str, *, version: str = "v2") -> App:
    return parse_config(HEAD.replace("/v2", f"/{version}") + text).app("shop")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_one_image_in_short_has_the_name_of_the_app(version: str) -> None:
    app = shop("    image: r.example.com/shop\n", version=version)
    assert app.images == {"shop": "r.example.com/shop"}
    assert app.first_image == "r.example.com/shop"


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("    images: {}\n", {}),
        ("    images:\n", {}),
        ("    renderer: plain\n", {}),
        ("    images: {web: r.example.com/shop}\n", {"web": "r.example.com/shop"}),
        ("    images:\n      web: r.example.com/a\n      job: r.example.com/b\n",
         {"web": "r.example.com/a", "job": "r.example.com/b"}),
        ("    image: r.example.com/a\n    images:\n", {"shop": "r.example.com/a"}),
    ],
)  # fmt: skip
def test_images_have_names(text: str, images: dict[str, str]) -> None:
    app = shop(text)
    assert app.images == images
    assert app.is_released == bool(images)
    if images:
        assert app.first_image == next(iter(images.values()))
        return
    with pytest.raises(RefusedError, match="app shop has no image, and releases of images"):
        _ = app.first_image


@pytest.mark.parametrize(
    ("version", "text", "said"),
    [
        (
            "v2",
            "    source: {repository: ../shop.git}\n",
            "towpath.yaml:5: apps.shop.source: the app has no `image`, so there is nothing to build",
        ),
        (
            "v2",
            "    images: {}\n    source: {repository: ../shop.git}\n",
            "towpath.yaml:6: apps.shop.source: the app has no `image`",
        ),
        (
            "v2",
            "    image: r.example.com/a\n    promote: manifests\n",
            "towpath.yaml:6: apps.shop.promote: the app has images, and their releases are promoted",
        ),
        ("v2", "    promote: always\n", "towpath.yaml:5: apps.shop.promote: must be 'merge' or 'manifests'"),
        ("v1", "    promote: merge\n", "`promote` is known since towpath.dev/v2"),
        ("v1", "    renderer: plain\n", "towpath.yaml:4: `image` is missing in apps.shop"),
        ("v1", "    images:\n", "`images` is known since towpath.dev/v2"),
        (
            "v2",
            "    image: r.example.com/a\n    images: {}\n",
            "apps.shop: must have `image` or `images`, not both",
        ),
        (
            "v2",
            "    images: {a: r.example.com/a, b: r.example.com/a}\n",
            "two names have the repository r.exa",
        ),
        (
            "v2",
            "    images: {a: 'r.example.com/a:1'}\n",
            "towpath.yaml:5: apps.shop.images.a: must be REGISTRY",
        ),
        ("v2", "    images: {A: r.example.com/a}\n", "must be lower-case letters"),
        ("v2", "    images: [r.example.com/a]\n", "towpath.yaml:5: apps.shop.images: must be a mapping"),
        ("v2", "    imags: {}\n", "unknown key `imags` in apps.shop; did you mean `images`?"),
        ("v1", "    imags: {}\n", "unknown key `imags` in apps.shop; did you mean `image`?"),
        (
            "v1",
            "    images: {a: r.example.com/a}\n",
            "towpath.yaml:5: `images` is known since towpath.dev/v2; `towpath migrate` rewrites",
        ),
    ],
)
def test_what_is_wrong_is_told_by_version(version: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        shop(text, version=version)
    assert said in str(caught.value)


def test_a_container_is_named_for_one_image_only() -> None:
    with pytest.raises(ConfigError, match="`container` is for apps of one image"):
        shop("    images: {web: r.example.com/a, job: r.example.com/b}\n    container: main\n")


def test_an_image_is_built_of_the_source_unless_it_is_built_elsewhere() -> None:
    text = "    source: {repository: ../shop.git, dockerfile: Dockerfile.all}\n    images:\n"
    images = "      web: r.example.com/a\n      job: {repository: r.example.com/b, target: job}\n"
    elsewhere = "      proxy: {repository: r.example.com/c, prebuilt: true}\n"
    watched = "      cache: {repository: r.example.com/d, watch: {glob: 'v*'}}\n"
    app = shop(text + images + elsewhere + watched)
    assert {name: image.target for name, image in app.built.items()} == {"web": None, "job": "job"}
    assert list(app.watched) == ["cache"]
    assert list(shop("    image: r.example.com/a\n    source: {repository: ../shop.git}\n").built) == ["shop"]
    assert not shop("    image: r.example.com/a\n").built
    with pytest.raises(ConfigError, match="has a `source`, and no image that is built of it"):
        shop(text + elsewhere)
    with pytest.raises(ConfigError, match="`target` is for images that are built here"):
        shop("    images: {web: {repository: r.example.com/a, target: x, prebuilt: true}}\n")
    with pytest.raises(ConfigError, match="`buildArgs` is for images that are built here"):
        shop("    images: {web: {repository: r.example.com/a, buildArgs: {A: b}, prebuilt: true}}\n")
