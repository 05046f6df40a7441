"""What the Kustomizations and HelmReleases of Flux deploy."""

from collections.abc import Iterable, Sequence
from typing import Any

from towpath.foreign.definition import Definition, Fields, Note
from towpath.foreign.deployment import (
    ChartSource,
    Deployment,
    Destination,
    GitSource,
    LocalSource,
    Source,
    app_name,
    same_repository,
)

KUSTOMIZE, HELM = "kustomize-controller", "helm-controller"
"""Field managers."""
SOURCES = ("GitRepository", "HelmRepository", "OCIRepository", "HelmChart", "Bucket")
_PASSED = ("interval", "retryInterval", "timeout", "maxHistory", "serviceAccountName", "wait", "force")
"""Fields that say how Flux works, or what Towpath does at any time."""


def helm_release(
    definition: Definition, sources: Sequence[Definition], urls: Iterable[str], notes: list[Note]
) -> Deployment | None:
    """The deployment of a HelmRelease; None when it has no counterpart, which a note says."""
    spec = Fields(definition, ("spec",), definition.data.get("spec"), notes)
    target = spec.text("targetNamespace")
    namespace = target or definition.namespace
    chart = spec.inner("chart").inner("spec")
    reference = spec.inner("chartRef") or chart.inner("sourceRef")
    name, version = chart.text("chart"), chart.text("version")
    files = chart.texts("valuesFiles")
    chart.take("sourceRef", "chart")
    chart.tell_rest("interval", "reconcileStrategy", "ignoreMissingValuesFiles")
    spec.take("chart", "chartRef")
    if not reference:
        notes.append(definition.note(("spec",), "names no chart: it may be a patch; it is not carried over"))
        return None
    if not namespace:
        notes.append(definition.note((), "names no namespace; it is not carried over"))
        return None
    where = _chart(definition, reference, sources, tuple(urls), name, version, notes)
    if where is None:
        return None
    values = spec.take("values")
    if spec.take("valuesFrom"):
        spec.tell("valuesFrom", "has no counterpart: values of ConfigMaps and Secrets are not in Git")
    if spec.take("kubeConfig"):
        spec.tell("kubeConfig", "has no counterpart: the machine of the agent says which cluster")
    drift = spec.inner("driftDetection")
    heals = drift.text("mode") in ("", "enabled")
    depends_on = _common(spec)
    release = spec.text("releaseName")
    spec.tell_rest(*_PASSED, "storageNamespace", "persistentClient")
    return Deployment(
        app_name(definition.name),
        Destination("", namespace),
        where,
        definition,
        HELM,
        renderer="helm",
        heals=heals,
        release=release or (f"{target}-{definition.name}" if target else definition.name),
        values=values if isinstance(values, dict) else {},
        value_files=files,
        depends_on=depends_on,
    )


def kustomization(
    definition: Definition, sources: Sequence[Definition], urls: Iterable[str], notes: list[Note]
) -> Deployment | None:
    """The deployment of a Kustomization of Flux; None when it has no counterpart, which a note says.

    Its namespace may be empty: then the files say it.
    """
    spec = Fields(definition, ("spec",), definition.data.get("spec"), notes)
    path = spec.text("path").removeprefix("./").strip("/") or "."
    reference = spec.inner("sourceRef")
    where = _files(definition, reference, sources, tuple(urls), path, notes)
    if where is None:
        return None
    overlay: dict[str, Any] = {}
    for key in ("namePrefix", "nameSuffix", "commonAnnotations", "components", "patches", "images"):
        if value := spec.take(key):
            overlay[key] = value
    metadata = spec.inner("commonMetadata")
    if labels := metadata.take("labels"):
        overlay["labels"] = [{"pairs": labels}]
    if annotations := metadata.take("annotations"):
        overlay["commonAnnotations"] = annotations
    namespace = spec.text("targetNamespace")
    if namespace:
        overlay["namespace"] = namespace
    if spec.take("prune") is not True:
        spec.tell("prune", "is off: here what leaves Git is deleted within `prune.limit`")
    for key, message in (
        ("postBuild", "has no counterpart: values are not substituted"),
        ("decryption", "has no counterpart: what is encrypted in Git stays encrypted"),
        ("kubeConfig", "has no counterpart: the machine of the agent says which cluster"),
    ):
        if spec.take(key):
            spec.tell(key, message)
    depends_on = _common(spec)
    spec.tell_rest(*_PASSED, "deletionPolicy")
    return Deployment(
        app_name(definition.name),
        Destination(_cluster_of(definition.file), namespace),
        where,
        definition,
        KUSTOMIZE,
        renderer="kustomize",
        overlay=overlay,
        depends_on=depends_on,
    )


