"""Judges the entries of `allowClusterScoped`: a misspelt one allows nothing, and nobody would be told."""

import difflib
import re
from collections.abc import Collection, Mapping

from towpath.kube.kinds import CLUSTER_SCOPED, Kind, built_in_api_version

_KIND = re.compile(r"([A-Z][A-Za-z0-9]*)(?:\.([a-z0-9][a-z0-9.-]*))?")
_NAMES = re.compile(r"[^\s/%]+")
FORM = "it is KIND or KIND.GROUP, or one of them with /NAME, in which `*` stands for any letters"


def entry_problem(entry: str, definitions: Mapping[Kind, bool], used: Collection[Kind] | None) -> str:
    """Why an entry allows nothing, or not what it looks like; empty when it is right.

    `definitions` are the custom kinds that Git defines (crd_scopes), `used` the cluster-scoped kinds of Git's
    objects; None: not all of them are known, so that an unknown kind may be right.
    """
    of_kind, slash, names = entry.partition("/")
    named = _KIND.fullmatch(of_kind)
    if named is None:
        return f"`{entry}` names no kind: {FORM}{_hint(of_kind.partition('.')[0], definitions)}"
    if slash and not _NAMES.fullmatch(names):
        return f"`{entry}` has no pattern of names after `/`: {FORM}"
    kind, group = named.groups()
    known = [each for each in _cluster_scoped(definitions) if each[1] == kind and group in (None, each[0])]
    if known:
        return ""
    return _with_group(group, kind, definitions) if group else _without_group(kind, definitions, used)


def _cluster_scoped(definitions: Mapping[Kind, bool]) -> set[Kind]:
    return {*CLUSTER_SCOPED, *(kind for kind, wide in definitions.items() if wide)}


def _with_group(group: str, kind: str, definitions: Mapping[Kind, bool]) -> str:
    if definitions.get((group, kind)) is False:
        return f"{kind}.{group} is a kind of namespaces, which needs no entry"
    if "." in group and not group.endswith(".k8s.io"):
        return ""  # a custom kind that an operator defines
    return f"no cluster-scoped kind {kind} of {group} is known{_hint(kind, definitions)}"


def _without_group(kind: str, definitions: Mapping[Kind, bool], used: Collection[Kind] | None) -> str:
    if built_in_api_version(kind) or any(each == kind for _, each in definitions):
        return f"{kind} is a kind of namespaces, which needs no entry"
    if used is None or any(each == kind for _, each in used):
        return ""
    return (
        f"no cluster-scoped kind {kind} is known, and no app has such an object{_hint(kind, definitions)};"
        " of a custom kind name the group, too: KIND.GROUP"
    )


def _hint(kind: str, definitions: Mapping[Kind, bool]) -> str:
    known = {each.lower(): each for _, each in _cluster_scoped(definitions)}
    near = difflib.get_close_matches(kind.lower(), known, n=1, cutoff=0.75)
    return f"; did you mean {known[near[0]]}?" if near else ""
