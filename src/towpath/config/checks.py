"""What one field of `towpath.yaml` alone cannot tell: each problem with its line."""

import difflib
from collections.abc import Iterable

from pydantic.alias_generators import to_camel

from towpath.config.cel import compile_expression
from towpath.config.fields import RESERVED
from towpath.config.models import Config
from towpath.yamltext.config_reader import ConfigDocument, config_error

MAX_HINTS = 3


def check_names(config: Config, document: ConfigDocument, file: str) -> None:
    """What one field alone cannot tell: names that must be unique, or exist, or be enough."""
    problems: list[tuple[int, str]] = []

    def problem(where: str, *path: str | int) -> None:
        problems.append((document.line(("environments", *path)), where))

    def hint(name: str, known: Iterable[str]) -> str:
        # Comparing takes its time; who has many such problems misspelt the first one, too.
        near = difflib.get_close_matches(name, sorted(known), n=1) if len(problems) < MAX_HINTS else []
        return f"; did you mean `{near[0]}`?" if near else ""

    seen: set[str] = set()
    places: dict[tuple[str | None, str | None, str], str] = {}
    for index, environment in enumerate(config.environments):
        name = environment.name
        if name in seen:
            problem(f"environment `{name}` is there twice", index, "name")
        if name in RESERVED:
            problem(f"`{name}` is {RESERVED[name]}; choose another name", index, "name")
        place = (environment.kubeconfig, environment.context, environment.namespace)
        if place in places:
            problem(
                f"environments `{places[place]}` and `{name}` have the same namespace", index, "namespace"
            )
        before = environment.gate.verified_in
        if before is not None and before not in seen:
            problem(
                f"verifiedIn: no environment before `{name}` is called `{before}`{hint(before, seen)}",
                *(index, "gate", "verifiedIn"),
            )
        approvals = environment.gate.approvals
        if approvals.required > (able := len(set(approvals.approvers))):
            problem(
                f"{approvals.required} approvals are required, but only {able} may approve;"
                " add names under `from`",
                *(index, "gate", "approvals", "required"),
            )
        for app in environment.apps:
            if app not in config.apps:
                problem(f"apps: there is no app `{app}`{hint(app, config.apps)}", index, "apps", app)
        seen.add(name)
        places[place] = name
    if problems:
        raise config_error(problems, file)


def check_expressions(config: Config, document: ConfigDocument, file: str) -> None:
    """Each expression is CEL, and each kind is there once."""
    problems: list[tuple[int, str]] = []
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(config.health_check_exprs):
        key = (each.api_version.rpartition("/")[0], each.kind)
        if key in seen:
            line = document.line(("healthCheckExprs", index, "kind"))
            problems.append((line, f"healthCheckExprs: {each.kind} of {each.api_version} is there twice"))
        seen.add(key)
        for name in ("current", "in_progress", "failed"):
            text = getattr(each, name)
            try:
                if text:
                    compile_expression(text)
            except ValueError as error:
                field = to_camel(name)
                line = document.line(("healthCheckExprs", index, field))
                problems.append((line, f"healthCheckExprs[{index}].{field}: {error}"))
    if problems:
        raise config_error(problems, file)
