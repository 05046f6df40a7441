"""Every field that names an image, with its path; the judge and the editor use this one table."""

from typing import Any

import pytest

from towpath.kube.image_fields import ImageRule, image_fields, objects_in

IMAGE = "registry.example.com/shop:1"
POD: dict[str, Any] = {
    "containers": [{"name": "web", "image": IMAGE, "imagePullPolicy": "Always"}],
    "initContainers": [{"name": "init", "image": IMAGE}],
    "ephemeralContainers": [{"name": "debug", "image": IMAGE}],
    "imagePullSecrets": [{"name": "registry.example.com/shop"}],
    "volumes": [{"name": "files", "image": {"reference": IMAGE, "pullPolicy": "Always"}}],
}
IN_POD = [
    ("containers", 0, "image"),
    ("ephemeralContainers", 0, "image"),
    ("initContainers", 0, "image"),
    ("volumes", 0, "image", "reference"),
]


def paths(manifest: dict[str, Any], *rules: ImageRule) -> list[tuple[str | int, ...]]:
    return sorted((field.path for field in image_fields(manifest, rules)), key=str)


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("Pod", ("spec",)),
        ("Deployment", ("spec", "template", "spec")),
        ("CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
        ("PodTemplate", ("template", "spec")),
        ("Rollout", ("spec", "workload", "podTemplate", "spec")),
    ],
)
def test_all_places_of_a_pod_wherever_it_is(kind: str, at: tuple[str, ...]) -> None:
    value: Any = POD
    for key in reversed(at):
        value = {key: value}
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, **value}
    assert paths(manifest) == [(*at, *path) for path in IN_POD]


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"image": IMAGE}, [("image",)]),
        ({"workerImage": IMAGE}, [("workerImage",)]),
        ({"images": [IMAGE, IMAGE]}, [("images", 0), ("images", 1)]),
        ({"image": {"repository": "shop", "tag": "1"}}, [("image",)]),
        ({"nodes": [{"image": {"name": "shop"}}]}, [("nodes", 0, "image")]),
        ({"imagePullSecret": "shop", "imageID": "x", "version": IMAGE}, []),
    ],
)
def test_fields_of_custom_resources_whose_key_speaks_of_an_image(
    spec: dict[str, Any], found: list[tuple[str | int, ...]]
) -> None:
    manifest = {"apiVersion": "example.com/v1", "kind": "Database", "spec": spec, "status": {"image": IMAGE}}
    assert paths(manifest) == [("spec", *path) for path in found]


@pytest.mark.parametrize("kind", ["Database", "Database.example.com", "*"])
def test_a_rule_names_a_field(kind: str) -> None:
    manifest = {
        "apiVersion": "example.com/v1",
        "kind": "Database",
        "spec": {"engine": IMAGE, "nodes": [{"runtime": IMAGE}, {"runtime": None}, {}], "by": {"a/b": IMAGE}},
    }
    assert paths(manifest, ImageRule(kind, "/spec/engine")) == [("spec", "engine")]
    assert paths(manifest, ImageRule(kind, "/spec/nodes/*/runtime")) == [("spec", "nodes", 0, "runtime")]
    assert paths(manifest, ImageRule(kind, "/spec/nodes/0/runtime")) == [("spec", "nodes", 0, "runtime")]
    assert paths(manifest, ImageRule(kind, "/spec/by/a~1b")) == [("spec", "by", "a/b")]
    assert paths(manifest, ImageRule("Database.example.org", "/spec/engine")) == []
    assert paths(manifest, *[ImageRule(kind, "/spec/engine")] * 2) == [("spec", "engine")]


@pytest.mark.parametrize("key", ["data", "stringData", "binaryData"])
@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_the_data_of_an_app_is_its_own(kind: str, key: str) -> None:
    assert paths({"apiVersion": "v1", "kind": kind, key: {"image": IMAGE}}) == []


def test_the_objects_of_lists_in_lists() -> None:
    job = {"apiVersion": "batch/v1", "kind": "Job"}
    value = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [job, {"apiVersion": "v1", "kind": "PodList", "items": [{"spec": POD}, None]}],
    }
    found = list(objects_in(value))
    assert [path for path, _ in found] == [("items", 0), ("items", 1, "items", 0)]
    assert [each["kind"] for _, each in found] == ["Job", "Pod"]
