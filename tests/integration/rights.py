"""An account with given rights on the real API server, and what its requests ask for."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.world import World
from towpath.adapters.kubernetes import connect
from towpath.adapters.kubernetes.wire import APPLY, Request, Wire
from towpath.kube.rights import RBAC, Right, Rule
from towpath.objects import Manifest

NAMED = "metadata.name="


@dataclass(frozen=True)
class Used:
    """A request, the rights that it asked for, and how it was answered."""

    request: Request
    rights: tuple[Right, ...]
    status: int

    @property
    def refused(self) -> bool:
        return self.status in (401, 403)


@dataclass
class Recorder:
    """Keeps the requests of the connections that are made while it is in the place of `Wire`."""

    used: list[Used] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _others: threading.local = field(default_factory=threading.local)

    @contextmanager
    def not_recorded(self) -> Iterator[None]:
        """Connections that this thread makes meanwhile are somebody else's."""
        self._others.on = True
        try:
            yield
        finally:
            self._others.on = False

    def wire(self) -> Callable[..., Wire]:
        recorder = self

        class RecordingWire(Wire):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                self.recorded = not getattr(recorder._others, "on", False)

            def ask(self, request: Request) -> Any:
                response = super().ask(request)
                if self.recorded:
                    recorder.add(request, response.status)
                return response

        return RecordingWire

    def add(self, request: Request, status: int) -> None:
        if (rights := rights_of_request(request, status)) is not None:
            with self._lock:
                self.used.append(Used(request, rights, status))

    def granted(self) -> set[Right]:
        """Those of requests that were let in."""
        return {right for each in self.used if not each.refused for right in each.rights}

    def refused(self) -> set[Right]:
        return {right for each in self.used if each.refused for right in each.rights}


def rights_of_request(request: Request, status: int = 200) -> tuple[Right, ...] | None:
    """What RBAC asks of a request, with the names of its objects; None for discovery."""
    parts = request.path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
    if not rest:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name = rest[0], rest[1] if len(rest) > 1 else ""
    if len(rest) > 2:
        resource = f"{resource}/{rest[2]}"
    if not name and (chosen := request.query.get("fieldSelector", "")).startswith(NAMED):
        name = chosen.removeprefix(NAMED)
    verb = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[
        request.method
    ]
    if request.method == "GET" and len(rest) == 1:
        verb = "watch" if request.query.get("watch") else "list"
    verbs = [verb]
    if request.content_type == APPLY and status == 201:
        verbs.append("create")
    return tuple(Right(namespace, group, resource, each, name) for each in verbs)


def expanded(objects: Iterable[Manifest]) -> set[Right]:
    """The single rights that Roles and ClusterRoles grant."""
    found: set[Right] = set()
    for role in objects:
        for rule in role.get("rules", ()):
            found |= set(_rights_of_rule(rule, role["metadata"].get("namespace", "")))
    return found


def _rights_of_rule(rule: Rule, namespace: str) -> Iterator[Right]:
    for group in rule.get("apiGroups", ()):
        for resource in rule.get("resources", ()):
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames") or [""]:
                    yield Right(namespace, group, resource, verb, name)


def is_used(right: Right, used: Iterable[Right]) -> bool:
    """Whether a request that was let in needed this right."""
    return any(
        (right.namespace, right.group, right.resource, right.verb)
        == (each.namespace, each.group, each.resource, each.verb)
        and right.name in ("", each.name)
        for each in used
    )


def kubeconfig_as(world: World, **user: Any) -> str:
    """The text of a kubeconfig with this user: a `token`, or `as` whom the administrator asks."""
    config = yaml.safe_load(world.kubectl("config", "view", "--raw", "--flatten", "--minify"))
    [named] = config["users"]
    named["user"] = user if "token" in user else {**named["user"], **user}
    return json.dumps(config)


def lacking(prefix: str, right: Right, role: Manifest, number: int) -> tuple[str, list[Manifest]]:
    """A user who has of one place's rights, those of `role`, all but one; with a role and a binding."""
    user = f"{prefix}-lacks-{number}"
    rules = [
        {"apiGroups": [each.group], "resources": [each.resource], "verbs": [each.verb],
         **({"resourceNames": [each.name]} if each.name else {})}
        for each in sorted(expanded([role]) - {right})
    ]  # fmt: skip
    metadata = {"name": user, **({"namespace": right.namespace} if right.namespace else {})}
    shared = {"apiVersion": f"{RBAC}/v1", "kind": role["kind"], "metadata": metadata}
    role_ref = {"apiGroup": RBAC, "kind": role["kind"], "name": user}
    subject = {"apiGroup": RBAC, "kind": "User", "name": user}
    binding = {**shared, "kind": f"{role['kind']}Binding", "roleRef": role_ref, "subjects": [subject]}
    return user, [{**shared, "rules": rules}, binding]


def asks_as(world: World, folder: Path) -> Callable[[str, Request], int]:
    """Repeats a request as another user, without writing anything; the status of the answer."""
    wires: dict[str, Wire] = {}
    text = kubeconfig_as(world, **{"as": "WHO"})

    def ask(user: str, request: Request) -> int:
        if user not in wires:
            file = folder / f"{user}.json"
            file.write_text(text.replace("WHO", user))
            wires[user] = connect(str(file))._wire
        return int(wires[user].ask(dry(request)).status)

    return ask


def dry(request: Request) -> Request:
    """The same request, by which nothing is written and nobody waits."""
    query = dict(request.query)
    if request.method != "GET":
        query["dryRun"] = "All"
    if query.get("watch"):
        query["timeoutSeconds"] = "1"
    return Request(
        method=request.method,
        path=request.path,
        what=request.what,
        query=query,
        content=request.content,
        content_type=request.content_type,
    )
