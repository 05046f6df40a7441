"""What HelmReleases and Kustomizations of Flux deploy, with the sources that they name."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.foreign.definitions import URL, definitions
from towpath.foreign import flux
from towpath.foreign.definition import Note
from towpath.foreign.deployment import ChartSource, Deployment, Destination, GitSource, LocalSource


def _source(kind: str, name: str, spec: str) -> str:
    head = f"apiVersion: source.toolkit.fluxcd.io/v1\nkind: {kind}\n"
    return f"---\n{head}metadata: {{name: {name}, namespace: flux-system}}\nspec: {{{spec}}}\n"


SOURCES = "".join(
    [
        _source("HelmRepository", "charts", "url: https://e.com/charts"),
        _source("HelmRepository", "oci", "type: oci, url: 'oci://r.io/charts', secretRef: {name: x}"),
        _source("OCIRepository", "one", "url: 'oci://r.io/charts/podinfo', ref: {semver: 6.x}"),
        _source("OCIRepository", "digest", "url: 'oci://r.io/charts/podinfo', ref: {digest: sha256:1}"),
        _source("GitRepository", "here", f"url: '{URL}'"),
        _source("GitRepository", "there", "url: https://e.com/x.git, ref: {branch: b, semver: ^1}"),
        _source("Bucket", "bucket", "endpoint: e.com"),
    ]
)
CHARTS = "sourceRef: {kind: HelmRepository, name: charts"


def release(
    tmp_path: Path, spec: str, metadata: str = "name: podinfo, namespace: web"
) -> tuple[Any, list[Note]]:
    head = f"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{{metadata}}}\n"
    found, notes = definitions(tmp_path / "x", f"{head}spec: {{{spec}}}\n{SOURCES}")
    return flux.helm_release(found[0], found[1:], [URL], notes), notes


def kustomization(tmp_path: Path, spec: str) -> tuple[Deployment | None, list[Note]]:
    head = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web}\n"
    found, notes = definitions(tmp_path / "x", f"{head}spec: {{{spec}}}\n{SOURCES}")
    return flux.kustomization(found[0], found[1:], [URL], notes), notes


@pytest.mark.parametrize(
    ("spec", "source"),
    [
        (
            f"chart: podinfo, version: '>=6', {CHARTS}, namespace: flux-system}}",
            ChartSource("podinfo", ">=6", "https://e.com/charts"),
        ),
        (f"chart: podinfo, {CHARTS}}}", ChartSource("podinfo", "*", "https://e.com/charts")),
        (
            "chart: podinfo, version: 6.1.0, sourceRef: {kind: HelmRepository, name: oci}",
            ChartSource("podinfo", "6.1.0", oci="r.io/charts/podinfo"),
        ),
        ("OCI", ChartSource("podinfo", "6.x", oci="r.io/charts/podinfo")),
        (
            "chart: ./charts/podinfo, sourceRef: {kind: GitRepository, name: here}",
            LocalSource("charts/podinfo"),
        ),
        (
            "chart: charts/podinfo, sourceRef: {kind: GitRepository, name: there}",
            GitSource("https://e.com/x.git", "^1", "charts/podinfo"),
        ),
    ],
)
def test_where_a_chart_comes_from(tmp_path: Path, spec: str, source: Any) -> None:
    where = f"chart: {{spec: {{{spec}}}}}" if spec != "OCI" else "chartRef: {kind: OCIRepository, name: one}"
    deployment, _ = release(tmp_path, f"interval: 5m, values: {{a: 1}}, {where}")
    assert (deployment.source, deployment.values, deployment.renderer) == (source, {"a": 1}, "helm")
    assert (deployment.destination, deployment.manager) == (Destination("", "web"), "helm-controller")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("values: {a: 1}", "it may be a patch"),
        ("chartRef: {kind: OCIRepository, name: digest}", "names no version"),
        ("chartRef: {kind: HelmChart, name: x}", "not in the files"),
        ("chart: {spec: {chart: x, sourceRef: {kind: HelmRepository, name: none}}}", "not in the files"),
        ("chart: {spec: {chart: x, sourceRef: {kind: Bucket, name: bucket}}}", "has no counterpart"),
    ],
)
def test_a_release_that_cannot_be_carried_over_is_told(tmp_path: Path, spec: str, said: str) -> None:
    deployment, notes = release(tmp_path, spec)
    assert deployment is None
    assert any(said in each.message for each in notes)


def test_fields_without_counterpart_are_told(tmp_path: Path) -> None:
    spec = (
        "chartRef: {kind: OCIRepository, name: one}, valuesFrom: [{kind: Secret}],"
        " dependsOn: [{name: a}], suspend: true, postRenderers: [{}],"
        " driftDetection: {mode: warn}, timeout: 5m, releaseName: web"
    )
    deployment, notes = release(tmp_path, spec)
    assert (deployment.heals, deployment.release) == (False, "web")
    told = {each.message.split("`")[1] for each in notes}
    assert told == {"spec.valuesFrom", "spec.suspend", "spec.postRenderers"}
    assert deployment.depends_on == ("a",)
    assert "names no namespace" in release(tmp_path, spec, "name: podinfo")[1][-1].message


def test_a_kustomization(tmp_path: Path) -> None:
    spec = "path: ./web/, prune: true, interval: 5m, sourceRef: {kind: GitRepository, name: flux-system}"
    deployment, notes = kustomization(tmp_path, f"{spec}, targetNamespace: web, namePrefix: a-")
    assert deployment is not None
    assert (deployment.source, deployment.overlay) == (
        LocalSource("web"),
        {"namePrefix": "a-", "namespace": "web"},
    )
    assert notes == []
    other = "path: base, sourceRef: {kind: GitRepository, name: there}, postBuild: {substitute: {a: b}}"
    deployment, notes = kustomization(tmp_path, f"{other}, decryption: {{provider: sops}}")
    assert deployment is not None
    assert deployment.source == GitSource("https://e.com/x.git", "^1", "base")
    assert {each.message.split("`")[1] for each in notes} == {
        "spec.postBuild",
        "spec.decryption",
        "spec.prune",
    }
    deployment, notes = kustomization(tmp_path, "path: x, sourceRef: {kind: OCIRepository, name: one}")
    assert deployment is None
    assert "OCIRepository" in notes[0].message


def test_a_release_in_another_namespace_has_that_in_its_name(tmp_path: Path) -> None:
    deployment, _ = release(tmp_path, "chartRef: {kind: OCIRepository, name: one}, targetNamespace: far")
    assert (deployment.release, deployment.destination.namespace) == (f"far-{deployment.app}", "far")
