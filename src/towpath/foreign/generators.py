"""Parameters that generators of an ApplicationSet give: list, git, clusters, and two that combine others."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, NoReturn

from towpath.errors import ConfigError
from towpath.foreign.clusters import KnownCluster, selected
from towpath.foreign.definition import Fields
from towpath.foreign.deployment import merged, same_repository
from towpath.foreign.git_generator import GitTree, flat_path, git_parameters
from towpath.foreign.selectors import matches, read_selector
from towpath.foreign.templates import UnknownError, filled, flat
from towpath.yamltext.manifest_reader import load_document

MAX_APPLICATIONS = 1_000
_MAX_NESTING = 2
"""Levels of matrix and merge generators, as Argo CD has it."""
_LEFT_OUT = "it is not carried over"


class NotFollowedError(Exception):
    """A generator has no counterpart, which a note says."""


class Role(IntEnum):
    """What the elements of a generator are: places of an app, apps, or what is beside them not."""

    PLACE = 0
    EITHER = 1
    APP = 2


@dataclass(frozen=True, slots=True)
class Element:
    """One set of parameters. `app` says which app it is of, where its `role` is not that of a place.

    `template` are the parts of the template that its generator has of its own.
    """

    parameters: Mapping[str, Any]
    role: Role
    app: str = ""
    template: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Generators:
    """What generators see: the repository with its addresses, the clusters, and how templates are written."""

    tree: GitTree
    urls: tuple[str, ...]
    clusters: Sequence[KnownCluster]
    go_template: bool

    def elements(self, generator: Fields, level: int = 0) -> list[Element]:
        """The elements of an entry of `generators`. Raises NotFollowedError."""
        kinds = [key for key in _MAKERS if generator.take(key) is not None]
        rules = read_selector(generator.inner("selector"))
        _check_rest(generator)
        if rules is None:
            raise NotFollowedError
        if not kinds or (level and len(kinds) > 1):
            _stop(generator, "", f"has {len(kinds)} generators, and Argo CD asks for one")
        found: list[Element] = []
        for kind in kinds:
            inner = generator.inner(kind)
            template = inner.take("template")
            of_kind = _MAKERS[kind](self, inner, level)
            own = template if isinstance(template, dict) and not level else {}
            found += [
                replace(each, template=own) for each in of_kind if matches(flat(each.parameters), rules)
            ]
        return found

    def of_list(self, listed: Fields, _: int) -> Iterator[Element]:
        """The elements as they stand, and those of a text of YAML."""
        elements, text = listed.take("elements"), listed.text("elementsYaml")
        _check_rest(listed)
        found = elements if isinstance(elements, list) else []
        if text:
            more = self._list_of_text(listed, text)
            found = [*found, *more]
        for number, each in enumerate(found):
            if not isinstance(each, dict):
                _stop(listed, "elements", f"has element {number}, which is no mapping")
            yield self._element(each, Role.EITHER, json.dumps(each, sort_keys=True, default=str))

    def _list_of_text(self, listed: Fields, text: str) -> list[Any]:
        try:
            more = load_document(text, listed.definition.file)
        except ConfigError:
            more = None
        if not isinstance(more, list):
            _stop(listed, "elementsYaml", "is no list")
        return more

    def of_clusters(self, generator: Fields, _: int) -> Iterator[Element]:
        """The clusters that a selector chooses."""
        values, known = generator.take("values"), len(generator.notes)
        chosen = list(selected(generator, self.clusters))
        if not chosen and len(generator.notes) > known:
            raise NotFollowedError
        _check_rest(generator)
        for each in chosen:
            yield self._with_values(generator, self._element(each.parameters(), Role.PLACE), values)

    def of_git(self, git: Fields, _: int) -> Iterator[Element]:
        """Folders or files of the repository itself; of another one nothing is known."""
        if not any(same_repository(git.text("repoURL"), each) for each in self.urls):
            _stop(git, "repoURL", "is another repository, whose folders are not known here")
        values, prefix = git.take("values"), git.text("pathParamPrefix")
        git.take("revision", "requeueAfterSeconds", "directories", "files")
        _check_rest(git)
        for path, parameters in git_parameters(self.tree, git):
            one = self._element(parameters, Role.APP, path)
            if not self.go_template:
                below = prefix or "path"
                content = flat({key: value for key, value in parameters.items() if key != below})
                one = replace(one, parameters=content | flat_path(prefix, parameters))
            yield self._with_values(git, one, values)

    def of_matrix(self, matrix: Fields, level: int) -> list[Element]:
        """Each element of the first with each of the second, in which the first's parameters may stand."""
        first, second = self._children(matrix, level, exactly=True)
        _check_rest(matrix)
        found: list[Element] = []
        ones = self.elements(first, level + 1)
        for one in ones:
            others = self.elements(self._filled(second, one), level + 1)
            if max(len(ones), len(others), len(found) + len(others)) > MAX_APPLICATIONS:
                _stop(matrix, "", f"makes more than {MAX_APPLICATIONS:,}")
            found += [self._joined(matrix, one, other) for other in others]
        return found

    def of_merge(self, merge: Fields, level: int) -> list[Element]:
        """The elements of the first, with what later ones say of those that have the same keys."""
        keys, children = merge.texts("mergeKeys"), self._children(merge, level, exactly=False)
        _check_rest(merge)
        if not keys:
            _stop(merge, "mergeKeys", "are missing")
        base, *others = (_by_keys(merge, keys, self.elements(each, level + 1)) for each in children)
        for over in others:
            for key in base.keys() & over.keys():
                parameters = merged(base[key].parameters, over[key].parameters)
                base[key] = replace(base[key], parameters=parameters)
        return list(base.values())

    def _children(self, combining: Fields, level: int, *, exactly: bool) -> list[Fields]:
        children = combining.items("generators")
        if level >= _MAX_NESTING:
            _stop(combining, "", f"is nested more than {_MAX_NESTING} deep, which Argo CD refuses")
        if len(children) < 2 or (exactly and len(children) > 2):
            need = "exactly two" if exactly else "two or more"
            _stop(combining, "generators", f"are {len(children)}, and Argo CD asks for {need}")
        return children

    def _filled(self, child: Fields, one: Element) -> Fields:
        """The second generator for an element of the first. Without Go's templates its own names stay."""
        try:
            value = filled(
                child.value,
                one.parameters,
                go_template=self.go_template,
                leave_unknown=not self.go_template,
            )
        except UnknownError as error:
            _stop(child, "", f"has {{{{{error}}}}}, which is not known there")
        return child.replaced(value)

    def _joined(self, matrix: Fields, one: Element, other: Element) -> Element:
        if self.go_template:
            parameters = merged(other.parameters, one.parameters)
        else:
            shared = one.parameters.keys() & other.parameters.keys()
            twice = sorted(key for key in shared if one.parameters[key] != other.parameters[key])
            if twice:
                _stop(matrix, "generators", f"give `{twice[0][:80]}` two values, which Argo CD refuses")
            parameters = {**one.parameters, **other.parameters}
        if one.role != other.role:
            app = max(one, other, key=lambda each: each.role).app
            return Element(parameters, Role.APP, app)
        if one.role is Role.PLACE:
            return Element(parameters, Role.PLACE)
        return Element(parameters, Role.APP, json.dumps([one.app, other.app]))

    def _element(self, parameters: Mapping[str, Any], role: Role, app: str = "") -> Element:
        return Element(parameters if self.go_template else flat(parameters), role, app)

    def _with_values(self, generator: Fields, one: Element, values: Any) -> Element:
        """With the generator's own `values`, in which the element's parameters may stand."""
        if not isinstance(values, dict):
            return one
        try:
            own = filled(values, one.parameters, go_template=self.go_template)
        except UnknownError as error:
            _stop(generator, "values", f"have {{{{{error}}}}}, which is not known here")
        more = {"values": own} if self.go_template else flat(own, "values")
        return replace(one, parameters={**one.parameters, **more})


_MAKERS: Mapping[str, Callable[[Generators, Fields, int], Iterator[Element] | list[Element]]] = {
    "list": Generators.of_list,
    "git": Generators.of_git,
    "clusters": Generators.of_clusters,
    "matrix": Generators.of_matrix,
    "merge": Generators.of_merge,
}


def _by_keys(merge: Fields, keys: Sequence[str], elements: Sequence[Element]) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for each in elements:
        texts = {**flat(each.parameters), **{k: v for k, v in each.parameters.items() if isinstance(v, str)}}
        key = json.dumps([texts.get(name) for name in keys])
        if key in found:
            _stop(
                merge, "mergeKeys", f"are {key[:80]} in two elements of one generator, which Argo CD refuses"
            )
        found[key] = each
    return found


def _check_rest(fields: Fields) -> None:
    """Stop at a field that is not known: it may change what is generated."""
    known = len(fields.notes)
    fields.tell_rest()
    if len(fields.notes) > known:
        raise NotFollowedError


def _stop(fields: Fields, key: str, message: str) -> NoReturn:
    fields.tell(key, f"{message}; {_LEFT_OUT}")
    raise NotFollowedError
