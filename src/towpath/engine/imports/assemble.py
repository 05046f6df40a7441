"""The files of an environment repository for what another one deploys: all in memory, path to content."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from towpath.adapters.rendering.renderers import RECORDS
from towpath.config import parse_config
from towpath.config.keys.fields import RESERVED
from towpath.config.keys.ranges import parse_version
from towpath.engine.imports.configuration import apps_of, environments_of
from towpath.engine.imports.folders import (
    check_inside,
    has_file,
    is_kustomization,
    read_chart,
    read_folder,
    read_manifests,
    resources_of,
)
from towpath.engine.imports.replaced import doubled, on_top, own_kustomization
from towpath.engine.imports.vendored import check_vendored, missing_subcharts, packed, subchart
from towpath.errors import ConfigError, RefusedError
from towpath.foreign.annotations import told_annotations
from towpath.foreign.definition import Note
from towpath.foreign.deployment import (
    ChartSource,
    Deployment,
    Destination,
    GitSource,
    LocalSource,
    app_name,
    merged,
)
from towpath.formats.versions import CONFIG, LATEST, VENDOR, VERSION_KEY
from towpath.vendor.model import COMMIT
from towpath.vendor.tree import Tree
from towpath.yamltext.manifest_reader import load_document
from towpath.yamltext.writer import dump

SOURCES = "sources"
"""Folder of the files that overlays of Kustomize build on, as the former repository has them."""
_HEAD = "# Made by `towpath import`.\n"


@dataclass(slots=True)
class Assembly:
    """What was made so far. `vendored` is by name of the entry, `renderers` by app."""

    root: Path
    notes: list[Note]
    files: dict[str, bytes] = field(default_factory=dict)
    vendored: dict[str, dict[str, Any]] = field(default_factory=dict)
    renderers: dict[str, str] = field(default_factory=dict)
    placed: dict[tuple[str, str], Deployment] = field(default_factory=dict)

    def add(self, deployment: Deployment, environment: str) -> None:
        """Make the files of a deployment, all of them, or none and a note."""
        app = deployment.app
        if (app, environment) in self.placed:
            self._tell(deployment, f"{app} is in {environment} already; it is not carried over")
            return
        try:
            renderer = deployment.renderer or self._renderer(deployment)
            if self.renderers.setdefault(app, renderer) != renderer:
                message = f"is of {renderer}, and {app} is of {self.renderers[app]} elsewhere"
                self._tell(deployment, f"{message}; it is not carried over")
                return
            files = _MAKERS[renderer](self, deployment, environment)
        except ConfigError as error:
            self._tell(deployment, f"{error.problems[0]}; it is not carried over")
            return
        self.files |= files
        self.placed[app, environment] = deployment

    def _renderer(self, deployment: Deployment) -> str:
        source = deployment.source
        if isinstance(source, ChartSource):
            return "helm"
        if isinstance(source, GitSource):
            self._tell(deployment, "its files are elsewhere; they are taken for a kustomization")
            return "kustomize"
        check_inside(self.root, source.path)
        if has_file(self.root, f"{source.path}/Chart.yaml"):
            return "helm"
        return "kustomize" if is_kustomization(self.root, source.path) else "plain"

    def helm(self, deployment: Deployment, environment: str) -> dict[str, bytes]:
        """The chart as the app's base, and the values of the environment."""
        app, source, base = deployment.app, deployment.source, f"apps/{deployment.app}/base"
        files: dict[str, bytes] = {}
        values: Any = {}
        texts: list[bytes] = []
        if isinstance(source, LocalSource):
            read = read_chart(self.root, source.path)
            self.notes += told_annotations(read)
            chart = self._chart(deployment, {path[len(source.path) + 1 :]: read[path] for path in read})
            files = {f"{base}/{path}": content for path, content in chart.items()}
            if any(self.files.get(path, content) != content for path, content in files.items()):
                self._tell(
                    deployment, "has another chart than in the first environment, which is the one taken"
                )
                files = {}
            for name in deployment.value_files:
                texts += self._values_file(deployment, source.path, name)
        else:
            self._vendor(deployment, app, base)
            for name in deployment.value_files:
                self._tell(
                    deployment, f"the values in {name[:100]!r} are not here; they are not carried over"
                )
        for text in texts:
            values = merged(values, load_document(text, deployment.origin.file) or {})
        if deployment.release and deployment.release != app:
            message = (
                f"its Helm release is called {deployment.release}, and here {app}: names that the chart makes"
            )
            self._tell(deployment, f"{message} of it change")
        content = (
            texts[0]
            if len(texts) == 1 and not deployment.values
            else _yaml(merged(values, deployment.values))
        )
        return {**files, f"apps/{app}/{environment}/values.yaml": content}

    def _chart(self, deployment: Deployment, chart: Tree) -> Tree:
        """Its files without archives; what it needs besides is declared in `vendor.yaml`, or told."""
        app, place = deployment.app, f"apps/{deployment.app}/base/charts"
        archives = packed(chart)
        for path in sorted(archives):
            self._tell(deployment, f"{path} is an archive, which no one can review; it is not carried over")
        try:
            for each in missing_subcharts(chart, f"the chart of {app}"):
                entry = subchart(app, each.name, each.repository, each.locked or each.wanted)
                if entry is None:
                    message = f"its chart needs the chart {each.name}, which has no address to fetch it from"
                    self._tell(deployment, f"{message}: put it, unpacked, into {place}/{each.name}")
                elif self.vendored.setdefault(entry["name"], entry) != entry:
                    message = f"its chart needs the chart {each.name} in several versions or places"
                    self._tell(deployment, f"{message}: the first one is taken")
        except (ConfigError, RefusedError) as error:
            self._tell(deployment, f"not all charts that its chart needs are known: {error.message}")
        return {path: content for path, content in chart.items() if path not in archives}

    def kustomize(self, deployment: Deployment, environment: str) -> dict[str, bytes]:
        """An overlay on the files as they are, which are copied, or vendored from elsewhere."""
        app, source = deployment.app, deployment.source
        overlay = {key: value for key, value in deployment.overlay.items() if key != "components"}
        if "components" in deployment.overlay:
            self._tell(deployment, "`components` are not carried over: add them to the overlay")
        patches = overlay.get("patches", [])
        known = [each for each in patches if isinstance(each, dict)] if isinstance(patches, list) else []
        if known != patches:
            self._tell(deployment, "`patches` are no list of patches, and are not carried over")
            overlay["patches"] = known
        if any("path" in each for each in known):
            self._tell(deployment, "patches of files are not carried over: add them to the overlay")
            overlay["patches"] = [each for each in known if "path" not in each]
        files: dict[str, bytes] = {}
        own: dict[str, Any] = {}
        if isinstance(source, LocalSource):
            read = read_folder(self.root, source.path)
            self.notes += told_annotations(read)
            files = {f"{SOURCES}/{path}": content for path, content in read.items()}
            base = posixpath.normpath(f"{SOURCES}/{source.path}")
            own = own_kustomization(read, source.path)
            for message in doubled(overlay, own):
                self._tell(deployment, message)
            if not is_kustomization(self.root, source.path):
                paths = [
                    posixpath.relpath(path, source.path) for path in resources_of(self.root, source.path)
                ]
                files[f"{base}/kustomization.yaml"] = _kustomization({"resources": paths})
        else:
            base = f"vendor/{app}"
            self._vendor(deployment, app, base)
        content = _kustomization({"resources": [f"../../../{base}"], **on_top(overlay, own)})
        return {**files, f"apps/{app}/{environment}/kustomization.yaml": content}

    def plain(self, deployment: Deployment, environment: str) -> dict[str, bytes]:
        """The manifests of a folder, below the environment's own."""
        source = deployment.source
        if not isinstance(source, LocalSource):
            raise ConfigError("plain manifests of another repository", file=deployment.origin.file)
        files: dict[str, bytes] = {}
        for path, content in read_manifests(self.root, source.path).items():
            inside = posixpath.relpath(path, source.path)
            if deployment.recurse or "/" not in inside:
                folder, name = posixpath.split(inside)
                inside = posixpath.join(folder, f"manifest-{name}" if name in RECORDS else name)
                files[f"apps/{deployment.app}/{environment}/{inside}"] = content
                self.notes += told_annotations({path: content})
        if not files:
            raise ConfigError("has no manifests", file=source.path)
        return files

    def _values_file(self, deployment: Deployment, chart: str, name: str) -> list[bytes]:
        path = posixpath.normpath(posixpath.join(chart, name)) if not name.startswith("/") else name[1:]
        if "://" in name or name.startswith("$") or path.startswith(".."):
            self._tell(deployment, f"the values in {name[:100]!r} are not here; they are not carried over")
            return []
        from towpath.adapters.rendering.sources import Sources

        return [Sources(self.root).read(path, file=path)]

    def _vendor(self, deployment: Deployment, name: str, path: str) -> None:
        """Declare the source in `vendor.yaml`. ConfigError, which quotes no URL, when it may not be there."""
        source = deployment.source
        entry: dict[str, Any] = {"name": name, "path": path}
        if isinstance(source, GitSource):
            git = {"repository": source.repository, **({"folder": source.path} if source.path else {})}
            ranged = parse_version(source.revision) is None and re.search(r"[\^~<>=*|,]|\.x", source.revision)
            if ranged and not COMMIT.fullmatch(source.revision):
                entry |= {"git": git, "version": source.revision}
            else:
                entry |= {"git": {**git, "revision": source.revision}}
        elif isinstance(source, ChartSource):
            place: dict[str, Any] = {"chart": {"repository": source.repository, "name": source.name}}
            entry |= {**({"oci": source.oci} if source.oci else place), "version": source.version}
        known = self.vendored.get(name)
        if known is None:
            check_vendored(entry)
            self.vendored[name] = entry
        elif known != entry:
            self._tell(
                deployment, "has another version or place than in the first environment, which is taken"
            )

    def _tell(self, deployment: Deployment, message: str) -> None:
        self.notes.append(deployment.origin.note(("spec",), message))


