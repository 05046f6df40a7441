"""Reads `managedFields`: the fingerprint of Towpath's own entry, and the edits that people made by hand.

Towpath's entry is missing or its hash differs     an owned field was changed or removed
an entry of a person's tool                        a foreign edit, if it has fields that are not owned by
                                                   Towpath and not ignored
an entry of a controller or of a subresource, or
of the annotation of `kubectl rollout restart`     no edit
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from towpath.fields import field_set, pointer
from towpath.fields.canonical import digest

MANAGER = "towpath"
RESTARTED_ANNOTATION = "kubectl.kubernetes.io/restartedAt"
RESTART_RULE = pointer.build(("spec", "template", "metadata", "annotations", RESTARTED_ANNOTATION))
PERSON_TOOLS = ("kubectl", "k9s", "lens", "openlens", "node-fetch", "dashboard", "oc", "mozilla")
"""Field managers of tools that people use, in small letters: the whole name, or its part before a dash."""
PERSON_GUIS = (
    *("freelens", "googlecloudconsole", "headlamp", "headlamp-server", "lfk", "octant", "podman-desktop"),
    "rancher",
)
"""As PERSON_TOOLS, whole names only: `rancher-webhook` is a controller."""
DEPLOYMENT_TOOLS = (
    "helm",
    "argocd-controller",
    "argocd-application-controller",
    "kustomize-controller",
    "helm-controller",
    "flux",
    "flux-client-side-apply",
    "fleetagent",
    "kapp",
    "kapp-controller",
    "werf",
    "pulumi-kubernetes",
    "terraform",
    "terraform-provider-kubernetes",
    "hashicorp",
    "tanka",
)
"""Field managers of tools that deploy what Git or a chart has, in small letters."""
_WORDS_END = re.compile(r"[ :]")
_VERSION = re.compile(r"[-_]?v?[0-9]+(\.[0-9]+)*\Z")


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Managers from which fields are taken back, beside the known tools of people.

    `people` are tools that people use here. `former` are those that Git declares to be taken over: what they
    own becomes Towpath's, whole.
    """

    people: tuple[str, ...] = ()
    former: tuple[str, ...] = ()

    def is_person(self, manager: str) -> bool:
        """Whether it is a tool that people use."""
        return bool(person_tool(manager)) or is_one_of(manager, self.people)

    def with_former(self, managers: Iterable[str]) -> "TakenBack":
        """And from these managers, too."""
        return TakenBack(self.people, tuple(sorted({*self.former, *managers})))

    def is_former(self, manager: str) -> bool:
        """Whether Towpath takes over from it."""
        return is_one_of(manager, self.former)


KNOWN_TOOLS = TakenBack()

IgnoredManagers = tuple[tuple[str, str], ...]
"""(field manager, pointer): the manager's fields at and below the pointer are ignored.

Empty: all of its fields.
"""
NO_FIELDS: field_set.Fields = {}
Entry = Mapping[str, Any]
Metadata = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class FieldChange:
    """One manager's write: `operation` is Apply or Update, `time` is RFC 3339.

    `time` is empty for the scale subresource, where the API server records none.
    """

    time: str
    manager: str
    operation: str
    fields: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "manager": self.manager,
            "operation": self.operation,
            "time": self.time,
            "fields": list(self.fields),
        }

    def __str__(self) -> str:
        return f"{self.manager} ({self.operation}, {self.time or 'time not recorded'})"


def manager_entries(metadata: Metadata) -> list[Entry]:
    """The entries of `managedFields`, without the empty entry that stands there after they were wiped."""
    return [entry for entry in metadata.get("managedFields") or () if entry.get("manager")]


def own_entry(metadata: Metadata) -> Entry | None:
    """The entry of Towpath's server-side applies."""
    return next((entry for entry in manager_entries(metadata) if _is_ours(entry)), None)


def fingerprint(metadata: Metadata, more: field_set.Fields = NO_FIELDS) -> str:
    """Digest of Towpath's entry, as if it owned the fields `more` too; empty without an entry.

    It contains the entry's `time`, which changes when another client applies the same fields again.
    """
    entry = own_entry(metadata)
    if entry is None:
        return ""
    known = {key: entry.get(key) for key in ("fieldsV1", "time", "apiVersion")}
    if more:
        known["fieldsV1"] = field_set.union(entry.get("fieldsV1") or {}, more)
    return digest(known)


def is_person_tool(manager: str) -> bool:
    """Whether the manager is a tool that people use; its edits are drift."""
    return bool(person_tool(manager))


@lru_cache(maxsize=1024)
def person_tool(manager: str) -> str:
    """The name in PERSON_TOOLS or PERSON_GUIS; empty when the manager is none of them."""
    names = _names(manager)
    for tool in PERSON_TOOLS:
        if any(name == tool or name.startswith(f"{tool}-") for name in names):
            return tool
    return next((tool for tool in PERSON_GUIS if tool in names), "")


