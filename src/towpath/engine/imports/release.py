"""Makes an app with a chart of a Helm release of the cluster."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.admission.chart_hooks import sync_phases
from towpath.engine.imports.assemble import Imported
from towpath.engine.imports.cluster_app import HEAD, HELM_RECORD, ClusterApp, cluster_app, deployment_managers
from towpath.engine.imports.vendored import subchart
from towpath.errors import ConfigError, RefusedError, UnknownNameError
from towpath.foreign.annotations import told_annotations
from towpath.foreign.definition import Note
from towpath.foreign.helm_release import HelmRelease, credentials, read_release
from towpath.kube.kinds import is_built_in
from towpath.kube.secret_names import secret_names
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.reader import Limits
from towpath.yamltext.writer import dump

MAX_LOOKED_AT = 500
"""Objects of a release of which the owner is asked."""
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9.]{0,51}[a-z0-9])?")
_NAME = re.compile(r"[-A-Za-z0-9.:_]{0,253}")
_HELM = "helm"


def import_release(cluster: Cluster, namespace: str, name: str) -> Imported:
    """The repository of a release: its chart as the app's base, its values, its hooks told.

    Raises UnknownNameError for no such release, RefusedError for one that is not deployed, ConfigError for a
    record that cannot be read, or whose subcharts are nowhere to be had.
    """
    if not _RELEASE.fullmatch(name):
        raise RefusedError(f"{name[:80]!r} is no name of a Helm release")
    app = cluster_app(cluster, namespace, name, "helm")
    ref = _record(cluster, namespace, name)
    secret = cluster.get(ref)
    if secret is None:
        raise UnknownNameError("Helm release", name, where=f"namespace {namespace}")
    try:
        release = _fill(app, name, secret, str(ref))
        objects = [*_objects(app, release)]
        _place(cluster, app, objects)
        _leave_secrets(app, objects)
    except (RecursionError, UnicodeError) as error:
        raise ConfigError("cannot be written as YAML", file=str(ref)) from error
    return app.repository()


def _fill(app: ClusterApp, name: str, secret: Manifest, file: str) -> HelmRelease:
    """Chart, values and notes."""
    release = read_release(secret, file)
    if release.name != name:
        raise ConfigError("is the record of another release", file=file)
    app.vendored += _subcharts(app, release, file)
    base = f"apps/{app.app}/base"
    app.files |= {f"{base}/{path}": content for path, content in release.chart.items()}
    app.files[f"{app.folder}/values.yaml"] = dump(dict(release.values), head=HEAD, file=file).encode()
    app.notes += told_annotations(app.files)
    _tell_hooks(app, release)
    _tell_credentials(app, release, base)
    if app.app != name:
        message = f"is called {name}, and the app {app.app}: names that the chart makes of it change"
        app.tell(f"Helm release {name}", message)
    return release


def _record(cluster: Cluster, namespace: str, name: str) -> ObjectRef:
    """The Secret of the newest revision that is deployed."""
    known: dict[str, dict[int, str]] = {}
    for each in cluster.list("", "Secret", namespace, labels="owner=helm", metadata_only=True):
        if record := HELM_RECORD.fullmatch(str(each["metadata"].get("name"))):
            status = str((each["metadata"].get("labels") or {}).get("status"))
            known.setdefault(record["release"], {})[int(record["revision"])] = status
    if name not in known:
        raise UnknownNameError("Helm release", name, known, where=f"namespace {namespace}")
    revisions = known[name]
    deployed = [revision for revision, status in revisions.items() if status == "deployed"]
    if not deployed:
        newest = max(revisions)
        raise RefusedError(
            f"no revision of the Helm release {name} is deployed: {newest} is {revisions[newest][:40]}",
            remedy="`helm rollback` or `helm upgrade` makes one that is.",
        )
    return ObjectRef("", "Secret", namespace, f"sh.helm.release.v1.{name}.v{max(deployed)}")


def _subcharts(app: ClusterApp, release: HelmRelease, file: str) -> Iterator[dict[str, Any]]:
    """Entries of `vendor.yaml` for charts that the chart needs: Helm keeps them in no release."""
    for each in release.dependencies:
        name, version = str(each.get("name") or ""), str(each.get("version") or "")
        repository = str(each.get("repository") or "")
        entry = None if each.get("alias") else subchart(app.app, name, repository, version)
        if entry is None:
            raise ConfigError(
                f"its chart needs the chart {name[:80]!a}, which Helm does not keep in a release"
                " and which has no address here",
                file=file,
                remedy="Take the chart from where it was installed from, as the app's base:"
                " docs/guides/import.md",
            )
        yield entry


def _tell_hooks(app: ClusterApp, release: HelmRelease) -> None:
    for hook in release.hooks:
        phases = " and ".join(sorted(sync_phases(hook.events)))
        here = (
            f"is a {phases} hook of each sync that changes something" if phases else "has no part in a sync"
        )
        what = f"the hook {hook.kind} {hook.name} ({', '.join(hook.events)}) {here}"
        app.tell(f"Helm release {release.name}", what)


def _tell_credentials(app: ClusterApp, release: HelmRelease, base: str) -> None:
    """Where values look like credentials, without the values."""
    inherited = dict(credentials(dict(release.defaults)))
    for key, value in credentials(dict(release.values)):
        message = "looks like a credential: take it out before you commit, or name an existing Secret"
        app.tell(f"{app.folder}/values.yaml", f"`{ascii(key[:200])[1:-1]}` {message}")
        if inherited.get(key) == value and release.dependencies:
            app.tell(f"{base}/values.yaml", f"`{ascii(key[:200])[1:-1]}` {message}")


def _objects(app: ClusterApp, release: HelmRelease) -> Iterator[Manifest]:
    """What Helm made, and the definitions beside it; nothing of a text that is no YAML."""
    texts = {f"the manifests of {release.name}": release.manifest.encode()}
    texts |= {
        f"the hook {hook.name}": hook.manifest.encode() for hook in release.hooks if sync_phases(hook.events)
    }
    texts |= {path: content for path, content in release.chart.items() if path.startswith("crds/")}
    for file, text in texts.items():
        try:
            documents = load_documents(text, file, Limits(bytes=16 << 20, last_key_wins=True))
        except ConfigError as error:
            app.notes.append(Note(file, 0, f"cannot be read: {error.problems[0].message}"))
            continue
        for document in documents:
            if _is_object(document.value):
                yield document.value


def _leave_secrets(app: ClusterApp, objects: Iterable[Manifest]) -> None:
    """Secrets that the chart's objects name and the chart does not make: somebody else does."""
    own: set[str] = set()
    named: set[str] = set()
    for each in objects:
        ref = ref_of(each)
        if ref.namespace in ("", app.namespace):
            named |= secret_names(each)
            own |= {ref.name} if ref.kind == "Secret" else set()
    for name in sorted(named - own):
        app.leave("Secret", name)
        what = f"Secret {app.namespace}/{name[:253]}"
        app.tell(
            ascii(what)[1:-1],
            "is named by the chart, and not made by it; it stays, and is no extra by `extras`",
        )


