"""Apps and environments of `towpath.yaml` for what another tool deploys."""

from collections.abc import Mapping
from typing import Any

from towpath.foreign.definition import Note
from towpath.foreign.deployment import Deployment, Destination

Placed = Mapping[tuple[str, str], Deployment]
"""The deployments by app and environment."""


def apps_of(placed: Placed, renderers: Mapping[str, str], notes: list[Note]) -> dict[str, dict[str, Any]]:
    """The apps, without images, and what each waits for; what that cannot be is told."""
    apps: dict[str, dict[str, Any]] = {
        app: {"renderer": renderers[app], "images": {}} for app in sorted({app for app, _ in placed})
    }
    for app, others in _dependencies(placed, notes).items():
        apps[app]["dependsOn"] = others
    return apps


def environments_of(placed: Placed, places: Mapping[str, Destination]) -> list[dict[str, Any]]:
    """The environments, in the order in which apps came into them."""
    environments = []
    for name in dict.fromkeys(environment for _, environment in placed):
        here = {app: each for (app, environment), each in sorted(placed.items()) if environment == name}
        policies = {
            app: {**({} if each.heals else {"drift": "report"}), "takeOver": [each.manager]}
            for app, each in here.items()
        }
        rules: list[Any] = []
        for each in here.values():
            rules += [rule for rule in each.ignore if rule not in rules]
        environment = {"name": name, "namespace": places[name].namespace, "apps": policies}
        environments.append({**environment, **({"ignore": rules} if rules else {})})
    return environments


def _dependencies(placed: Placed, notes: list[Note]) -> dict[str, list[str]]:
    """What each app waits for, where both are in one environment and neither waits for itself."""
    found: dict[str, list[str]] = {}
    apps = {(each.manager, each.origin.name, place): app for (app, place), each in placed.items()}
    for (app, environment), deployment in sorted(placed.items()):
        for name in deployment.depends_on:
            other, problem = apps.get((deployment.manager, name, environment), ""), ""
            if not other:
                problem = f"waits for {name}, which is no app in {environment} here"
            elif _waits(found, other, app):
                problem = f"waits for {other}, which waits for it"
            elif other not in found.setdefault(app, []):
                found[app].append(other)
            if problem:
                notes.append(deployment.origin.note(("spec", "dependsOn"), problem))
    return {app: others for app, others in found.items() if others}


def _waits(dependencies: Mapping[str, list[str]], app: str, other: str) -> bool:
    """Whether an app waits for another one, over others too, or is it."""
    waiting, seen = [app], {app}
    while waiting:
        more = [each for each in dependencies.get(waiting.pop(), []) if each not in seen]
        seen |= set(more)
        waiting += more
    return other in seen
