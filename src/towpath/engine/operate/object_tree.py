"""The objects of an app as a tree: what Git wants, and under it what controllers made of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from towpath.applyset.inventory import HookRun
from towpath.engine.operate.app_objects import CHILD_KINDS, AppObjects
from towpath.engine.verify.health_snapshot import AppHealth, HealthPicture, health_of
from towpath.engine.verify.rollout_status import NO_JUDGES
from towpath.health import Health, Status, assess
from towpath.health.assess import Judges
from towpath.health.verdict import mapping_at, number
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.printable import printable
from towpath.redact import redact

Origin = Literal["git", "left-git", "hook", "controller"]
"""Why it is there: Git wants it; it is to be deleted; it runs at a sync; a controller made it."""
UNWELL = frozenset({Status.DEGRADED, Status.MISSING, Status.PROGRESSING})
_HOOKS = {"succeeded": Status.HEALTHY, "running": Status.PROGRESSING, "failed": Status.DEGRADED}
NOT_ALLOWED = "this account may not read it"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the cluster. `count`: how often it happened, the last time `at` (RFC 3339)."""

    type: str
    reason: str
    message: str
    count: int
    at: str

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class LogTail:
    """The last lines of a container; `previous`: of the one before its last restart."""

    container: str
    previous: bool
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {"container": self.container, "previous": self.previous, "lines": list(self.lines)}


@dataclass(frozen=True, slots=True)
class Node:
    """One object. `created` is RFC 3339; empty: it is not there. `owner`: the object that controls it."""

    ref: ObjectRef
    origin: Origin
    health: Health
    created: str = ""
    owner: ObjectRef | None = None
    children: tuple["Node", ...] = ()
    events: tuple[Event, ...] = ()
    logs: tuple[LogTail, ...] = ()

    @property
    def unwell(self) -> bool:
        return self.health.status in UNWELL

    def walk(self) -> Iterator["Node"]:
        """This one, and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            **self.ref.to_json(),
            "origin": self.origin,
            "owner": self.owner.to_json() if self.owner else None,
            "health": str(self.health.status),
            "message": self.health.message,
            "created": self.created or None,
            "events": [event.to_json() for event in self.events],
            "logs": [log.to_json() for log in self.logs],
            "children": [child.to_json() for child in self.children],
        }


@dataclass(frozen=True, slots=True)
class ObjectTree:
    """All objects of an app in an environment, and the health of the whole."""

    app: str
    environment: str
    release: str
    applied_commit: str
    health: AppHealth | None
    nodes: tuple[Node, ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "app": self.app,
            "environment": self.environment,
            "release": self.release or None,
            "applied_commit": self.applied_commit or None,
            "health": str(self.health.status) if self.health else None,
            "message": self.health.message if self.health else "",
            "notes": list(self.notes),
            "objects": [node.to_json() for node in self.nodes],
        }


def object_tree(found: AppObjects, own: Judges = NO_JUDGES) -> ObjectTree:
    """Judge and order what was read; `own` are the user's judges."""
    verdicts: dict[ObjectRef, Health] = {}
    health, notes = None, []
    if found.rendered:
        rollout = HealthPicture(found.live, found.finished).judge(
            found.rendered, found.release.images, own, whole=True
        )
        verdicts = {each.ref: each.health for each in rollout.verdicts}
        health = health_of(rollout)
        notes += list(rollout.wrong_images)
    if not found.rendered and not found.broken and found.inventory:
        notes.append("Git does not have it here any more")
    if found.broken:
        notes.append(f"what Git has cannot be rendered: {found.broken}")
    notes += [f"{kind}: {NOT_ALLOWED}" for kind in found.unread]
    builder = _Builder(found, verdicts, own)
    nodes = tuple(builder.nodes())
    if health is None and nodes:
        health = _worst(nodes)
    commit = found.inventory.commit if found.inventory else ""
    clean = tuple(_clean(note) for note in notes)
    if health is not None:
        health = AppHealth(health.status, _clean(health.message))
    return ObjectTree(
        found.owner.app, found.owner.environment, found.release.id, commit, health, nodes, clean
    )


class _Builder:
    def __init__(self, found: AppObjects, verdicts: Mapping[ObjectRef, Health], own: Judges) -> None:
        self._found, self._verdicts, self._own = found, verdicts, own
        self._children: dict[str, list[Manifest]] = {}
        self._told: set[ObjectRef] = set()
        roots = set(found.refs)
        for live in found.live.values():
            ref = ref_of(live)
            if (ref.group, ref.kind) in CHILD_KINDS and ref not in roots:
                for owner in live["metadata"].get("ownerReferences") or ():
                    self._children.setdefault(str(owner.get("uid")), []).append(live)

    def nodes(self) -> Iterator[Node]:
        found = self._found
        # Of what cannot be rendered, nobody knows what has left Git.
        wanted = set(found.refs) if found.broken else found.wanted
        for ref in found.refs:
            if ref in wanted:
                yield self._root(ref, "git")
            elif ref in found.live:
                yield self._root(ref, "left-git")
        for run in found.inventory.hooks if found.inventory else ():
            yield self._hook(run)

    def _root(self, ref: ObjectRef, origin: Origin) -> Node:
        live = self._found.live.get(ref)
        verdict = self._verdicts.get(ref)
        if live is None and self._may_not_read(ref):
            verdict = Health(Status.UNKNOWN, NOT_ALLOWED)
        if verdict is None:
            verdict = assess(live, self._own) if live else Health(Status.MISSING, "is not in the cluster")
        return self._node(ref, origin, verdict, live)

    def _hook(self, run: HookRun) -> Node:
        live = self._found.live.get(run.ref)
        if live and run.uid and live["metadata"].get("uid") != run.uid:
            live = None
        message = run.message or f"{run.result} at commit {run.commit[:7]}"
        return self._node(run.ref, "hook", Health(_HOOKS[run.result], message), live)

    def _node(self, ref: ObjectRef, origin: Origin, health: Health, live: Manifest | None) -> Node:
        node = Node(ref, origin, replace(health, message=_clean(health.message)))
        if live is None:
            return node
        metadata = live["metadata"]
        self._told.add(ref)
        children = sorted(self._children.get(str(metadata.get("uid")), ()), key=ref_of)
        below = (
            replace(self._node(ref_of(each), "controller", assess(each, self._own), each), owner=ref)
            for each in children
            if ref_of(each) not in self._told
        )
        return replace(
            node,
            created=str(metadata.get("creationTimestamp") or ""),
            children=tuple(child for child in below if not _is_history(child, self._found.live)),
        )

    def _may_not_read(self, ref: ObjectRef) -> bool:
        place = f"{ref.kind} in {ref.namespace}" if ref.namespace else ref.kind
        return place in self._found.unread


def _is_history(node: Node, live: Mapping[ObjectRef, Manifest]) -> bool:
    """Whether it is the ReplicaSet of a former revision, which has no pods any more."""
    if node.ref.kind != "ReplicaSet" or node.children:
        return False
    return number(mapping_at(live[node.ref], "spec"), "replicas", 1) == 0


def _worst(nodes: tuple[Node, ...]) -> AppHealth:
    order = list(Status)
    worst = max(nodes, key=lambda node: order.index(node.health.status))
    if worst.health.status is Status.HEALTHY:
        return AppHealth(Status.HEALTHY)
    return AppHealth(worst.health.status, f"{worst.ref}: {worst.health.message}")


def _clean(text: str) -> str:
    return " ".join(redact(printable(text)).split())
