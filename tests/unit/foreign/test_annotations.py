"""Annotations of other tools are told with their lines, in every form of YAML and in templates."""

import pytest

from towpath.foreign.annotations import told_annotations


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('    argocd.argoproj.io/sync-wave: "1"', "argocd.argoproj.io/sync-wave"),
        ("  annotations: {'argocd.argoproj.io/hook': PreSync}", "argocd.argoproj.io/hook"),
        ('{"argocd.argoproj.io/sync-options":"Prune=false"}', "argocd.argoproj.io/sync-options"),
        ("    argocd.argoproj.io/new-thing: {{ .Values.x }}", "argocd.argoproj.io/new-thing"),
        ("    kustomize.toolkit.fluxcd.io/prune: disabled", "kustomize.toolkit.fluxcd.io/prune"),
        ("    kustomize.toolkit.fluxcd.io/ssa : Merge", "kustomize.toolkit.fluxcd.io/ssa"),
    ],
)
def test_an_annotation_is_told(line: str, key: str) -> None:
    (note,) = told_annotations({"a.yaml": f"kind: Job\n{line}\n".encode(), "b.yaml": b"\xff"})
    assert (note.file, note.line) == ("a.yaml", 2)
    assert f"`{key}` has no effect" in note.message


@pytest.mark.parametrize(
    "line",
    [
        "apiVersion: kustomize.toolkit.fluxcd.io/v1",
        "# see https://argocd.argoproj.io/docs",
        "a: argocd.argoproj.io/x",
    ],
)
def test_what_is_none_is_not(line: str) -> None:
    assert [*told_annotations({"a.yaml": line.encode()})] == []