_MAKERS = {"helm": Assembly.helm, "kustomize": Assembly.kustomize, "plain": Assembly.plain}


@dataclass(frozen=True, slots=True)
class Imported:
    """The files of the new repository, which apps and environments it has, and what is not carried over."""

    files: Mapping[str, bytes]
    apps: tuple[str, ...]
    environments: tuple[str, ...]
    vendored: tuple[str, ...]
    notes: tuple[Note, ...]


def assemble(root: Path, deployments: list[Deployment], notes: list[Note]) -> Imported:
    """Make the repository. Raises ConfigError when not even its towpath.yaml can be written."""
    assembly = Assembly(root, list(notes))
    names = environment_names([each.destination for each in deployments])
    for each in deployments:
        assembly.add(each, names[each.destination])
    placed = assembly.placed
    if placed:
        apps = apps_of(placed, assembly.renderers, assembly.notes)
        environments = environments_of(placed, {name: place for place, name in names.items()})
        config = _yaml({VERSION_KEY: LATEST, "apps": apps, "environments": environments})
        parse_config(config.decode(), CONFIG)
        assembly.files[CONFIG] = config
    if assembly.vendored:
        entries = [assembly.vendored[name] for name in sorted(assembly.vendored)]
        assembly.files[VENDOR] = _yaml({VERSION_KEY: LATEST, "vendor": entries})
    return Imported(
        assembly.files,
        tuple(sorted({app for app, _ in placed})),
        tuple(dict.fromkeys(environment for _, environment in placed)),
        tuple(sorted(assembly.vendored)),
        tuple(sorted(set(assembly.notes))),
    )


def environment_names(places: list[Destination]) -> dict[Destination, str]:
    """A name for each place: its namespace, with the cluster where namespaces of several have one name."""
    names: dict[Destination, str] = {}
    clusters = {each.cluster for each in places}
    for place in dict.fromkeys(places):
        short = app_name(re.sub(r"^https?://", "", place.cluster))
        base = app_name(
            f"{short}-{place.namespace}" if len(clusters) > 1 and place.cluster else place.namespace
        )
        base = f"{base}-1" if base in RESERVED else base
        name, number = base, 2
        while name in names.values():
            name, number = f"{base[:60]}-{number}", number + 1
        names[place] = name
    return names


def _kustomization(content: Mapping[str, Any]) -> bytes:
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return _yaml({**head, **content})


def _yaml(data: Any) -> bytes:
    return dump(data, head=_HEAD, file="import").encode()
