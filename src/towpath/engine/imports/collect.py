"""Reads a repository of Argo CD or Flux: what it deploys where, and what is not carried over."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from towpath.engine.imports.folders import has_file, namespace_in, read_folder
from towpath.errors import ConfigError
from towpath.foreign import flux
from towpath.foreign.application import MANAGER, application
from towpath.foreign.application_set import applications
from towpath.foreign.clusters import by_name, read_clusters
from towpath.foreign.definition import Definition, Note, read_definitions
from towpath.foreign.deployment import Deployment, LocalSource, app_name

_WITHOUT = {
    "AppProject": "its limits are `allowClusterScoped` and the policy here",
    "Bucket": "fetch it yourself",
}


def collect(root: Path, urls: Iterable[str]) -> tuple[list[Deployment], list[Note]]:
    """The deployments of a repository that has the addresses `urls`, and the notes, both in their order."""
    notes: list[Note] = []
    urls = tuple(urls)
    definitions, clusters = read_definitions(root, notes), read_clusters(root, notes)
    sources = [each for each in definitions if each.kind in flux.SOURCES]
    deployments: list[Deployment | None] = []
    for each in definitions:
        if each.kind == "Application":
            deployments.append(_settled(root, application(each, urls, notes), definitions, notes))
        elif each.kind == "ApplicationSet":
            made = applications(root, each, urls, notes, clusters)
            several = [application(one.application, urls, notes, app=one.app) for one in made]
            deployments += [_settled(root, one, definitions, notes) for one in several]
        elif each.kind == "HelmRelease":
            deployments.append(flux.helm_release(each, sources, urls, notes))
        elif each.kind == "Kustomization" and ".toolkit.fluxcd.io/" in str(each.data.get("apiVersion")):
            deployment = flux.kustomization(each, sources, urls, notes)
            deployments.append(_settled(root, deployment, definitions, notes))
        elif each.kind not in flux.SOURCES:
            more = f": {_WITHOUT[each.kind]}" if each.kind in _WITHOUT else ""
            notes.append(each.note((), f"has no counterpart{more}"))
    named = _with_names([each for each in deployments if each], by_name(clusters))
    return _called_as_released(_of_one_cluster(named)), sorted(set(notes))


def _with_names(deployments: list[Deployment], names: Mapping[str, str]) -> list[Deployment]:
    """With clusters as their Secrets call them: an Application may name one by its address, too."""
    return [
        replace(each, destination=replace(each.destination, cluster=names[each.destination.cluster]))
        if each.manager == MANAGER and each.destination.cluster in names
        else each
        for each in deployments
    ]


def _of_one_cluster(deployments: list[Deployment]) -> list[Deployment]:
    """Without the cluster that folders of Flux say, where it is only one: releases do not say it."""
    named = {each.destination.cluster for each in deployments if each.manager == flux.KUSTOMIZE} - {""}
    if len(named) != 1:
        return deployments
    return [
        replace(each, destination=replace(each.destination, cluster=""))
        if each.manager == flux.KUSTOMIZE
        else each
        for each in deployments
    ]


def _called_as_released(deployments: list[Deployment]) -> list[Deployment]:
    """With the name of its one Helm release for each app, if no other app has or wants it.

    Charts make names of objects of it, which would change otherwise.
    """
    releases: dict[str, set[str]] = {}
    for each in deployments:
        releases.setdefault(each.app, set()).add(each.release or each.app)
    wanted = {app: next(iter(names)) for app, names in releases.items() if len(names) == 1}
    count = Counter([*releases, *(name for app, name in wanted.items() if name != app)])
    names = {app: name for app, name in wanted.items() if count[name] == 1 and app_name(name) == name}
    return [replace(each, app=names.get(each.app, each.app)) for each in deployments]


def _settled(
    root: Path, deployment: Deployment | None, definitions: Iterable[Definition], notes: list[Note]
) -> Deployment | None:
    """The deployment with its namespace; None if its files are definitions, of which each counts itself."""
    if deployment is None:
        return None
    origin, source = deployment.origin, deployment.source
    if not isinstance(source, LocalSource) or has_file(root, f"{source.path}/Chart.yaml"):
        return _with_namespace(deployment, "", notes)
    try:
        read = read_folder(root, source.path)
    except ConfigError as error:
        notes.append(origin.note(("spec",), f"{error.problems[0]}; it is not carried over"))
        return None
    if {each.file for each in definitions} & set(read):
        if deployment.overlay.keys() - {"namespace"}:
            notes.append(origin.note(("spec",), "changes definitions, which are taken as they are in files"))
        return None
    return _with_namespace(deployment, namespace_in(source.path, read), notes)


def _with_namespace(deployment: Deployment, namespace: str, notes: list[Note]) -> Deployment | None:
    place = deployment.destination
    if place.namespace:
        return deployment
    if not namespace:
        notes.append(deployment.origin.note(("spec",), "names no namespace; it is not carried over"))
        return None
    return replace(deployment, destination=replace(place, namespace=namespace))
