"""Verbs about an app in one environment, or in each where it is."""

from collections.abc import Callable
from typing import TypeVar

from towpath.config import Config
from towpath.errors import TowpathError, UnknownNameError

T = TypeVar("T")


def in_each_environment(
    config: Config, app: str, environment: str | None, work: Callable[[str], T]
) -> tuple[dict[str, T], dict[str, str]]:
    """`work` in the environment that is named, or in all: results, and why others could not be read.

    What is named is an error when it fails. An app that neither Git nor any cluster has is UnknownNameError.
    """
    if environment is not None:
        return {config.environment(environment).name: work(environment)}, {}
    results: dict[str, T] = {}
    problems: dict[str, str] = {}
    unknown: UnknownNameError | None = None
    for each in config.environments:
        try:
            results[each.name] = work(each.name)
        except UnknownNameError as error:
            if error.kind != "app":
                raise
            unknown = error
        except TowpathError as error:
            problems[each.name] = error.message
    if unknown is not None and not results:
        raise UnknownNameError("app", app, config.apps, where=config_place(problems))
    return results, problems


def config_place(problems: dict[str, str]) -> str:
    """Where an unknown app was looked for."""
    if not problems:
        return "Git, and nothing of it is live in any environment"
    where = ", ".join(problems)
    return f"Git, and whether anything of it is live in {where} cannot be asked"