def is_deployment_tool(manager: str) -> bool:
    """Whether it is another tool that deploys what Git or a chart has."""
    return is_one_of(manager, DEPLOYMENT_TOOLS)


def is_one_of(manager: str, names: Iterable[str]) -> bool:
    """Whether the manager has one of the names, whatever the case, suffix and version."""
    wanted = {name.lower() for name in names}
    return bool(wanted) and not wanted.isdisjoint(_names(manager))


def _names(manager: str) -> tuple[str, ...]:
    """The name of a program's file without `.exe`, and also without a version: `kubectl1.31`, `kubectl-1.31`.

    The API server's default manager is the client's name up to the first slash: mostly that of its file, but
    also `Headlamp 0.30.0 (linux`. Some tools put the person behind a colon.
    """
    words = _WORDS_END.split(manager.lower(), maxsplit=1)
    first, dash, rest = words[0].partition("-")
    first = first.removesuffix(".exe")
    whole = f"{first}{dash}{rest}".removesuffix(".exe")
    return manager.lower(), whole, _VERSION.sub("", whole), f"{_VERSION.sub('', first)}{dash}{rest}"


def is_unknown_owner(manager: str) -> bool:
    """Whether the owner of the fields is not known: `managedFields` were wiped before an apply."""
    return manager == "before-first-apply"


def is_towpath(manager: str) -> bool:
    """Whether the manager has Towpath's name."""
    return manager == MANAGER


def person_entries(metadata: Metadata, taken_back: TakenBack = KNOWN_TOOLS) -> Iterator[Entry]:
    """Entries of people's tools on the object itself. An Update under Towpath's name counts as a person's.

    Entries of former managers are among them: what they write after Towpath took over is an edit.
    """
    for entry in manager_entries(metadata):
        if entry.get("subresource") or _is_ours(entry):
            continue
        manager = entry["manager"]
        if is_towpath(manager) or taken_back.is_person(manager) or taken_back.is_former(manager):
            yield entry


def is_left_to_manager(entry: Entry, at: str, ignored_managers: IgnoredManagers) -> bool:
    """Whether a rule ignores the field at pointer `at` because the manager of `entry` owns it."""
    return any(
        manager == entry["manager"] and pointer.covers([prefix], at) for manager, prefix in ignored_managers
    )


def pointers_left_to_managers(
    metadata: Metadata, ignored_managers: IgnoredManagers, manifest: Any
) -> tuple[str, ...]:
    """Pointers of fields in `manifest` that rules leave to their managers; last items of lists first."""
    pointers = {
        at
        for entry in manager_entries(metadata)
        for path in field_set.leaves(entry.get("fieldsV1") or {})
        if not _is_ours(entry)
        and is_left_to_manager(entry, field_set.pattern_of(path), ignored_managers)
        and (at := field_set.pointer_of(path, manifest)) is not None
    }
    # The caller removes them in this order: removing an item moves the items after it.
    return tuple(sorted(pointers, key=lambda at: [step.zfill(9) for step in pointer.parse(at)], reverse=True))


def fields_of_managers(
    metadata: Metadata, ignored_managers: IgnoredManagers, declared: Any
) -> field_set.Fields:
    """The fields of the manifest `declared` that rules leave to the managers that own them now."""
    return field_set.from_paths(
        path
        for entry in manager_entries(metadata)
        if not _is_ours(entry)
        for path in field_set.leaves(entry.get("fieldsV1") or {})
        if is_left_to_manager(entry, field_set.pattern_of(path), ignored_managers)
        and field_set.pointer_of(path, declared) is not None
    )


def foreign_edits(
    metadata: Metadata,
    ignored: Iterable[str] = (),
    ignored_managers: IgnoredManagers = (),
    taken_back: TakenBack = KNOWN_TOOLS,
) -> tuple[FieldChange, ...]:
    """The edits by hand that the object still has, oldest first, without owned and ignored fields."""
    personal = list(person_entries(metadata, taken_back))
    if not personal:
        return ()
    rules = (*ignored, RESTART_RULE)
    ours = (own_entry(metadata) or {}).get("fieldsV1") or {}
    edits = []
    for entry in personal:
        paths = [
            path
            for path in field_set.paths_beyond(entry.get("fieldsV1") or {}, ours)
            if not pointer.covers(rules, field_set.pattern_of(path))
            and not is_left_to_manager(entry, field_set.pattern_of(path), ignored_managers)
        ]
        if paths:
            edits.append(field_change(entry, paths))
    return tuple(sorted(edits))


def field_change(entry: Entry, paths: Iterable[field_set.Path]) -> FieldChange:
    """The write that the entry records, with `paths` as its fields."""
    return FieldChange(
        time=entry.get("time", ""),
        manager=entry["manager"],
        operation=entry.get("operation", ""),
        fields=tuple(sorted(field_set.display_path(path) for path in paths)),
    )


def _is_ours(entry: Entry) -> bool:
    return entry["manager"] == MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")
