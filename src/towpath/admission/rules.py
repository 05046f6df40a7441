"""Judges rendered objects before a cluster sees them: shape, place, no duplicate, images by digest.

Pure. Lists are unpacked first, so that nothing hides in them; every finding is told, not only the first.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towpath.admission import data
from towpath.applyset import annotations
from towpath.applyset.hooks import hook_phase
from towpath.applyset.inventory import Owner
from towpath.errors import ConfigError
from towpath.kube.kinds import (
    NEVER_STORED,
    Kind,
    built_in_group,
    crd_scopes,
    is_cluster_scoped,
    is_known_kind,
)
from towpath.objects import Manifest, ObjectRef, group_of, ref_of
from towpath.release.image_ref import same_repository
from towpath.yamltext.manifest_reader import ManifestDocument

MAX_OBJECTS = 20_000
MAX_OBJECT_BYTES = 1_500_000  # etcd takes no more in one request
_MAX_LISTS_IN_LISTS = 10

_API_VERSION = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?v[a-z0-9]{1,62}\Z")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}\Z")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?\Z")
_SERVER_FIELDS = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
    "resourceVersion", "selfLink", "uid",
)  # fmt: skip
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_INVENTORY = "towpath-inventory-"
_FREE_NAMES = ("rbac.authorization.k8s.io", "certificates.k8s.io")
"""API groups whose names need not be host names."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """What one app may have in one environment; without a `digest` images are not judged."""

    namespace: str
    cluster_scoped: frozenset[str] = frozenset({"Namespace"})
    image: str | None = None
    digest: str | None = None
    app: str | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake in a file; `line` counts from 1, 0 when only the file is known."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        return {"file": self.file, "line": self.line or None, "message": self.message}


@dataclass(frozen=True, slots=True)
class Admission:
    """`objects` may be applied only when there are no `findings`; `origins` tells where each was written."""

    objects: tuple[Manifest, ...]
    findings: tuple[Finding, ...]
    origins: Mapping[ObjectRef, ManifestDocument]


def admit_objects(documents: Sequence[ManifestDocument], policy: AdmissionPolicy, *, where: str) -> Admission:
    """Judge every object; `where` is the file to name when there is none at all."""
    findings: list[Finding] = []
    unpacked = list(_unpack(documents, findings))
    if not unpacked and not findings:
        findings.append(Finding(where, 0, "renders no object: an empty result would delete what runs"))
    if len(unpacked) > MAX_OBJECTS:
        return Admission((), (Finding(where, 0, f"renders more than {MAX_OBJECTS:,} objects"),), {})
    definitions = crd_scopes(document.value for document in unpacked)
    admitted: list[Manifest] = []
    origins: dict[ObjectRef, ManifestDocument] = {}
    for document in unpacked:
        manifest, problems = _judge(document.value, policy, definitions)
        findings.extend(Finding(document.file, document.line, problem) for problem in problems)
        if manifest is None:
            continue
        ref = ref_of(manifest)
        if ref in origins:
            first = origins[ref]
            message = f"{ref} is declared twice, first in {first.file}:{first.line}"
            findings.append(Finding(document.file, document.line, message))
            continue
        origins[ref] = document
        admitted.append(manifest)
    findings.extend(_image_never_used(admitted, policy, where))
    return Admission(tuple(admitted), tuple(findings), origins)


def objects_of_two_apps(
    environments: Iterable[tuple[str, Mapping[ObjectRef, ManifestDocument]]],
) -> list[Finding]:
    """A finding for each object that two apps of one environment declare; takes (app, origins) pairs."""
    owners: dict[ObjectRef, str] = {}
    findings = []
    for app, origins in environments:
        for ref, document in origins.items():
            owner = owners.setdefault(ref, app)
            if owner != app:
                message = f"{ref} is declared by app {app!r} and by app {owner!r}; one of them must own it"
                findings.append(Finding(document.file, document.line, message))
    return findings


def containers(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Every container of a workload, the initial and ephemeral ones included; nothing for other kinds."""
    spec = pod_spec(manifest)
    for key in ("initContainers", "containers", "ephemeralContainers"):
        listed = spec.get(key)
        yield from (item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict))