def _is_object(value: Any) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict):
        return False
    return all(
        isinstance(each, str) and each
        for each in (value.get("apiVersion"), value.get("kind"), metadata.get("name"))
    )


def _place(cluster: Cluster, app: ClusterApp, objects: list[Manifest]) -> None:
    """Say in towpath.yaml which objects the environment may have beside its namespace, and whose they are."""
    kinds = cluster.discover()
    scoped: set[str] = set()
    namespaces: set[str] = set()
    managers: set[str] = set()
    for each in objects:
        ref = ref_of(each)
        resource = kinds.find(ref.group, ref.kind)
        if resource is None:
            continue
        beside = "" if resource.namespaced else ref.name
        if not _NAME.fullmatch(ref.namespace + beside):  # `*` would allow more than this object
            app.tell(ascii(str(ref))[1:-1][:300], "has a name that no API server gives")
        elif beside:
            kind = ref.kind if is_built_in(ref.group, ref.kind) else f"{ref.kind}.{ref.group}"
            scoped.add(f"{kind}/{ref.name}")
        elif ref.namespace not in ("", app.namespace):
            namespaces.add(ref.namespace)
    for each in objects[:MAX_LOOKED_AT]:
        managers |= _managers(cluster, app, ref_of(each))
    app.managers |= managers or {_HELM}
    if scoped:
        app.place["allowClusterScoped"] = ["Namespace", *sorted(scoped)]
        app.tell(
            "towpath.yaml", f"allows cluster-scoped objects of the chart: {', '.join(sorted(scoped))[:500]}"
        )
    if namespaces:
        app.place["namespaces"] = sorted(namespaces)
        app.tell(
            "towpath.yaml", f"lets the chart touch other namespaces: {', '.join(sorted(namespaces))[:500]}"
        )


def _managers(cluster: Cluster, app: ClusterApp, ref: ObjectRef) -> set[str]:
    resource = cluster.discover().find(ref.group, ref.kind)
    if resource is None:
        return set()
    namespace = (ref.namespace or app.namespace) if resource.namespaced else ""
    try:
        live = cluster.get(ref._replace(namespace=namespace), metadata_only=True)
    except ApiRefusedError:
        return set()
    return deployment_managers([live]) if live else set()