def _common(spec: Fields) -> tuple[str, ...]:
    """The names of what is waited for, of the same kind."""
    if spec.take("suspend"):
        spec.tell("suspend", "is not carried over: `towpath pause` holds an app up")
    found = []
    for each in spec.items("dependsOn"):
        found.append(each.text("name"))
        each.tell_rest("namespace")
    return tuple(found)


def _cluster_of(file: str) -> str:
    """`clusters/production/apps.yaml` is of the cluster production, as Flux's own examples have it."""
    parts = file.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "clusters" else ""


def _chart(  # noqa: PLR0911, PLR0913, PLR0917
    definition: Definition,
    reference: Fields,
    sources: Sequence[Definition],
    urls: tuple[str, ...],
    name: str,
    version: str,
    notes: list[Note],
) -> Source | None:
    found = _find(definition, reference, sources)
    if found is None:
        reference.tell("name", "names a source that is not in the files; the HelmRelease is not carried over")
        return None
    spec = Fields(found, ("spec",), found.data.get("spec"), notes)
    url = spec.text("url")
    if found.kind == "GitRepository":
        return _of_git(found, urls, name.removeprefix("./").strip("/"), notes)
    if found.kind == "OCIRepository":
        ref = spec.inner("ref")
        wanted = ref.text("semver") or ref.text("tag")
        if not wanted:
            spec.tell("ref", "names no version; it is not carried over")
            return None
        image = url.removeprefix("oci://").rstrip("/")
        return ChartSource(image.rpartition("/")[2], wanted, oci=image)
    if found.kind != "HelmRepository":
        reference.tell("kind", f"({found.kind}) has no counterpart; the HelmRelease is not carried over")
        return None
    _tell_secrets(spec)
    if url.startswith("oci://"):
        return ChartSource(name, version or "*", oci=f"{url.removeprefix('oci://').rstrip('/')}/{name}")
    return ChartSource(name, version or "*", repository=url)


def _files(  # noqa: PLR0913, PLR0917
    definition: Definition,
    reference: Fields,
    sources: Sequence[Definition],
    urls: tuple[str, ...],
    path: str,
    notes: list[Note],
) -> Source | None:
    kind = reference.text("kind")
    if kind not in ("", "GitRepository"):
        reference.tell("kind", f"({kind}) has no counterpart; the Kustomization is not carried over")
        return None
    found = _find(definition, reference, sources)
    # What `flux bootstrap` makes on the cluster alone is the repository itself.
    return LocalSource(path) if found is None else _of_git(found, urls, path, notes)


def _of_git(found: Definition, urls: tuple[str, ...], path: str, notes: list[Note]) -> Source:
    spec = Fields(found, ("spec",), found.data.get("spec"), notes)
    url, ref = spec.text("url"), spec.inner("ref")
    if found.name == "flux-system" or any(same_repository(url, each) for each in urls):
        return LocalSource(path or ".")
    _tell_secrets(spec)
    revision = ref.text("commit") or ref.text("semver") or ref.text("tag") or ref.text("branch") or "main"
    return GitSource(url, revision, "" if path == "." else path)


def _tell_secrets(spec: Fields) -> None:
    if spec.take("secretRef"):
        spec.tell("secretRef", "is not carried over: credentials are this machine's (docs/guides/vendor.md)")
    if spec.take("verify"):
        spec.tell("verify", "has no counterpart: signatures of charts and commits of others are not verified")


def _find(definition: Definition, reference: Fields, sources: Sequence[Definition]) -> Definition | None:
    """The source that is named: in its namespace, or the only one of that name."""
    kind, name = reference.text("kind") or "GitRepository", reference.text("name")
    namespace = reference.text("namespace") or definition.namespace
    named = [each for each in sources if (each.kind, each.name) == (kind, name)]
    exact = [each for each in named if each.namespace == namespace]
    return exact[0] if exact else named[0] if len(named) == 1 else None
