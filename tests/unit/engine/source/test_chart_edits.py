"""A promotion's edit of a chart's values takes effect, however the chart puts the image together."""

from pathlib import Path

import pytest
import yaml

from towpath.adapters.rendering.renderers import find_program
from towpath.config import parse_config
from towpath.engine.source.edits import Renderers, image_edits
from towpath.errors import ConfigError, MissingPartError
from towpath.release.model import one_image
from towpath.settings import Settings

PROGRAMS = Renderers(Settings.load({"HOME": str(Path.home())}).tools)
IMAGE, DIGEST = "127.0.0.1:5000/team/shop", "sha256:" + "1" * 64
RUNS = one_image("shop", IMAGE, DIGEST)
ONE = '{{ .Values.image.repository }}@{{ .Values.image.digest | default "none" }}'
APART = (
    "{{ with .Values.image.registry }}{{ . }}/{{ end }}"
    "{{ .Values.image.repository }}@{{ .Values.image.digest }}"
)
GLOBAL = (
    "{{ (.Values.global).imageRegistry | default .Values.image.registry }}/{{ .Values.image.repository }}"
    "{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag }}{{ end }}"
)
NESTED = "{{ .Values.global.image.registry }}/{{ .Values.image.repository }}@{{ .Values.image.digest }}"
TEXT = "{{ .Values.hub }}/{{ .Values.image }}"
TAG = "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
TAG_APART = "{{ .Values.image.registry }}/" + TAG.replace(".tag }}", ".tag | default .Chart.AppVersion }}")
TAG_OR_DIGEST = (
    "{{ .Values.image.repository }}"
    '{{ ternary "@" ":" (hasPrefix "sha256:" .Values.image.tag) }}{{ .Values.image.tag }}'
)
FIXED_TAG = "{{ .Values.image.repository }}:1.4"
PINNED = f"{'1' * 12}@{DIGEST}"


def has_helm() -> bool:
    try:
        return bool(find_program("helm", PROGRAMS.tools))
    except MissingPartError:
        return False


pytestmark = pytest.mark.skipif(not has_helm(), reason="needs helm")


def promoted(root: Path, template: str, defaults: str, own: str, *, schema: str = "") -> str:
    """The environment's values after a promotion."""
    files = {
        "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "values.yaml": defaults,
        "templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\n"
        f"spec:\n  containers:\n    - name: shop\n      image: '{template}'\n"
        "    - {name: proxy, image: registry.example.com/proxy:1}\n",
        "../dev/values.yaml": own,
        **({"values.schema.json": schema} if schema else {}),
    }
    for name, text in files.items():
        path = root / "apps/shop/base" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    config = parse_config(
        f"apiVersion: towpath.dev/v1\napps: {{shop: {{image: '{IMAGE}', renderer: helm}}}}\n"
        "environments: [{name: dev, namespace: dev}]\n"
    )
    edits = image_edits(root, config, "shop", "dev", RUNS, PROGRAMS)
    changed = edits.get("apps/shop/dev/values.yaml", own)
    (root / "apps/shop/dev/values.yaml").write_text(changed)
    assert image_edits(root, config, "shop", "dev", RUNS, PROGRAMS) == {}, "a second time nothing changes"
    return changed


