"""The branch of the environment repository, as a watcher needs it: its newest commit, and what that wants."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from towpath.adapters.git import branch_head, list_trees
from towpath.adapters.kubernetes import Cluster
from towpath.applyset.apply_object import is_secret, prepare_objects
from towpath.applyset.prune_file import ConfirmedDeletions
from towpath.config import Environment
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.autoscalers import autoscaler_kinds, read_autoscalers
from towpath.engine.live.context import EnvironmentContext, open_context
from towpath.engine.live.digest_keys import read_key
from towpath.engine.reconcile.removed_apps import apps_without_folder
from towpath.engine.source.render import Rendered, render_app
from towpath.engine.watch.wanted import Wanted, decided_by
from towpath.errors import TowpathError, UnknownNameError, as_towpath_error
from towpath.kube.autoscaling import Kind, Target, kind_of, scale_targets
from towpath.objects import Manifest, ref_of
from towpath.settings import Settings

ASK_TIMEOUT = 15.0
"""Seconds for asking which commit is the newest."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was read last, and what of each app of the environment Git wants there."""

    context: EnvironmentContext
    wanted: Mapping[str, Wanted]
    decided_by: Mapping[str, str] = field(default_factory=dict)
    autoscalers: tuple[Kind, ...] = ()
    """Kinds of autoscalers, served or not; none where no object of Git can be scaled."""
    scaled: frozenset[Target] = frozenset()
    """What live autoscalers scaled when it was read."""
    places: frozenset[str] = frozenset()
    """The namespaces of what Git has."""
    moved: bool = True
    """Whether it is another commit than the one before."""
    key: bytes | None = field(default=None, repr=False)
    """That of recorded digests; the first sync of Secrets makes it, and then all of this is read again."""


class Branch:
    """Asks for the newest commit now and then, or when told to; `told` gets each one that is new."""

    def __init__(
        self,
        settings: Settings,
        environment: str,
        interval: float,
        told: Callable[[Head], None],
        say: Callable[[str], None],
    ) -> None:
        self._settings, self._environment, self._interval = settings, environment, interval
        self._told, self._say = told, say
        self._ask = threading.Event()
        self._lock = threading.Lock()
        self.head: Head | None = None
        self.trouble: TowpathError | None = None
        """Why the branch cannot be read at the moment."""
        self.unknown: UnknownNameError | None = None
        """The first commit that was read names no such environment."""

    def notify(self) -> None:
        """Somebody says that the branch has moved: ask now."""
        self._ask.set()

    def keep(self, closed: threading.Event) -> None:
        """Ask until closed."""
        while not closed.is_set():
            self.refresh()
            self._ask.wait(self._interval * random.uniform(0.9, 1.1))  # noqa: S311 (jitter)
            self._ask.clear()

    def read_again(self) -> None:
        """The same commit counts otherwise now."""
        self.refresh(again=True)

    def refresh(self, *, again: bool = False) -> bool:
        """Whether the newest commit is known now. What cannot be read is told once, and asked for again."""
        with self._lock:
            try:
                head = self._read_again() if again else self._read()
            except Exception as raised:  # noqa: BLE001 - the thread goes on, and readiness tells
                error = as_towpath_error(raised)
                if self.head is None and isinstance(error, UnknownNameError) and error.kind == "environment":
                    self.unknown = error
                elif self.trouble is None or self.trouble.message != error.message:
                    self._say(self._in_words(error))
                self.trouble = error
                return False
            if self.trouble is not None:
                self._say("the environment repository can be read again")
            self.trouble = None
            if head is not None:
                self.head = head
                self._told(head)
            return True

    def _in_words(self, error: TowpathError) -> str:
        if self.head:
            return f"{error.message}; what was read before stays in force"
        return f"{error.message}; nothing was read before, so nothing is done until it can be"

    def _read_again(self) -> Head | None:
        if self.head is None:
            return self._read()
        with suppress(TowpathError):  # it is no trouble of Git's
            self.head.context.cluster.discover(refresh=True)  # a kind of autoscalers may be served since
        return replace(read_head(self.head.context), moved=False)

    def _read(self) -> Head | None:
        """None when nothing has changed."""
        settings = self._settings
        newest = branch_head(
            settings.environments_url(),
            settings.branch,
            settings.cache,
            allow_file=settings.git_allow_file,
            timeout=ASK_TIMEOUT,
        )
        if self.head is not None and self.head.context.repo.commit == newest:
            return None if _has_key_still(self.head) else self._read_again()
        context = open_context(settings, self._environment, newest)
        return read_head(context)


