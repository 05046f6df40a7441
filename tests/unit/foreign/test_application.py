"""What an Application of Argo CD deploys; what has no counterpart is told, never dropped silently."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.foreign.definitions import URL, application_text, definitions
from towpath.foreign.application import application
from towpath.foreign.definition import Note
from towpath.foreign.deployment import ChartSource, Deployment, Destination, GitSource, LocalSource

PLACE = "destination: {name: in-cluster, namespace: shop}"
HERE = f"{PLACE}, source: {{repoURL: 'git@git.example.com:team/gitops', path: ./shop/}}"
CHARTS, OTHER = "repoURL: https://e.com/charts", "repoURL: https://e.com/other.git"
PRUNES = "automated: {prune: true}"
OCI = "r.example.com/c/x"
AUTOMATED = "syncPolicy: {automated: {prune: true, selfHeal: true}}"


def read(tmp_path: Path, spec: str) -> tuple[Deployment | None, list[Note]]:
    (definition,), notes = definitions(tmp_path / "x", application_text(spec))
    return application(definition, [URL], notes), notes


def test_an_application_without_anything_special_has_no_notes(tmp_path: Path) -> None:
    deployment, notes = read(tmp_path, f"project: default, {HERE}, {AUTOMATED}, revisionHistoryLimit: 3")
    assert notes == []
    assert deployment is not None
    assert (deployment.app, deployment.destination) == ("shop", Destination("", "shop"))
    assert (deployment.source, deployment.heals, deployment.manager) == (
        LocalSource("shop"),
        True,
        "argocd-controller",
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"{CHARTS}, chart: x, targetRevision: 1.*", ChartSource("x", "1.*", "https://e.com/charts")),
        ("repoURL: r.example.com/c, chart: x, targetRevision: 1.2.3", ChartSource("x", "1.2.3", oci=OCI)),
        ("repoURL: 'oci://r.example.com/c/', chart: x", ChartSource("x", "*", oci=OCI)),
        (f"{OTHER}, path: a/b, targetRevision: v1", GitSource("https://e.com/other.git", "v1", "a/b")),
        (f"{OTHER}, path: ., targetRevision: HEAD", GitSource("https://e.com/other.git", "main", "")),
        ("repoURL: HTTPS://git.example.com/team/gitops, path: .", LocalSource(".")),
        ("repoURL: 'ssh://git@git.example.com/team/gitops.git', path: a", LocalSource("a")),
    ],
)
def test_where_it_comes_from(tmp_path: Path, source: str, expected: Any) -> None:
    deployment, _ = read(tmp_path, f"{PLACE}, {AUTOMATED}, source: {{{source}}}")
    assert deployment is not None
    assert deployment.source == expected


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (f"{PLACE}, sources: [{{repoURL: x}}]", "several sources"),
        (f"{PLACE}, source: {{repoURL: '{URL}', path: x, plugin: {{name: cmp}}}}", "`spec.source.plugin`"),
        (f"{PLACE}, source: {{path: y}}", "is missing"),
        (f"{PLACE}", "is missing"),
    ],
)
def test_what_cannot_be_carried_over_is_told(tmp_path: Path, spec: str, said: str) -> None:
    deployment, notes = read(tmp_path, f"{spec}, {AUTOMATED}")
    assert deployment is None
    assert any(said in each.message and (each.file, each.line) == ("apps.yaml", 4) for each in notes)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("project: team", "`spec.project` (team)"),
        ("syncPolicy: {automated: {prune: false}}", "`spec.syncPolicy.automated.prune` is off"),
        ("syncPolicy: {automated: null}", "is not automated"),
        (f"syncPolicy: {{{PRUNES}, syncOptions: [Replace=true]}}", "(Replace=true)"),
        (f"syncPolicy: {{{PRUNES}, managedNamespaceMetadata: {{labels: {{a: b}}}}}}", "managedNamespaceM"),
        ("ignoreDifferences: [{kind: Role, jqPathExpressions: [.x]}]", "`spec.ignoreDifferences.0.jqPath"),
        ("sourceHydrator: {x: y}", "`spec.sourceHydrator`"),
    ],
)
def test_a_field_without_counterpart_is_told_with_its_line(tmp_path: Path, more: str, said: str) -> None:
    deployment, notes = read(tmp_path, f"{HERE},\n  {more}")
    assert deployment is not None
    assert any(said in each.message and each.line == 5 for each in notes), notes


def test_values_of_a_chart(tmp_path: Path) -> None:
    helm = (
        "helm: {releaseName: web, valueFiles: [a.yaml], valuesObject: {image: {tag: old, name: x}},"
        " parameters: [{name: image.tag, value: '1.2'}, {name: shown, value: 'true'},"
        " {name: port, value: '80'}, {name: text, value: '80', forceString: true},"
        " {name: 'a[0].b', value: x}], fileParameters: [{name: x}]}"
    )
    source = f"source: {{repoURL: '{URL}', path: chart, {helm}}}"
    deployment, notes = read(tmp_path, f"{PLACE}, {AUTOMATED}, {source}")
    assert deployment is not None
    assert deployment.values == {
        "image": {"tag": "1.2", "name": "x"},
        "shown": True,
        "port": 80,
        "text": "80",
    }
    assert (deployment.renderer, deployment.release, deployment.value_files) == ("helm", "web", ("a.yaml",))
    assert len(notes) == 2
    source = f"source: {{repoURL: '{URL}', path: chart, helm: {{values: 'a: [1'}}}}"
    _, notes = read(tmp_path, f"{PLACE}, {AUTOMATED}, {source}")
    assert "is no YAML" in notes[0].message


def test_options_of_kustomize(tmp_path: Path) -> None:
    kustomize = (
        "kustomize: {namePrefix: a-, commonLabels: {team: web},"
        " images: ['web=r.io/web:2', 'r.io/db:3', 'q@sha256:1'],"
        " replicas: [{name: web, count: 2}], components: [../c]}"
    )
    deployment, notes = read(
        tmp_path, f"{PLACE}, {AUTOMATED}, source: {{repoURL: '{URL}', path: x, {kustomize}}}"
    )
    assert deployment is not None
    assert deployment.overlay == {
        "namePrefix": "a-",
        "labels": [{"pairs": {"team": "web"}, "includeSelectors": True}],
        "images": [
            {"name": "web", "newName": "r.io/web", "newTag": "2"},
            {"name": "r.io/db", "newTag": "3"},
            {"name": "q", "digest": "sha256:1"},
        ],
        "replicas": [{"name": "web", "count": 2}],
    }
    assert "components" in notes[0].message


def test_ignored_differences_are_rules(tmp_path: Path) -> None:
    rules = (
        "ignoreDifferences: [{group: apps, kind: Deployment, name: web, jsonPointers: [/a, /b],"
        " managedFieldsManagers: [m]}]"
    )
    deployment, notes = read(tmp_path, f"{HERE}, {AUTOMATED}, {rules}")
    assert deployment is not None
    base = {"kind": "Deployment", "name": "web"}
    assert list(deployment.ignore) == [
        {**base, "pointer": "/a"},
        {**base, "pointer": "/b"},
        {**base, "manager": "m"},
    ]
    assert notes == []