REGISTRY = "127.0.0.1:5000"
SHAPES = {
    "one name": (ONE, "image: {repository: x}\n", "", {"repository": IMAGE, "digest": DIGEST}),
    "a registry apart in the chart": (
        *(APART, "image: {registry: docker.io, repository: acme/shop}\n", ""),
        {"registry": REGISTRY, "repository": "team/shop", "digest": DIGEST},
    ),
    "a registry of the chart that is right": (
        *(APART, f"image: {{registry: '{REGISTRY}', repository: team/shop}}\n", ""),
        {"repository": "team/shop", "digest": DIGEST},
    ),
    "a global registry beside a short repository": (
        *(GLOBAL, "image: {registry: docker.io, repository: x, tag: '1'}\n"),
        f"global: {{imageRegistry: '{REGISTRY}'}}\nimage: {{repository: team/shop}}\n",
        {"repository": "team/shop", "digest": DIGEST},
    ),
    "a global registry over one of its own": (
        *(GLOBAL, "image: {registry: docker.io, repository: x, tag: '1'}\n"),
        f"global:\n  imageRegistry: '{REGISTRY}'\n"
        "image:\n  registry: docker.io\n  repository: team/shop\n  tag: '2'\n",
        {"registry": "docker.io", "repository": "team/shop", "tag": "2", "digest": DIGEST},
    ),
    "a global registry beside another repository": (
        *(GLOBAL, "image: {registry: docker.io, repository: x, tag: '1'}\n"),
        f"global: {{imageRegistry: '{REGISTRY}'}}\nimage: {{repository: other}}\n",
        {"repository": "team/shop", "digest": DIGEST},
    ),
    "a global registry in the chart's defaults": (
        *(
            GLOBAL,
            f"global: {{imageRegistry: '{REGISTRY}'}}\nimage: {{registry: quay.io, repository: x}}\n",
            "",
        ),
        {"repository": "team/shop", "digest": DIGEST},
    ),
    "an empty global registry": (
        *(GLOBAL, "image: {registry: docker.io, repository: x, tag: '1'}\n"),
        "global: {imageRegistry: ''}\nimage: {repository: x}\n",
        {"registry": REGISTRY, "repository": "team/shop", "digest": DIGEST},
    ),
    "a global registry of another name": (
        *(NESTED, f"global: {{image: {{registry: '{REGISTRY}'}}}}\nimage: {{}}\n", "replicas: 2\n"),
        {"repository": "team/shop", "digest": DIGEST},
    ),
    "a global registry that the chart ignores": (
        *(ONE, "image: {repository: x}\n"),
        f"global: {{imageRegistry: '{REGISTRY}'}}\nimage: {{repository: team/shop}}\n",
        {"repository": IMAGE, "digest": DIGEST},
    ),
    "a tag only": (TAG, "image: {repository: x, tag: '1'}\n", "", {"repository": IMAGE, "tag": PINNED}),
    "a tag only, pinned before": (
        *(TAG, "image: {}\n", f"image:\n  repository: {IMAGE}\n  tag: {'2' * 12}@sha256:{'2' * 64} # shop\n"),
        {"repository": IMAGE, "tag": PINNED},
    ),
    "a tag only, that somebody had set": (
        *(TAG, "image: {}\n", f"image: {{repository: '{IMAGE}', tag: v1.4.2}}\n"),
        {"repository": IMAGE, "tag": PINNED},
    ),
    "a tag with the chart's version as its default": (
        *(TAG_APART, "image: {registry: docker.io, repository: x, tag: ''}\n", ""),
        {"registry": REGISTRY, "repository": "team/shop", "tag": PINNED},
    ),
    "a tag that may be a digest": (
        *(TAG_OR_DIGEST, "image: {repository: x, tag: '1'}\n", ""),
        {"repository": IMAGE, "tag": PINNED},
    ),
    "a tag that must be a digest": (
        *("{{ .Values.image.repository }}@{{ .Values.image.tag }}", "image: {tag: none}\n", ""),
        {"repository": IMAGE, "tag": DIGEST},
    ),
    "one text after a registry": (
        *(TEXT, f"hub: '{REGISTRY}'\nimage: x\n", "image: team/shop:1\n"),
        f"team/shop@{DIGEST}",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_chart_runs_the_image_by_digest(tmp_path: Path, shape: str) -> None:
    template, defaults, own, expected = SHAPES[shape]
    assert yaml.safe_load(promoted(tmp_path, template, defaults, own))["image"] == expected


def test_a_value_that_the_charts_schema_refuses_is_not_written(tmp_path: Path) -> None:
    schema = """{"properties": {"image": {"additionalProperties": false, "properties":
        {"repository": {"pattern": "^[a-z/]*$"}, "digest": {}, "registry": {}, "tag": {}}}}}"""
    text = promoted(tmp_path, APART, "image: {registry: docker.io, repository: x}\n", "", schema=schema)
    assert yaml.safe_load(text)["image"] == {
        "registry": REGISTRY,
        "repository": "team/shop",
        "digest": DIGEST,
    }


@pytest.mark.parametrize(
    ("template", "own", "found"),
    [
        (
            GLOBAL,
            "global: {imageRegistry: mirror.example.com}\nimage: {repository: team/shop}\n",
            "mirror.example.com/team/shop",
        ),
        (FIXED_TAG, "image: {repository: x, tag: '1'}\n", "none gives the digest"),
        ("registry.example.com/fixed:1", "", "none gives the digest"),
    ],
)
def test_what_cannot_run_the_image_by_digest_is_refused(
    tmp_path: Path, template: str, own: str, found: str
) -> None:
    with pytest.raises(ConfigError, match="no values of `image` make the chart run") as refused:
        promoted(tmp_path, template, "image: {registry: '', repository: x}\n", own)
    assert found in refused.value.message
    assert "apps/shop/dev/values.yaml" in str(refused.value)


def test_an_image_that_gets_the_digest_under_another_name_too_is_refused(tmp_path: Path) -> None:
    both = (
        GLOBAL
        + "'\n    - name: init\n      image: '{{ .Values.image.repository }}@{{ .Values.image.digest }}"
    )
    own = f"global: {{imageRegistry: '{REGISTRY}'}}\nimage: {{repository: team/shop}}\n"
    with pytest.raises(ConfigError, match=r"they give 127\.0\.0\.1:5000/team/shop@sha256:1+, team/shop@"):
        promoted(tmp_path, both, "image: {registry: x}\n", own)


def test_a_chart_that_does_not_render_is_refused_for_that_later(tmp_path: Path) -> None:
    text = promoted(tmp_path, '{{ fail "no" }}', "image: {}\n", "")
    assert yaml.safe_load(text)["image"] == {"repository": IMAGE, "digest": DIGEST}
