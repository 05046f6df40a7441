"""Reads a repository of Argo CD or Flux: what it deploys where, and what is not carried over."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from towpath.adapters.rendering import kustomization as kustomize
from towpath.adapters.rendering.sources import Sources
from towpath.errors import ConfigError
from towpath.foreign import flux
from towpath.foreign.application import application
from towpath.foreign.application_set import applications
from towpath.foreign.definition import Definition, Note, read_definitions
from towpath.foreign.deployment import Deployment, LocalSource
from towpath.yamltext.manifest_reader import load_documents

KUSTOMIZE_FILES = kustomize.NAMES
_WITHOUT = {
    "AppProject": "its limits are `allowClusterScoped` and the policy here",
    "Bucket": "fetch it yourself",
}


def collect(root: Path, urls: Iterable[str]) -> tuple[list[Deployment], list[Note]]:
    """The deployments of a repository that has the addresses `urls`, and the notes, both in their order."""
    notes: list[Note] = []
    urls = tuple(urls)
    definitions = read_definitions(root, notes)
    sources = [each for each in definitions if each.kind in flux.SOURCES]
    deployments: list[Deployment | None] = []
    for each in definitions:
        if each.kind == "Application":
            deployments.append(application(each, urls, notes))
        elif each.kind == "ApplicationSet":
            made = applications(root, each, urls, notes)
            deployments += [application(one, urls, notes, app=each.name) for one in made]
        elif each.kind == "HelmRelease":
            deployments.append(flux.helm_release(each, sources, urls, notes))
        elif each.kind == "Kustomization" and ".toolkit.fluxcd.io/" in str(each.data.get("apiVersion")):
            deployment = flux.kustomization(each, sources, urls, notes)
            deployments.append(_plain_objects(root, deployment, definitions, notes) if deployment else None)
        elif each.kind not in flux.SOURCES:
            more = f": {_WITHOUT[each.kind]}" if each.kind in _WITHOUT else ""
            notes.append(each.note((), f"has no counterpart{more}"))
    return [each for each in deployments if each], sorted(set(notes))


def _plain_objects(
    root: Path, deployment: Deployment, definitions: Iterable[Definition], notes: list[Note]
) -> Deployment | None:
    """The deployment of a Flux Kustomization, if its files are no definitions themselves."""
    origin, source = deployment.origin, deployment.source
    if not isinstance(source, LocalSource):
        return _with_namespace(deployment, "", notes)
    folder = source.path
    try:
        read = read_folder(root, folder)
    except ConfigError as error:
        notes.append(origin.note(("spec", "path"), f"{error.problems[0]}; it is not carried over"))
        return None
    inside = {each.file for each in definitions} & set(read)
    if inside:
        # Its HelmReleases and Kustomizations are definitions of their own.
        if deployment.overlay.keys() - {"namespace"}:
            notes.append(
                origin.note(("spec",), "changes definitions of Flux, which are taken as they are in files")
            )
        return None
    return _with_namespace(deployment, _namespace_of(folder, read), notes)


def _with_namespace(deployment: Deployment, namespace: str, notes: list[Note]) -> Deployment | None:
    place = deployment.destination
    if place.namespace:
        return deployment
    if not namespace:
        notes.append(deployment.origin.note(("spec",), "names no namespace; it is not carried over"))
        return None
    return replace(deployment, destination=replace(place, namespace=namespace))


def read_folder(root: Path, folder: str) -> Mapping[str, bytes]:
    """All files that building a folder reads: of its kustomization, else all manifests in it.

    Raises ConfigError, also for what is remote.
    """
    sources = Sources(root)
    if not (root / folder).is_dir():
        raise ConfigError("there is no such folder", file=folder)
    if any((root / folder / name).is_file() for name in KUSTOMIZE_FILES):
        kustomize.scan(sources, folder)
    else:
        for path in sources.walk(folder):
            if path.endswith((".yaml", ".yml", ".json")):
                sources.read(path, file=path)
    return {path: sources.content(path) for path in sources.files}


def read_chart(root: Path, folder: str) -> Mapping[str, bytes]:
    """All files of a chart."""
    sources = Sources(root)
    return {path: sources.read(path, file=path) for path in sources.walk(folder, hidden=True)}


def _namespace_of(folder: str, read: Mapping[str, bytes]) -> str:
    """The one namespace that a kustomization sets, or that all objects name."""
    for name in KUSTOMIZE_FILES:
        text = read.get(f"{folder}/{name}")
        if text:
            data = load_documents(text, f"{folder}/{name}")
            if data and isinstance(data[0].value, dict) and data[0].value.get("namespace"):
                return str(data[0].value["namespace"])
    named: set[str] = set()
    for path, content in read.items():
        if path.endswith((".yaml", ".yml")) and path.rpartition("/")[2] not in KUSTOMIZE_FILES:
            for document in load_documents(content, path):
                metadata = document.value.get("metadata") if isinstance(document.value, dict) else None
                if isinstance(metadata, dict) and metadata.get("namespace"):
                    named.add(str(metadata["namespace"]))
    return named.pop() if len(named) == 1 else ""
