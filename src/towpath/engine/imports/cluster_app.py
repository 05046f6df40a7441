"""An environment repository of one app in one environment, of what a namespace of a cluster has."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.config import parse_config
from towpath.engine.imports.assemble import Imported, environment_names
from towpath.errors import RefusedError, UnknownNameError
from towpath.fields.managed_fields import is_deployment_tool, manager_entries
from towpath.foreign.definition import Note
from towpath.foreign.deployment import Destination, app_name
from towpath.formats.versions import CONFIG, LATEST, VENDOR, VERSION_KEY
from towpath.objects import Manifest, ObjectRef
from towpath.yamltext.writer import dump

HEAD = "# Made by `towpath import`.\n"
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_OBJECT = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
HELM_RECORD = re.compile(r"sh\.helm\.release\.v1\.(?P<release>.+)\.v(?P<revision>[0-9]{1,9})")
"""Names of the Secrets in which Helm keeps its releases."""


@dataclass(slots=True)
class ClusterApp:
    """What is found of an app in a namespace: files by path, notes, who wrote the objects.

    `place` are further keys of the environment, `left` the objects that stay as they are: (kind, name).
    """

    namespace: str
    app: str
    renderer: str
    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    managers: set[str] = field(default_factory=set)
    vendored: list[Mapping[str, Any]] = field(default_factory=list)
    place: dict[str, Any] = field(default_factory=dict)
    left: set[tuple[str, str]] = field(default_factory=set)

    @property
    def environment(self) -> str:
        """Its name: that of the namespace, where no other thing has that name here."""
        place = Destination("", self.namespace)
        return environment_names([place])[place]

    @property
    def folder(self) -> str:
        """Of the app in the environment."""
        return f"apps/{self.app}/{self.environment}"

    def tell(self, what: str, message: str) -> None:
        """A note on something of the cluster."""
        self.notes.append(Note(what, 0, message))

    def leave(self, kind: str, name: str) -> None:
        """An object of the namespace that is in no file: it is no extra, so that nothing deletes it."""
        if _OBJECT.fullmatch(name):  # any other would be a pattern
            self.left.add((kind, name))

    def repository(self) -> Imported:
        """All files; none where the app has none."""
        notes = tuple(sorted(set(self.notes)))
        if not self.files:
            return Imported({}, (), (), (), notes)
        files = dict(self.files)
        policy = {"takeOver": sorted(self.managers)} if self.managers else {}
        environment = {"name": self.environment, "namespace": self.namespace, **self.place}
        if self.left:
            environment["extras"] = {f"{kind}/{name}": "ignore" for kind, name in sorted(self.left)}
        config = _yaml(
            {
                VERSION_KEY: LATEST,
                "apps": {self.app: {"renderer": self.renderer, "images": {}}},
                "environments": [environment | ({"apps": {self.app: policy}} if policy else {})],
            }
        )
        parse_config(config.decode(), CONFIG)
        files[CONFIG] = config
        names = tuple(str(each["name"]) for each in self.vendored)
        if names:
            files[VENDOR] = _yaml({VERSION_KEY: LATEST, "vendor": list(self.vendored)})
        return Imported(files, (self.app,), (self.environment,), names, notes)


def cluster_app(cluster: Cluster, namespace: str, app: str, renderer: str) -> ClusterApp:
    """An app without files yet. RefusedError for what is no name, UnknownNameError for no such namespace."""
    if not NAMESPACE.fullmatch(namespace):
        raise RefusedError(f"{namespace[:80]!r} is no name of a namespace")
    try:
        found = cluster.get(ObjectRef("", "Namespace", "", namespace), metadata_only=True)
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        # Who may read a namespace need not be allowed to read the Namespace.
        return ClusterApp(namespace, app_name(app), renderer)
    if found is None:
        raise UnknownNameError("namespace", namespace, where=cluster.server)
    return ClusterApp(namespace, app_name(app), renderer)


def deployment_managers(objects: Iterable[Manifest]) -> set[str]:
    """The other deployment tools that own fields of the objects; metadata is enough."""
    entries = (entry for each in objects for entry in manager_entries(each["metadata"]))
    return {entry["manager"] for entry in entries if is_deployment_tool(entry["manager"])}


def _yaml(data: Any) -> bytes:
    return dump(data, head=HEAD, file="import").encode()
