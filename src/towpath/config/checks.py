"""Checks of `towpath.yaml` that compare several fields; each problem has its line."""

import itertools
from collections.abc import Iterable, Iterator

from pydantic.alias_generators import to_camel

from towpath.config.cel import compile_expression
from towpath.config.keys.fields import RESERVED
from towpath.config.keys.models import CONFIG_FILE, Config
from towpath.config.namespaces import namespace_problems
from towpath.config.order import app_order_problems, environment_order_problems
from towpath.config.order import hint as name_hint
from towpath.formats.versions import V1
from towpath.yamltext.config_reader import ConfigDocument, config_error

MAX_DUPLICATES = 100


def check_names(config: Config, document: ConfigDocument, file: str) -> None:
    """Names are unique and exist, and there are enough approvers. Raises ConfigError with all problems."""
    problems = [
        *_of_apps(config, document),
        *app_order_problems(config, document),
        *environment_order_problems(config, document),
    ]

    def problem(message: str, *path: str | int) -> None:
        problems.append((document.line(("environments", *path)), message))

    def hint(name: str, known: Iterable[str]) -> str:
        return name_hint(name, known, len(problems))

    people = config.who()
    groups = people.groups()
    for spelling, first, second in itertools.islice(people.duplicates(), MAX_DUPLICATES):
        line = document.line(("people", second))
        problems.append((line, f"people: `{spelling}` is `{first}`'s and `{second}`'s; it is one person's"))
    earlier: set[str] = set()
    for index, environment in enumerate(config.environments):
        name = environment.name
        if name in earlier:
            problem(f"environment `{name}` is there twice", index, "name")
        if name in RESERVED:
            problem(f"`{name}` is {RESERVED[name]}; choose another name", index, "name")
        before = environment.gate.verified_in
        if before is not None and before not in earlier and not config.is_graph:
            problem(
                f"verifiedIn: no environment before `{name}` is called `{before}`{hint(before, earlier)}",
                *(index, "gate", "verifiedIn"),
            )
        approvals = environment.gate.approvals
        for number, group in enumerate(approvals.groups):
            if group not in groups:
                problem(
                    f"groups: nobody in `people` is in the group `{group}`{hint(group, groups)}",
                    *(index, "gate", "approvals", "groups", number),
                )
        approvers = people.approvers(approvals.approvers, approvals.groups)
        if approvals.required > len(approvers):
            problem(
                f"{approvals.required} approvals are required, but only {len(approvers)} may approve;"
                " add names under `from`",
                *(index, "gate", "approvals", "required"),
            )
        for app in environment.apps:
            if app not in config.apps:
                problem(f"apps: there is no app `{app}`{hint(app, config.apps)}", index, "apps", app)
        earlier.add(name)
    if problems:
        raise config_error(problems, file)


def _of_apps(config: Config, document: ConfigDocument) -> Iterator[tuple[int, str]]:
    """Where an app is, and what one without images must not have; towpath.dev/v1 has no such apps."""
    yield from namespace_problems(config, document)
    for name, app in config.apps.items():
        yield from _places(config, document, name)
        if app.is_released:
            if app.promote is not None:
                line = document.line(("apps", name, "promote"))
                yield line, f"apps.{name}.promote: the app has images, and their releases are promoted"
            continue
        if config.api_version == V1:
            yield document.line(("apps", name)), f"`image` is missing in apps.{name}"
        elif app.source is not None:
            line = document.line(("apps", name, "source"))
            yield line, f"apps.{name}.source: the app has no `image`, so there is nothing to build"


def _places(config: Config, document: ConfigDocument, name: str) -> Iterator[tuple[int, str]]:
    """What is wrong with the `environments` of an app."""
    places, known = config.apps[name].environments, [each.name for each in config.environments]
    if places is None:
        return
    if not places:
        yield (
            document.line(("apps", name, "environments")),
            f"apps.{name}.environments: the app is in no environment; leave the key out for all that it has"
            " a folder for",
        )
    for index, place in enumerate(places):
        line = document.line(("apps", name, "environments", index))
        if place not in known:
            hint = name_hint(place, known, 0)
            yield line, f"apps.{name}.environments: there is no environment `{place}`{hint}"
        elif place in places[:index]:
            yield line, f"apps.{name}.environments: `{place}` is there twice"


def shared_namespaces(config: Config) -> Iterator[str]:
    """A note on environments of one namespace: they must be in several clusters, which Git cannot tell."""
    by_namespace: dict[str, list[str]] = {}
    for environment in config.environments:
        for namespace in environment.managed_namespaces:
            by_namespace.setdefault(namespace, []).append(environment.name)
    for namespace, names in by_namespace.items():
        if len(names) > 1:
            yield (
                f"{CONFIG_FILE}: environments {', '.join(names)} have the same namespace {namespace}: each"
                " must be in a cluster of its own, and a sync refuses the namespace of another environment"
            )


def check_expressions(config: Config, document: ConfigDocument, file: str) -> None:
    """Every expression is valid CEL, and no kind is listed twice. Raises ConfigError with all problems."""
    problems: list[tuple[int, str]] = []
    kinds: set[tuple[str, str]] = set()
    for index, check in enumerate(config.health_check_exprs):
        kind = (check.api_version.rpartition("/")[0], check.kind)
        if kind in kinds:
            line = document.line(("healthCheckExprs", index, "kind"))
            problems.append((line, f"healthCheckExprs: {check.kind} of {check.api_version} is there twice"))
        kinds.add(kind)
        for name in ("current", "in_progress", "failed"):
            text = getattr(check, name)
            try:
                if text:
                    compile_expression(text)
            except ValueError as error:
                field = to_camel(name)
                line = document.line(("healthCheckExprs", index, field))
                problems.append((line, f"healthCheckExprs[{index}].{field}: {error}"))
    if problems:
        raise config_error(problems, file)
