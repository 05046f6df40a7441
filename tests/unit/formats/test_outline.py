"""The names of a towpath.yaml are those of its models, or the whole file must be read."""

import pytest

from towpath.config import parse_config
from towpath.formats.outline import read_outline

HEAD = "apiVersion: towpath.dev/v2\n"
ENVIRONMENTS = "environments: [{name: dev, namespace: dev}, {name: prod, namespace: p}]\n"


@pytest.mark.parametrize(
    "apps",
    [
        "{web: {image: example.com/web}, job: {images: {a: example.com/a, b: example.com/b}}}",
        "{none: {}, empty: {images: {}}, nothing: {image: null, images: null}}",
    ],
)
def test_names_and_whether_there_are_images_are_those_of_the_models(apps: str) -> None:
    text = f"{HEAD}apps: {apps}\n{ENVIRONMENTS}"
    config, outline = parse_config(text), read_outline(text)
    assert outline is not None
    assert outline.apps == {name: app.is_released for name, app in config.apps.items()}
    assert list(outline.environments) == [each.name for each in config.environments]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: b: c",
        f"apps: {{}}\n{ENVIRONMENTS}",
        f"apiVersion: towpath.dev/v99\napps: {{}}\n{ENVIRONMENTS}",
        f"{HEAD}{ENVIRONMENTS}",
        f"{HEAD}apps: {{}}\n",
        f"{HEAD}apps: {{web: null}}\n{ENVIRONMENTS}",
        f"{HEAD}apps: {{Web: {{}}}}\n{ENVIRONMENTS}",
        f"{HEAD}apps: {{}}\nenvironments: [dev]\n",
        f"{HEAD}apps: {{}}\nenvironments: [{{name: 1}}]\n",
        f"{HEAD}apps: {{}}\nenvironments: [{{name: dev}}, {{name: dev}}]\n",
        f"{HEAD}apps: {{web: {{}}, web: {{}}}}\n{ENVIRONMENTS}",
        f"{HEAD}apps: {{}}\nenvironments: [{{name: dev}}, {{name: prod, after: [dev]}}]\n",
    ],
)
def test_what_is_not_as_it_should_be_is_for_the_models_to_tell(text: str) -> None:
    assert read_outline(text) is None
