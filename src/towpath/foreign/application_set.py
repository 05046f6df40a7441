"""The Applications that an ApplicationSet of Argo CD makes, and which are one app in several places."""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from towpath.foreign.clusters import KnownCluster
from towpath.foreign.definition import Definition, Fields, Note
from towpath.foreign.generators import (
    MAX_APPLICATIONS,
    Element,
    Generators,
    NotFollowedError,
    Role,
)
from towpath.foreign.git_generator import GitTree
from towpath.foreign.templates import UnknownError, filled


@dataclass(frozen=True, slots=True)
class Made:
    """An Application that an ApplicationSet makes. `app` is empty where it has a name of its own."""

    application: Definition
    app: str = ""


def applications(
    root: Path,
    definition: Definition,
    urls: Iterable[str],
    notes: list[Note],
    clusters: Sequence[KnownCluster] = (),
) -> list[Made]:
    """The Applications of an ApplicationSet; none when it has no counterpart, which a note says.

    `clusters` are those whose Secrets are in the files.
    """
    spec = Fields(definition, ("spec",), definition.data.get("spec"), notes)
    template, go_template = spec.take("template"), spec.take("goTemplate") is True
    generators = Generators(GitTree(root), tuple(urls), clusters, go_template)
    elements: list[Element] = []
    for generator in spec.items("generators"):
        try:
            elements += generators.elements(generator)
        except NotFollowedError:
            continue
    spec.take("syncPolicy", "goTemplateOptions", "preservedFields", "applyNestedSelectors")
    spec.tell_rest()
    if len(elements) > MAX_APPLICATIONS:
        notes.append(
            definition.note(("spec",), f"makes more than {MAX_APPLICATIONS:,}; it is not carried over")
        )
        return []
    made = []
    for each in elements:
        try:
            whole = _completed(each.template, template)
            data = filled(whole, each.parameters, go_template=go_template)
        except UnknownError as error:
            message = f"its template has {{{{{error}}}}}, which is not known here; it is not carried over"
            notes.append(definition.note(("spec", "template"), message))
            return []
        made.append(_application(definition, data))
    return _named(definition, elements, made)


def _application(definition: Definition, data: Any) -> Definition:
    metadata = data.get("metadata") if isinstance(data, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    lines = {path[2:]: line for path, line in definition.lines.items() if path[:2] == ("spec", "template")}
    whole = data if isinstance(data, dict) else {}
    return Definition("Application", str(name or ""), definition.namespace, whole, definition.file, lines)


def _completed(own: Any, template: Any) -> Any:
    """A generator's own template, with the ApplicationSet's where it has nothing."""
    if own in (None, "", {}, []):
        return template
    if not isinstance(own, dict) or not isinstance(template, dict):
        return own
    return {key: _completed(own.get(key), template.get(key)) for key in {**template, **own}}


def _named(definition: Definition, elements: Sequence[Element], made: Sequence[Definition]) -> list[Made]:
    """With the names of those that are one app in several places, which are all different.

    Clusters are places, and elements of a list unless clusters are beside them; folders and files are apps.
    """
    keys = [each.app if each.role is Role.APP else "" for each in elements]
    groups: dict[str, list[int]] = {}
    for number, key in enumerate(keys):
        groups.setdefault(key, []).append(number)
    found = [Made(each) for each in made]
    taken: set[str] = set()
    for key, numbers in groups.items():
        several = [made[number] for number in numbers]
        name = _shared_name([each.name for each in several]) if key else definition.name
        if (key and len(several) == 1) or not name or name in taken or not _differ(several):
            continue
        taken.add(name)
        for number in numbers:
            found[number] = replace(found[number], app=name)
    return found


def _shared_name(names: Sequence[str]) -> str:
    """What names have in common at their beginning and their end: `shop-eu` and `shop-us` are `shop`."""
    lists = [name.split("-") for name in names]
    begin = _shared(lists)
    rest = [each[len(begin) :] for each in lists]
    end = _shared([each[::-1] for each in rest])[::-1]
    return "-".join([*begin, *end])


def _shared(lists: Sequence[Sequence[str]]) -> list[str]:
    same = itertools.takewhile(lambda steps: len(set(steps)) == 1, zip(*lists, strict=False))
    return [steps[0] for steps in same]


def _differ(several: Sequence[Definition]) -> bool:
    """Whether each has a place of its own."""
    specs = [each.data.get("spec") if isinstance(each.data, dict) else None for each in several]
    places = {
        json.dumps(each.get("destination"), sort_keys=True, default=str)
        for each in specs
        if isinstance(each, dict)
    }
    return len(places) == len(several)
