"""What follows what: apps by `dependsOn`, environments by `after`; what no order can be made of. Pure."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from towpath.config.keys.graph import is_graph
from towpath.config.keys.models import Config, Environment
from towpath.yamltext.config_reader import ConfigDocument

MAX_HINTS = 3

Problem = tuple[int, str]
"""A line, and what is wrong there."""


def find_circle(needs: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Names of which each needs the next, and the last is the first again; empty where there is no circle.

    `needs` is by name; names that are no keys of it need nothing. The first one of `needs` begins it.
    """
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        names = tuple(reversed(error.args[1][1:]))
        first = names.index(next(name for name in needs if name in names))
        return (*names[first:], *names[: first + 1])
    return ()


def hint(name: str, known: Iterable[str], told: int) -> str:
    """The known name that looks most like `name`. Comparing is slow, so only the first problems get one."""
    nearest = difflib.get_close_matches(name, sorted(known), n=1) if told < MAX_HINTS else []
    return f"; did you mean `{nearest[0]}`?" if nearest else ""


def app_order_problems(config: Config, document: ConfigDocument) -> Iterator[Problem]:
    """Names in `dependsOn` that are no apps, or stand there twice; else the first circle."""
    told = 0
    for name, app in config.apps.items():
        for index, other in enumerate(app.depends_on):
            line, where = document.line(("apps", name, "dependsOn", index)), f"apps.{name}.dependsOn"
            if other not in config.apps:
                yield line, f"{where}: there is no app `{other}`{hint(other, config.apps, told)}"
            elif other in app.depends_on[:index]:
                yield line, f"{where}: `{other}` is there twice"
            else:
                continue
            told += 1
    if told:
        return
    if circle := find_circle({name: app.depends_on for name, app in config.apps.items()}):
        first, second = circle[:2]
        index = config.apps[first].depends_on.index(second)
        line = document.line(("apps", first, "dependsOn", index))
        yield line, f"apps.{first}.dependsOn: {' -> '.join(circle)} is a circle: nothing of it could be first"


def environment_order_problems(config: Config, document: ConfigDocument) -> Iterator[Problem]:
    """What is wrong with `after`, `rollout` and `verifiedIn`; else the first circle."""
    places = list(config.environments)
    names, graph = {each.name for each in places}, is_graph(places)
    told = 0
    for index, each in enumerate(places):
        here: tuple[str | int, ...] = ("environments", index)
        if each.gate.verified_in is not None and graph:
            told += 1
            line = document.line((*here, "gate", "verifiedIn"))
            yield line, f"verifiedIn of `{each.name}`: `after` says the order here; name it there"
        if "rollout" in each.model_fields_set and not graph:
            told += 1
            line = document.line((*here, "rollout"))
            yield line, f"rollout of `{each.name}`: it is for what has `after`, and nothing has"
        for path, before, name in _after(each, index):
            if name not in names:
                yield document.line(path), f"after: there is no environment `{name}`{hint(name, names, told)}"
            elif name in before:
                yield document.line(path), f"after: `{name}` is there twice"
            else:
                continue
            told += 1
    if told or not graph:
        return
    if circle := find_circle({each.name: each.after.names if each.after else () for each in places}):
        index = next(index for index, each in enumerate(places) if each.name == circle[0])
        line = document.line(("environments", index, "after"))
        yield line, f"after: {' -> '.join(circle)} is a circle: nothing of it could be first"


def _after(each: Environment, index: int) -> Iterator[tuple[tuple[str | int, ...], tuple[str, ...], str]]:
    """The path of each name in `after`, the names before it, and the name."""
    names = each.after.names if each.after else ()
    key = ("any",) if each.after and each.after.any else ()
    for number, name in enumerate(names):
        yield ("environments", index, "after", *key, number), names[:number], name
