"""The part of an installation that the Prefect server holds: pools, locks, an automation, deployments."""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath.applyset.plan import Action, PlanEntry
from towpath.errors import MissingPartError
from towpath.objects import ObjectRef
from towpath.orchestration.api import NotFoundError, PrefectApi
from towpath.orchestration.deploy import deploy_all
from towpath.orchestration.server_objects import make_object, missing_objects, wanted_objects
from towpath.scaffold.prefect_yaml import PREFECT_FILE, dump_prefect_yaml, prefect_yaml_of

GROUP = "prefect.io"
"""Group of what the Prefect server holds, in a plan."""
LATER = "once the Prefect server answers"


@dataclass(frozen=True, slots=True)
class Server:
    """The Prefect server as this machine reaches it, and whose agents it serves; None: what builds."""

    api: PrefectApi
    environments: tuple[str | None, ...]


def plan_unknown(environments: Sequence[str | None]) -> list[PlanEntry]:
    """Of a server that does not answer yet: what it needs in the end."""
    names = [(each.kind, each.name) for each in wanted_objects(environments)]
    names += [("Deployment", _title(each)) for each in prefect_yaml_of(environments)["deployments"]]
    return [PlanEntry(_ref(*each), "create", reason=LATER) for each in names]


def plan_server(server: Server) -> list[PlanEntry]:
    """What is made, and which deployments are changed. Writes nothing."""
    missing = missing_objects(server.api, server.environments)
    entries = [
        PlanEntry(_ref(each.kind, each.name), "create" if each in missing else "unchanged")
        for each in wanted_objects(server.environments)
    ]
    return entries + [entry for _, entry in _deployments(server)]


def prepare_server(server: Server) -> None:
    """Make what is missing, and deploy what is missing or differs."""
    for each in missing_objects(server.api, server.environments):
        make_object(server.api, each)
    chosen = [deployment for deployment, entry in _deployments(server) if entry.action != "unchanged"]
    if not chosen:
        return
    content = {**prefect_yaml_of(server.environments), "deployments": chosen}
    with tempfile.TemporaryDirectory(prefix="towpath-install-") as name:
        folder = Path(name)
        for package in ("flows", "tasks"):
            shutil.copytree(_package(package), folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / PREFECT_FILE).write_text(dump_prefect_yaml(content))
        environment = {**os.environ, "PREFECT_API_URL": server.api.url, "PREFECT_HOME": str(folder / "home")}
        if server.api.login:
            environment["PREFECT_API_AUTH_STRING"] = server.api.login
        deploy_all(folder, environment, python=sys.executable)


def _deployments(server: Server) -> Iterator[tuple[dict[str, Any], PlanEntry]]:
    for deployment in prefect_yaml_of(server.environments)["deployments"]:
        title = _title(deployment)
        try:
            live = server.api.get(f"/deployments/name/{title}")
        except NotFoundError:
            yield deployment, PlanEntry(_ref("Deployment", title), "create")
            continue
        changed = [key for key, is_, wanted in _compared(live, deployment) if is_ != wanted]
        action: Action = "configure" if changed else "unchanged"
        yield deployment, PlanEntry(_ref("Deployment", title), action, reason=", ".join(changed))


def _compared(live: dict[str, Any], wanted: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What must hold; schedules and descriptions are as people have them."""
    yield "entrypoint", live.get("entrypoint"), wanted["entrypoint"]
    yield "work pool", live.get("work_pool_name"), wanted["work_pool"]["name"]
    yield "parameters", live.get("parameters") or {}, wanted.get("parameters") or {}


def _title(deployment: dict[str, Any]) -> str:
    return f"{deployment['entrypoint'].rpartition(':')[2]}/{deployment['name']}"


def _ref(kind: str, name: str) -> ObjectRef:
    return ObjectRef(GROUP, kind, "", name)


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise MissingPartError(
            f"the package {name} is not in this installation", remedy="Install the package towpath anew."
        )
    return Path(places[0])