def pod_spec(manifest: Manifest) -> dict[str, Any]:
    """The pod specification inside a workload, whatever its kind; {} when it has none."""
    paths = {
        "Pod": ("spec",),
        "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
        "PodTemplate": ("template", "spec"),
    }
    value: Any = manifest
    for key in paths.get(manifest.get("kind", ""), ("spec", "template", "spec")):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _unpack(
    documents: Iterable[ManifestDocument], findings: list[Finding], level: int = 0
) -> Iterator[ManifestDocument]:
    for document in documents:
        value = document.value
        if not isinstance(value, dict):
            findings.append(Finding(document.file, document.line, "not a Kubernetes object: not a mapping"))
        elif isinstance(kind := value.get("kind"), str) and kind.endswith("List") and "items" in value:
            items = value["items"]
            if items is not None and not isinstance(items, list):
                findings.append(Finding(document.file, document.line, f"{kind}: `items` is not a list"))
                continue
            if level >= _MAX_LISTS_IN_LISTS:
                findings.append(Finding(document.file, document.line, "Lists nested too deep"))
                continue
            inner = (
                ManifestDocument(_typed(item, value), document.file, document.line)
                for item in items or []
                if item is not None
            )
            yield from _unpack(inner, findings, level + 1)
        else:
            yield document


def _typed(item: Any, parent: Manifest) -> Any:
    """An item of a typed list (`RoleList`) may leave out its own apiVersion and kind."""
    kind = parent["kind"].removesuffix("List")
    if isinstance(item, dict) and kind and "kind" not in item:
        return {"apiVersion": parent.get("apiVersion"), "kind": kind, **item}
    return item


def _judge(
    value: Manifest, policy: AdmissionPolicy, definitions: Mapping[Kind, bool]
) -> tuple[Manifest | None, list[str]]:
    shape = _shape_problem(value)
    if shape:
        return None, [shape]
    manifest = {key: item for key, item in value.items() if key != "status"}
    about = {key: item for key, item in value["metadata"].items() if key not in _SERVER_FIELDS}
    manifest["metadata"] = about
    kind, name = manifest["kind"], about["name"]
    misplaced = list(_place_problems(manifest, policy, definitions))
    inside = [
        *annotations.metadata_problems(about, policy.app, policy.environment),
        *data.data_problems(manifest),
    ]
    problems = [*(f"{kind} {name}: {what}" for what in inside), *_image_problems(manifest, policy)]
    if len(json.dumps(manifest, ensure_ascii=False).encode()) > MAX_OBJECT_BYTES:
        problems.append(f"{kind} {name} is larger than an API server takes ({MAX_OBJECT_BYTES:,} bytes)")
    if not misplaced and not problems:  # of an object that may not be here at all, how it runs is no news
        problems.extend(_hook_problems(manifest))
    return manifest, misplaced + problems


def _place_problems(
    manifest: Manifest, policy: AdmissionPolicy, definitions: Mapping[Kind, bool]
) -> Iterator[str]:
    """Whether such an object may be here; sets its namespace."""
    about, api_version = manifest["metadata"], manifest["apiVersion"]
    kind, name = manifest["kind"], about["name"]
    if (group_of(api_version), kind) in NEVER_STORED:
        yield f"{kind} {name}: this kind is not desired state and cannot be kept in Git"
    elif not is_known_kind(api_version, kind):
        group = built_in_group(kind)
        hint = f"; it is in {group or 'v1'}" if group is not None else ""
        yield f"{kind} {name}: there is no kind {kind} in {api_version}{hint}"
    elif _is_cluster_scoped(api_version, kind, policy, definitions):
        about.pop("namespace", None)
        yield from _cluster_scoped_problems(manifest, policy)
    elif about.setdefault("namespace", policy.namespace) in (None, ""):
        about["namespace"] = policy.namespace
    elif about["namespace"] != policy.namespace:
        yield (
            f"{kind} {name} is for namespace {about['namespace'][:100]!r}; "
            f"this environment's namespace is {policy.namespace!r}"
        )
    elif ref_of(manifest) == Owner(name.removeprefix(_INVENTORY), "", policy.namespace).ref:
        yield f"{kind} {name}: this name is of Towpath's own inventories"


def _is_cluster_scoped(
    api_version: str, kind: str, policy: AdmissionPolicy, definitions: Mapping[Kind, bool]
) -> bool:
    """A custom kind whose definition is not at hand is what `allowClusterScoped` says."""
    if is_cluster_scoped(api_version, kind, definitions):
        return True
    group = group_of(api_version)
    custom = "." in group and not group.endswith(".k8s.io") and (group, kind) not in definitions
    return custom and kind in policy.cluster_scoped


