"""What an agent publishes of its environment, for people who may read Git and not the cluster. Pure.

It holds no value of a Secret and no hash of one: of objects with secret values the digest leaves them out,
and of live objects only uids, and who wrote when, are hashed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry, DriftReport, drift_report
from towpath.fields.canonical import digest
from towpath.fields.managed_fields import manager_entries
from towpath.objects import Manifest, ObjectRef

STATE_TYPE = "https://towpath.dev/state/v1"
STATE_FILE = "state.json"
STALE = timedelta(minutes=30)
"""An agent renews what it published three times as often; older than this, it is down or cannot push."""
MAX_ENTRIES = 1000
"""Of all apps that are published; how many more there are is a number."""


def state_ref(environment: str) -> str:
    """The ref that an environment's agent publishes to."""
    return f"refs/towpath/{environment}/state"


@dataclass(frozen=True, slots=True)
class PublishedApp:
    """One app, as it was at `at` (RFC 3339).

    `commit` (of the environment repository) and `manifests` (digest of what it rendered, without secret
    values) are those of the last sync; empty: not known. `elsewhere` are objects whose last apply was of
    another commit. `live` changes with every write to its objects, but to their status. `broken` says why it
    does not render. `entries` are its drift.
    """

    commit: str = ""
    manifests: str = ""
    health: str = ""
    live: str = ""
    at: str = ""
    broken: str = ""
    elsewhere: tuple[tuple[ObjectRef, str], ...] = ()
    decision: Decision = field(default_factory=lambda: Decision("", "none"))
    entries: tuple[DriftEntry, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether anything of it was applied."""
        return bool(self.commit or self.elsewhere or self.entries)


@dataclass(frozen=True, slots=True)
class PublishedState:
    """One environment. `at` is when all of this was known to hold; `commit` is what it was compared with.

    `held` says why nothing at all is carried out. `extras` are what nobody declared. `left_out` entries were
    too many to be published.
    """

    environment: str
    at: str
    commit: str
    apps: Mapping[str, PublishedApp] = field(default_factory=dict)
    extras: tuple[DriftEntry, ...] = ()
    held: str = ""
    left_out: int = 0

    @property
    def time(self) -> datetime:
        """`at` as a point in time."""
        return datetime.fromisoformat(self.at)

    @property
    def report(self) -> DriftReport:
        """All drift, as a reconcile reports it."""
        return self.report_of(None)

    def report_of(self, only: Iterable[str] | None) -> DriftReport:
        """The drift of these apps; None: of all, with what nobody declared."""
        chosen = self.apps if only is None else {app: self.apps[app] for app in only if app in self.apps}
        entries = [entry for each in chosen.values() for entry in each.entries]
        found = drift_report(
            self.environment, self.commit, [*entries, *(self.extras if only is None else ())]
        )
        return replace(found, uncompared=tuple(sorted(app for app, each in chosen.items() if each.broken)))

    @property
    def content(self) -> "PublishedState":
        """Without what changes by itself: another commit that changes no app, and times."""
        apps = {app: replace(each, at="") for app, each in self.apps.items()}
        return replace(self, at="", commit="", apps=apps)

    def within_limits(self) -> "PublishedState":
        """With at most MAX_ENTRIES, shared out evenly among apps; `left_out` counts the others."""
        groups = {app: each.entries for app, each in self.apps.items()} | {"": self.extras}
        total = sum(map(len, groups.values()))
        if total <= MAX_ENTRIES:
            return replace(self, left_out=0)
        share = max(1, MAX_ENTRIES // sum(1 for entries in groups.values() if entries))
        left, kept = MAX_ENTRIES, {}
        for app in sorted(groups):
            kept[app] = groups[app][: min(share, left)]
            left -= len(kept[app])
        apps = {app: replace(each, entries=kept[app]) for app, each in self.apps.items()}
        rest = total - MAX_ENTRIES + left
        return replace(self, apps=apps, extras=kept[""], left_out=rest)


def live_mark(objects: Iterable[tuple[ObjectRef, Manifest | None]]) -> str:
    """Digest of who wrote to these live objects, and when; their metadata are enough.

    Writes to a subresource (status, scale) do not count: controllers make those all the time.
    """
    known = [
        [*ref, *((live["metadata"].get("uid"), _writes(live)) if live else ())]
        for ref, live in sorted(objects, key=lambda item: item[0])
    ]
    return f"sha256:{digest(known)}"


def _writes(live: Manifest) -> list[list[str]]:
    # Not the fields themselves: an item of a set is named by its value.
    entries = (entry for entry in manager_entries(live["metadata"]) if not entry.get("subresource"))
    return sorted([str(entry.get(key, "")) for key in ("manager", "operation", "time")] for entry in entries)
