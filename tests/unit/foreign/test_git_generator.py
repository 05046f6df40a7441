"""Folders and files that a git generator takes."""

from pathlib import Path

import pytest

from tests.unit.foreign.definitions import definitions
from towpath.foreign.definition import Fields
from towpath.foreign.git_generator import GitTree, git_parameters

FILES = ("a/x.json", "a/b/x.json", "a/b/c/y.yaml", "a/b/c/z.txt", "x.json", ".hidden/x.json")


@pytest.mark.parametrize(
    ("git", "found"),
    [
        ("files: [{path: 'a/*.json'}]", ["a/x.json"]),
        ("files: [{path: '**/x.json'}]", ["a/b/x.json", "a/x.json", "x.json"]),
        ("files: [{path: 'a/**/x.json'}]", ["a/b/x.json", "a/x.json"]),
        ("files: [{path: 'a/**'}, {path: 'a/b/**/y.*', exclude: true}]", ["a/b/x.json", "a/x.json"]),
        ("directories: [{path: a/*}]", ["a/b"]),
        ("directories: [{path: '*'}, {path: '*/*/*'}]", ["a", "a/b/c"]),
        ("directories: [{path: '**'}]", ["a"]),
        (f"files: [{{path: '{'**/' * 40}none'}}]", []),
        ("files: []", []),
    ],
)
def test_patterns(tmp_path: Path, git: str, found: list[str]) -> None:
    for path in FILES:
        (tmp_path / "repo" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / path).write_text("{a: b}")
    (tmp_path / "repo/link").symlink_to(tmp_path / "repo/a")
    head = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: a}\n"
    (definition,), notes = definitions(tmp_path / "sets", f"{head}spec: {{{git}}}\n")
    fields = Fields(definition, ("spec",), definition.data["spec"], notes)
    assert [path for path, _ in git_parameters(GitTree(tmp_path / "repo"), fields)] == found
    assert notes == []
