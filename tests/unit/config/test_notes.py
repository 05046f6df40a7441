"""Notes of towpath.yaml: keys that only the machine may say, and environments of one namespace name."""

import re

import pytest

from towpath.config import parse_config
from towpath.config.checks import shared_namespaces
from towpath.config.deprecations import deprecation_notes

TEXT = "apiVersion: towpath.dev/%s\nenvironments:\n  - {name: dev, namespace: dev}\n"


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("context: prod-eu", ["`context` is not obeyed.*TOWPATH_CONTEXT, --context, or `cluster.context`"]),
        ("context: null", ["`context` is not obeyed"]),
        ("kubeconfig: /k", ["`kubeconfig` is not obeyed.*KUBECONFIG, or `cluster.kubeconfig`"]),
        ("kubeconfig: in-cluster", ["`kubeconfig` is not obeyed"]),
        ("allowExec: true", ["`allowExec` is not obeyed.*TOWPATH_ALLOW_EXEC=1, or `cluster.allowExec`"]),
        ("allowExec: false", ["`allowExec` is not obeyed"]),
        ("allowExec: true, kubeconfig: /k", ["`kubeconfig`", "`allowExec`"]),
        ("drift: report", []),
    ],
)
def test_each_key_that_is_not_obeyed_is_noted(version: str, keys: str, told: list[str]) -> None:
    notes = list(deprecation_notes(f"{TEXT % version}  - {{name: prod, namespace: prod, {keys}}}\n"))
    if version == "v1":
        assert "`towpath migrate`" in notes.pop(0)
    assert len(notes) == len(told)
    for note, part in zip(notes, told, strict=True):
        assert re.search(f"^towpath.yaml:4: {part}", note)


@pytest.mark.parametrize(
    ("namespaces", "told"),
    [
        (("a", "b", "c"), []),
        (("a", "a", "c"), ["environments a1, a2 have the same namespace"]),
        (("a", "b", "a"), ["environments a1, a3 have the same namespace"]),
        (("a", "a", "a"), ["environments a1, a2, a3 have the same namespace"]),
        (("a", "b", "b", "a"), ["environments a1, a4 have", "environments b2, b3 have"]),
    ],
)
def test_environments_of_one_namespace_name_are_noted(namespaces: tuple[str, ...], told: list[str]) -> None:
    entries = "".join(
        f"  - {{name: {namespace}{index}, namespace: {namespace}}}\n"
        for index, namespace in enumerate(namespaces, start=1)
    )
    notes = list(shared_namespaces(parse_config(f"apiVersion: towpath.dev/v2\nenvironments:\n{entries}")))
    assert len(notes) == len(told)
    for note, part in zip(notes, told, strict=True):
        assert note.startswith(f"towpath.yaml: {part}")
