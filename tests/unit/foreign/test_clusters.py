"""Clusters of Argo CD: known by their Secrets, chosen by labels, and no credential is looked at."""

import base64
from pathlib import Path

import pytest

from tests.unit.foreign.definitions import definitions
from towpath.foreign.clusters import KnownCluster, by_name, read_clusters, selected
from towpath.foreign.definition import Fields, Note

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: %s
  labels: {argocd.argoproj.io/secret-type: cluster, env: %s}
stringData: {name: %s, server: '%s', config: '{"bearerToken": "hunter2-and-more"}'}
---
"""
EU = SECRET % ("eu", "prod", "eu", "https://eu.example.com")
US = SECRET % ("us", "dev", "us", "https://me:hunter2@us.example.com")
LOCAL = SECRET % ("here", "dev", "tools", "https://kubernetes.default.svc")


def read(tmp_path: Path, text: str) -> tuple[list[KnownCluster], list[Note]]:
    notes: list[Note] = []
    (tmp_path / "clusters.yaml").write_text(text)
    return read_clusters(tmp_path, notes), notes


def chosen(tmp_path: Path, generator: str, text: str) -> tuple[list[str], list[Note]]:
    clusters, _ = read(tmp_path, text)
    set_text = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: a}\n"
    (definition,), notes = definitions(tmp_path / "sets", f"{set_text}spec: {{clusters: {{{generator}}}}}\n")
    fields = Fields(definition, ("spec", "clusters"), definition.data["spec"]["clusters"], notes)
    return [each.name for each in selected(fields, clusters)], notes


def test_secrets_are_read_without_their_credentials(tmp_path: Path) -> None:
    encoded = base64.b64encode(b"https://ap.example.com").decode()
    ap = (
        "apiVersion: v1\nkind: Secret\n"
        "metadata: {name: ap, labels: {argocd.argoproj.io/secret-type: cluster}}\n"
        f"data: {{server: {encoded}, config: aHVudGVyMg==, project: '!!'}}\n---\n"
    )
    other = "kind: Secret\nmetadata: {name: x, labels: {argocd.argoproj.io/secret-type: repository}}\n"
    found, notes = read(tmp_path, EU + US + ap + other)
    assert [(each.name, each.server) for each in found] == [
        ("eu", "https://eu.example.com"),
        ("us", "https://us.example.com"),
        ("https://ap.example.com", "https://ap.example.com"),
    ]
    assert found[0].parameters()["metadata"]["labels"]["env"] == "prod"
    assert found[2].parameters()["nameNormalized"] == "https---ap.example.com"
    assert [each.line for each in notes] == [1, 8, 15]
    assert all("credentials are not carried over" in each.message for each in notes)
    assert "hunter2" not in f"{found}{notes}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "kind: Secret\nmetadata: {name: a, labels: {argocd.argoproj.io/secret-type: cluster}}\n",
            "no `server`",
        ),
        (
            "kind: Secret\nmetadata: {name: a, labels: {argocd.argoproj.io/secret-type: cluster}}\n"
            "data: {server: '%%%'}\n",
            "no `server`",
        ),
        (
            "kind: SealedSecret\nspec:\n  template:\n    metadata:\n"
            "      labels: {argocd.argoproj.io/secret-type: cluster}\n",
            "is not known here",
        ),
    ],
)
def test_what_says_no_cluster_is_told(tmp_path: Path, text: str, said: str) -> None:
    found, (note,) = read(tmp_path, text)
    assert found == []
    assert said in note.message


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("matchLabels: {env: prod}", ["eu"]),
        ("matchLabels: {argocd.argoproj.io/secret-type: cluster}", ["eu", "us", "tools"]),
        ("matchExpressions: [{key: env, operator: In, values: [prod, x]}]", ["eu"]),
        ("matchExpressions: [{key: env, operator: NotIn, values: [prod]}]", ["us", "tools"]),
        ("matchExpressions: [{key: env, operator: Exists}], matchLabels: {env: dev}", ["us", "tools"]),
        ("matchExpressions: [{key: none, operator: DoesNotExist}]", ["eu", "us", "tools"]),
    ],
)
def test_labels_choose(tmp_path: Path, selector: str, names: list[str]) -> None:
    assert chosen(tmp_path, f"selector: {{{selector}}}", EU + US + LOCAL) == (names, [])


@pytest.mark.parametrize(
    ("generator", "text", "names", "said"),
    [
        ("", "", ["in-cluster"], "takes all clusters of Argo CD"),
        ("", EU, ["in-cluster", "eu"], ""),
        ("", EU + LOCAL, ["eu", "tools"], ""),
        ("selector: {matchLabels: {env: none}}", EU, [], "selects no cluster whose Secret"),
        ("selector: {matchLabels: {env: prod}}", "", [], "selects no cluster whose Secret"),
        ("selector: {matchExpressions: [{key: env, operator: Gt}]}", EU, [], "operator that is not known"),
    ],
)
def test_the_own_cluster_and_what_is_not_known(
    tmp_path: Path, generator: str, text: str, names: list[str], said: str
) -> None:
    found, notes = chosen(tmp_path, generator, text)
    assert found == names
    assert [said in each.message for each in notes] == ([True] if said else [])


def test_one_cluster_has_one_name(tmp_path: Path) -> None:
    found, _ = read(tmp_path, EU + LOCAL)
    assert by_name(found) == {"https://eu.example.com": "eu", "tools": ""}
