"""Large apps that are valid are rendered: what a renderer only reserves does not count against its memory."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.adapters.rendering.test_renderers import TOOLS, config, configmap, write
from towpath.adapters.rendering.renderers import render

KUSTOMIZE = shutil.which("kustomize", path=f"{TOOLS}:/usr/local/bin:/usr/bin")
HELM = shutil.which("helm", path=f"{TOOLS}:/usr/local/bin:/usr/bin")
CHART = {"base/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n"}
WORDS = "What the operator does with this field, and what it is when nobody sets it, in about a line. "


def schema(fields: int, depth: int, indent: int) -> Iterator[str]:
    """The properties of a structural schema, as operators have them: many fields, long descriptions."""
    space = " " * indent
    for n in range(fields):
        yield f"{space}field{n}:\n{space}  description: {WORDS * 4}\n"
        if n % 3 or not depth:
            yield f"{space}  type: string\n"
        else:
            yield f"{space}  type: object\n{space}  properties:\n"
            yield from schema(fields, depth - 1, indent + 4)


def definition(name: str, fields: int = 12, depth: int = 3) -> str:
    """A CustomResourceDefinition; the defaults make one of 450 KB."""
    return (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        f"metadata: {{name: {name}s.example.com}}\n"
        f"spec:\n  group: example.com\n  names: {{kind: {name.title()}, plural: {name}s}}\n"
        "  scope: Namespaced\n  versions:\n"
        "    - name: v1\n      served: true\n      storage: true\n      schema:\n"
        "        openAPIV3Schema:\n          type: object\n          properties:\n"
        + "".join(schema(fields, depth, 12))
    )


def many_definitions() -> dict[str, str]:
    names = [f"kind{chr(97 + n)}" for n in range(10)]
    listed = ", ".join(f"{name}.yaml" for name in names)
    return {
        "dev/kustomization.yaml": f"resources: [{listed}]\n",
        **{f"dev/{name}.yaml": definition(name) for name in names},
    }


def big_configmap() -> dict[str, str]:
    generators = "".join(f"- {{name: c{n}, files: [big{n}]}}\n" for n in range(6))
    return {
        "dev/kustomization.yaml": f"configMapGenerator:\n{generators}",
        **{f"dev/big{n}": f"line {n} of a file that is long\n" * 33_000 for n in range(6)},
    }


def long_lists() -> dict[str, str]:
    rules = "".join(f"    - {{alert: A{n}, expr: 'up == {n}', for: 5m}}\n" for n in range(12_000))
    rule = f"apiVersion: example.com/v1\nkind: Rules\nmetadata: {{name: r}}\nspec:\n  rules:\n{rules}"
    return {"dev/kustomization.yaml": "namespace: dev\nresources: [a.yaml]\n", "dev/a.yaml": rule}


def deep_overlays() -> dict[str, str]:
    objects = "---\n".join(configmap(f"c{n}") + f"data: {{a: {'x' * 500}}}\n" for n in range(200))
    files = {"level0/kustomization.yaml": "resources: [a.yaml]\n", "level0/a.yaml": objects}
    for n in range(1, 13):
        files[f"level{n}/kustomization.yaml"] = (
            f"resources: [../level{n - 1}]\nnamePrefix: p{n}-\ncommonAnnotations: {{level{n}: 'yes'}}\n"
        )
    return {**files, "dev/kustomization.yaml": "namespace: dev\nresources: [../level12]\n"}


def many_objects() -> dict[str, str]:
    objects = "---\n".join(configmap(f"c{n}") + "data: {a: b}\n" for n in range(500))
    return {"dev/kustomization.yaml": "namespace: dev\nresources: [a.yaml]\n", "dev/a.yaml": objects}


def many_values() -> dict[str, str]:
    template = (
        "{{- range $name, $value := .Values.all }}\n---\napiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: {{ $name }}}\ndata:\n  {{- toYaml $value | nindent 2 }}\n{{- end }}\n"
    )
    value = "".join(f"    key{n}: a value of some length, {n}\n" for n in range(40))
    values = "all:\n" + "".join(f"  c{n}:\n{value}" for n in range(1_000))
    return {**CHART, "base/templates/a.yaml": template, "dev/values.yaml": values}


def chart_of_definitions() -> dict[str, str]:
    names = [f"kind{chr(97 + n)}" for n in range(8)]
    crds = {f"base/crds/{name}.yaml": definition(name) for name in names}
    return {**CHART, **crds, "base/templates/a.yaml": configmap("a"), "dev/values.yaml": "{}\n"}


def chart_with_a_big_file() -> dict[str, str]:
    data = '  a: {{ .Files.Get "big" | b64enc }}\n  b: {{ .Files.Get "big" | quote }}\n'
    return {
        **CHART,
        "base/big": "line of a file that is long\n" * 30_000,
        "base/templates/a.yaml": f"{configmap('a')}data:\n{data}",
        "dev/values.yaml": "{}\n",
    }


@pytest.mark.parametrize(
    ("renderer", "files", "objects"),
    [
        pytest.param("kustomize", many_definitions, 10, id="ten definitions of 4.5 MB"),
        pytest.param("kustomize", big_configmap, 6, id="six ConfigMaps of 1 MB"),
        pytest.param("kustomize", long_lists, 1, id="list of 12,000 entries"),
        pytest.param("kustomize", deep_overlays, 200, id="200 objects in 13 overlays"),
        pytest.param("kustomize", many_objects, 500, id="500 objects"),
        pytest.param("helm", many_values, 1_000, id="40,000 values of a chart"),
        pytest.param("helm", chart_of_definitions, 9, id="eight definitions of a chart"),
        pytest.param("helm", chart_with_a_big_file, 1, id="file of 840 KB in a template"),
    ],
)
def test_large_apps_are_rendered(
    tmp_path: Path, renderer: str, files: Callable[[], dict[str, str]], objects: int
) -> None:
    if not {"kustomize": KUSTOMIZE, "helm": HELM}[renderer]:
        pytest.skip(f"needs {renderer}")
    write(tmp_path, files())
    assert len(render(tmp_path, *config(renderer), tools=TOOLS)) == objects