def _shape_problem(value: Manifest) -> str | None:  # noqa: PLR0911
    api_version, kind, metadata = value.get("apiVersion"), value.get("kind"), value.get("metadata")
    if not isinstance(kind, str) or not _KIND.match(kind):
        return "not a Kubernetes object: `kind` is missing or not a kind's name"
    if not isinstance(api_version, str) or not _API_VERSION.match(api_version):
        return f"{kind}: `apiVersion` is missing or not like `apps/v1`"
    if not isinstance(metadata, dict):
        return f"{kind}: `metadata` is missing"
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not name and metadata.get("generateName"):
        return f"{kind}: `metadata.generateName` makes a new object every time; give it a `name`"
    if not isinstance(name, str) or not _NAME.match(name):
        return f"{kind}: `metadata.name` is missing or not a valid name"
    if not _is_name(group_of(api_version), kind, name):
        return f"{kind} {name}: `metadata.name` is not a valid name for this kind"
    if namespace is not None and not isinstance(namespace, str):
        return f"{kind} {name}: `metadata.namespace` is not a string"
    return None


def _is_name(group: str, kind: str, name: str) -> bool:
    if not group and kind in ("Service", "Namespace"):
        return bool(_LABEL.match(name))
    return group in _FREE_NAMES or bool(_SUBDOMAIN.match(name))


def _hook_problems(manifest: Manifest) -> Iterator[str]:
    try:
        hook_phase(manifest)
    except ConfigError as error:
        yield error.message


def _cluster_scoped_problems(manifest: Manifest, policy: AdmissionPolicy) -> Iterator[str]:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    if kind not in policy.cluster_scoped:
        yield (
            f"{kind} {name} is cluster-scoped and not allowed in this environment "
            "(`allowClusterScoped` in towpath.yaml)"
        )
    elif kind == "Namespace" and name != policy.namespace:
        yield f"Namespace {name} is not this environment's namespace {policy.namespace!r}"


def _image_problems(manifest: Manifest, policy: AdmissionPolicy) -> Iterator[str]:
    if not policy.image or not policy.digest:
        return
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    for where, image in images_of(manifest):
        if not same_repository(image, policy.image):
            continue
        digest = image.partition("@")[2]
        if not _DIGEST.match(digest):
            yield f"{kind} {name}: {where} runs {policy.image} not by digest"
        elif digest != policy.digest:
            yield (f"{kind} {name}: {where} runs {digest[:19]}…, but release.yaml says {policy.digest[:19]}…")


def images_of(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """(where, image) of every image that an object of any kind names: containers, volumes, custom fields."""
    files = not group_of(manifest["apiVersion"]) and manifest["kind"] in ("ConfigMap", "Secret")
    pending: list[Any] = [
        value for key, value in manifest.items() if key != "metadata" and not (files and key == "data")
    ]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            where = f"container {item['name'][:100]!r}" if isinstance(item.get("name"), str) else "an image"
            for key, value in item.items():
                if "image" in key.casefold() or key == "reference":
                    yield from ((where, image) for image in _images(value))
            pending.extend(item.values())


def _images(value: Any) -> Iterator[str]:
    """`R:tag`, a list of such texts, or what operators take instead: `{repository: R, tag: tag}`."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict) and isinstance(name := each.get("repository", each.get("name")), str):
            texts = {key: each.get(key) for key in ("registry", "tag", "digest")}
            said = {key: text for key, text in texts.items() if text and isinstance(text, str)}
            registry = f"{said['registry']}/" if "registry" in said else ""
            tag = f":{said['tag']}" if "tag" in said else ""
            yield registry + name + tag + (f"@{said['digest']}" if "digest" in said else "")


def _image_never_used(
    manifests: Sequence[Manifest], policy: AdmissionPolicy, where: str
) -> Iterator[Finding]:
    if not policy.image or not policy.digest:
        return
    images = (image for manifest in manifests for _, image in images_of(manifest))
    if not any(same_repository(image, policy.image) for image in images):
        message = f"no container runs the app's image {policy.image}, though it is released here"
        yield Finding(where, 0, message)