def read_head(context: EnvironmentContext) -> Head:
    """What a commit wants of the environment, and what decides whether it is carried out."""
    trees = list_trees(context.repo.checkout)
    wanted, asked = wanted_of(context)
    scaled = frozenset(target for each in asked.scalers for target in scale_targets(each))
    decided = decided_by(trees, context.environment.name)
    return Head(context, wanted, decided, asked.kinds, scaled, asked.places, key=asked.key)


def _has_key_still(head: Head) -> bool:
    has_secrets = any(is_secret(ref) for each in head.wanted.values() for ref in each.objects)
    return not has_secrets or _key(head.context) == head.key


def _key(context: EnvironmentContext) -> bytes | None:
    try:
        return read_key(context.cluster, context.environment.namespace)
    except TowpathError:
        return None  # then Secrets look changed until a run finds that they are not


@dataclass(frozen=True, slots=True)
class Asked:
    """What the cluster was asked beside Git: the key of Secrets' digests, and autoscalers and their kinds."""

    key: bytes | None = field(default=None, repr=False)
    kinds: tuple[Kind, ...] = ()
    scalers: tuple[Manifest, ...] = ()
    places: frozenset[str] = frozenset()


def wanted_of(context: EnvironmentContext) -> tuple[dict[str, Wanted], Asked]:
    """What Git wants of each released app, as a sync would apply it, and what that depends on.

    The cluster is asked for autoscalers, and for the key where Git has Secrets.
    """
    apps = {app: _read(context, app) for app in context.repo.released_apps(context.environment.name)}
    objects = [m for each in apps.values() if not isinstance(each, Wanted) for m in each[0].objects]
    kinds, scalers = _scalers(context.cluster, context.environment, objects)
    key = _key(context) if any(is_secret(ref_of(each)) for each in objects) else None
    wanted = {
        app: each if isinstance(each, Wanted) else _wanted(context.environment, *each, scalers, key)
        for app, each in apps.items()
    }
    for app in apps_without_folder(context, wanted):
        wanted[app] = Wanted(broken=f"apps/{app}: no folder for {context.environment.name}", absent=True)
    places = frozenset(name for each in objects if (name := each["metadata"].get("namespace")))
    return wanted, Asked(key, kinds, scalers, places)


def _read(context: EnvironmentContext, app: str) -> tuple[Rendered, ConfirmedDeletions] | Wanted:
    repo, environment = context.repo, context.environment.name
    try:
        rendered = render_app(
            repo.root, repo.config, app, environment, tools=context.tools, cache=context.renders
        )
        return rendered, repo.confirmed(app, environment)
    except TowpathError as error:
        return Wanted(broken=error.message)


def _wanted(
    environment: Environment,
    rendered: Rendered,
    confirmed: ConfirmedDeletions,
    scalers: Sequence[Manifest],
    key: bytes | None,
) -> Wanted:
    objects = prepare_objects(
        rendered.objects,
        owner_of(rendered),
        environment.ignore,
        scalers,
        key=key,
        taken_back=environment.taken_back(rendered.app),
    )
    recorded = (rendered.recorded_digest(key),) if rendered.holds_values else ()
    return Wanted(
        objects={each.ref: each.wanted.packed() for each in objects},
        digests=(rendered.digest, *recorded),
        confirmed=tuple(sorted(f"{ref} {uid}" for ref, uid in confirmed.items())),
    )


def _scalers(
    cluster: Cluster, environment: Environment, objects: list[Manifest]
) -> tuple[tuple[Kind, ...], tuple[Manifest, ...]]:
    kinds: tuple[Kind, ...] = ()
    try:
        if not all(kind_of(each) in cluster.discover() for each in objects):
            cluster.discover(refresh=True)
        kinds = autoscaler_kinds(cluster, objects)
        return kinds, read_autoscalers(cluster, objects, environment.namespace)
    except TowpathError:
        return kinds, ()  # then replicas look like drift until a run finds that they are not
