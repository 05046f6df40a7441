"""A promotion writes each image of a release to its own place, and keeps what it does not promote."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from towpath.adapters.rendering.renderers import find_program
from towpath.config import Config, parse_config
from towpath.engine.source.edits import Renderers, image_edits
from towpath.engine.source.render import render_app
from towpath.errors import ConfigError, MissingPartError
from towpath.release.model import ReleaseImage
from towpath.settings import Settings

PROGRAMS = Renderers(Settings.load({"HOME": str(Path.home())}).tools)
HUB = "127.0.0.1:5000/team"
WEB = ReleaseImage("web", f"{HUB}/web", "sha256:" + "a" * 64)
WORKER = ReleaseImage("worker", f"{HUB}/worker", "sha256:" + "b" * 64)
OLD = "sha256:" + "0" * 64
NAMES = f"{{web: '{WEB.image}', worker: '{WORKER.image}'}}"


def config(renderer: str) -> Config:
    return parse_config(
        f"apiVersion: towpath.dev/v2\napps: {{shop: {{images: {NAMES}, renderer: {renderer}}}}}\n"
        "environments: [{name: dev, namespace: dev}]\n"
    )


def pods(web: str, worker: str) -> str:
    return "---\n".join(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n"
        f"  containers:\n    - name: main\n      image: '{image}' # ours\n"
        for name, image in (("web", web), ("worker", worker))
    )


def write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / "apps/shop" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "apps/shop" / path).write_text(text)


def edited(root: Path, renderer: str, *images: ReleaseImage) -> dict[str, str]:
    """The overlay after the promotion; a second time nothing changes."""
    edits = image_edits(root, config(renderer), "shop", "dev", images or (WEB, WORKER), PROGRAMS)
    for path, text in edits.items():
        (root / path).write_text(text)
    assert image_edits(root, config(renderer), "shop", "dev", images or (WEB, WORKER), PROGRAMS) == {}
    return {path.removeprefix("apps/shop/dev/"): text for path, text in edits.items()}


def running(root: Path, renderer: str) -> list[str]:
    objects = render_app(root, config(renderer), "shop", "dev", tools=PROGRAMS.tools).objects
    return sorted(each["spec"]["containers"][0]["image"] for each in objects)


def needs(program: str) -> None:
    try:
        find_program(program, PROGRAMS.tools)
    except MissingPartError:
        pytest.skip(f"needs {program}")


def test_in_plain_manifests(tmp_path: Path) -> None:
    write(tmp_path, {"dev/pods.yaml": pods(f"{WEB.image}@{OLD}", f"{WORKER.image}:1")})
    text = edited(tmp_path, "plain")["pods.yaml"]
    assert text == pods(WEB.reference, WORKER.reference)


def test_in_a_kustomization(tmp_path: Path) -> None:
    needs("kustomize")
    base = {
        "base/kustomization.yaml": "resources: [pods.yaml]\n",
        "base/pods.yaml": pods("web:1", "worker:1"),
    }
    overlay = f"""\
resources: [../base]
images:
  - name: web # the site
    newName: {WEB.image}
    digest: {OLD}
  - name: worker
    newName: {WORKER.image}
    newTag: '7'
"""
    write(tmp_path, {**base, "dev/kustomization.yaml": overlay})
    text = edited(tmp_path, "kustomize")["kustomization.yaml"]
    assert "  - name: web # the site" in text
    assert "newTag" not in text
    assert running(tmp_path, "kustomize") == [WEB.reference, WORKER.reference]


def chart(root: Path, web: str, worker: str, values: str, own: str = "") -> None:
    write(
        root,
        {
            "base/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
            "base/values.yaml": values,
            "base/templates/pods.yaml": pods(web, worker),
            "dev/values.yaml": own,
        },
    )


def of(path: str) -> str:
    return f"{{{{ {path}.repository }}}}@{{{{ {path}.digest }}}}"


CHARTS = {
    "a mapping of each component": (".Values.web.image", ".Values.worker.image", "web: {image: {}}\n", ""),
    "a mapping of images": (".Values.images.web", ".Values.images.worker", "images: {web: {}}\n", ""),
    "images below image": (".Values.image.web", ".Values.image.worker", "", ""),
    "another name": (
        *(".Values.front.main.image", ".Values.jobs.image", ""),
        f"front: {{main: {{image: {{repository: {WEB.image}}}}}}}\n"
        f"jobs: {{image: {{repository: {WORKER.image}}}}}\n",
    ),
    "one at the top": (
        *(".Values.image", ".Values.worker.image", ""),
        f"image: {{repository: {WEB.image}, digest: '{OLD}'}}\nreplicas: 2 # of web\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", CHARTS)
def test_in_the_values_of_a_chart(tmp_path: Path, shape: str) -> None:
    needs("helm")
    web, worker, values, own = CHARTS[shape]
    values += "web: {}\n" if not values and "web" in web else ""
    chart(tmp_path, of(f"(({web}))"), of(worker), values, own)
    text = edited(tmp_path, "helm")["values.yaml"]
    assert running(tmp_path, "helm") == [WEB.reference, WORKER.reference]
    if "# of web" in own:
        assert "replicas: 2 # of web" in text


def test_a_chart_that_has_no_place_for_one_is_refused_by_the_name_of_the_image(tmp_path: Path) -> None:
    needs("helm")
    chart(tmp_path, of(".Values.web.image"), "example.com/other:1", "web: {image: {}}\n")
    with pytest.raises(
        ConfigError, match=r"no values of `worker\.image`, .* make the chart run .*/worker by"
    ):
        edited(tmp_path, "helm")


def test_what_is_not_promoted_stays(tmp_path: Path) -> None:
    write(tmp_path, {"dev/pods.yaml": pods(f"{WEB.image}@{OLD}", f"{WORKER.image}@{OLD}")})
    text = edited(tmp_path, "plain", WORKER)["pods.yaml"]
    assert text == pods(f"{WEB.image}@{OLD}", WORKER.reference)
