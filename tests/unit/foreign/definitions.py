"""Definitions for tests, as files have them."""

from pathlib import Path

from towpath.foreign.definition import Definition, Note, read_definitions

URL = "https://git.example.com/team/gitops.git"


def definitions(folder: Path, text: str) -> tuple[list[Definition], list[Note]]:
    """Those of one file."""
    notes: list[Note] = []
    folder.mkdir(exist_ok=True)
    (folder / "apps.yaml").write_text(text)
    return read_definitions(folder, notes), notes


def application_text(spec: str) -> str:
    """An Application whose spec is this flow mapping's content."""
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\n"
        f"spec: {{{spec}}}\n"
    )
