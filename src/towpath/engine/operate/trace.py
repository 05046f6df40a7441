"""From a live object back to who let it in: app, commit, file, release, approvals."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from towpath.applyset.inventory import APP_LABEL, ENVIRONMENT_LABEL, PART_OF_LABEL, Inventory
from towpath.engine.gates.chain import Step, release_chain
from towpath.engine.live.context import EnvironmentContext, render_app
from towpath.engine.live.observe import read_inventory
from towpath.engine.operate.app_objects import owner_in
from towpath.engine.operate.find_object import owners_of
from towpath.errors import TowpathError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.fields.managed_fields import manager_entries
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import EnvironmentRelease

Standing = Literal["inventory", "label", "none"]
"""The app's inventory names the object; its labels alone say so; it belongs to no app."""


@dataclass(frozen=True, slots=True)
class Trace:
    """`owners` control the object, the nearest first. `file` and `line` are where Git has the last of them.

    `applied_commit` is the commit whose content was applied to it last.
    """

    ref: ObjectRef
    owners: tuple[ObjectRef, ...]
    standing: Standing
    managers: tuple[str, ...]
    app: str = ""
    environment: str = ""
    applied_commit: str = ""
    file: str = ""
    line: int = 0
    state: EnvironmentRelease | None = None
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "object": self.ref.to_json(),
            "owners": [ref.to_json() for ref in self.owners],
            "standing": self.standing,
            "managers": list(self.managers),
            "app": self.app or None,
            "environment": self.environment or None,
            "applied_commit": self.applied_commit or None,
            "file": self.file or None,
            "line": self.line or None,
            "release": _release(self.state) if self.state else None,
            "steps": [step.to_json() for step in self.steps],
            "notes": list(self.notes),
        }


def trace(
    contexts: Mapping[str, EnvironmentContext],
    context: EnvironmentContext,
    live: Manifest,
    trusted: TrustedKeys | None,
) -> Trace:
    """Follow a live object of `context`'s cluster; `contexts` are those of all environments by name.

    What cannot be read is a note. Who let the release in is proven by `trusted`; None: nobody is asked.
    """
    above = list(owners_of(context.cluster, live))
    root = above[-1] if above else live
    labels = root["metadata"].get("labels") or {}
    app, environment = str(labels.get(APP_LABEL, "")), str(labels.get(ENVIRONMENT_LABEL, ""))
    managers = tuple(dict.fromkeys(str(each["manager"]) for each in manager_entries(root["metadata"])))
    refs = tuple(map(ref_of, above))
    place = contexts.get(environment)
    if not app or place is None:
        notes = (f"its labels name environment {environment}, which Git does not have",) if app else ()
        return Trace(ref_of(live), refs, "none", managers, notes=notes)
    found = _Found(place, app, root)
    inventory = found.inventory()
    owned = inventory.by_ref.get(ref_of(root)) if inventory else None
    named = owned is not None and owned.uid in ("", root["metadata"].get("uid"))
    if not named and labels.get(PART_OF_LABEL) != owner_in(place, app).applyset:
        found.notes.append("its labels are those of an app, but it is not part of the app's ApplySet")
    commit = (owned.commit or inventory.commit) if owned and inventory else ""
    file, line = found.origin()
    state = found.state()
    return Trace(
        ref_of(live),
        refs,
        "inventory" if named else "label",
        managers,
        app,
        environment,
        commit,
        file,
        line,
        state,
        found.steps(trusted),
        tuple(found.notes),
    )


class _Found:
    """What Git and the cluster say of the app, and what they could not say."""

    def __init__(self, place: EnvironmentContext, app: str, root: Manifest) -> None:
        self._place, self._app, self._root = place, app, root
        self.notes: list[str] = []

    def inventory(self) -> Inventory | None:
        with suppress(TowpathError):
            return read_inventory(self._place.cluster, owner_in(self._place, self._app))[0]
        self.notes.append("the app's inventory cannot be read: its labels alone say whose it is")
        return None

    def origin(self) -> tuple[str, int]:
        """File and line in Git; empty where it cannot be rendered or Git does not have it."""
        if self._app not in self._place.repo.config.apps:
            self.notes.append(f"{self._app} is not in towpath.yaml any more")
            return "", 0
        try:
            rendered = render_app(self._place, self._app)
        except TowpathError as error:
            self.notes.append(f"what Git has cannot be rendered: {error.message}")
            return "", 0
        document = rendered.origins.get(ref_of(self._root))
        if document is None:
            self.notes.append("Git does not have it any more")
            return "", 0
        return document.file, document.line

    def state(self) -> EnvironmentRelease | None:
        try:
            return self._place.repo.release(self._app, self._place.environment.name)
        except TowpathError as error:
            self.notes.append(f"its release cannot be read: {error.message}")
            return None

    def steps(self, trusted: TrustedKeys | None) -> tuple[Step, ...]:
        name = self._place.environment.name
        if self._app not in self._place.repo.released_apps(name):
            return ()
        if trusted is None:
            self.notes.append("this machine trusts no key (TOWPATH_TRUSTED_KEYS): nothing is proven")
            return ()
        try:
            return release_chain(
                self._place.repo,
                trusted,
                self._app,
                name,
                tools=self._place.tools,
                renders=self._place.renders,
            )
        except TowpathError as error:
            self.notes.append(f"what proves its release cannot be asked: {error.message}")
            return ()


def _release(state: EnvironmentRelease) -> dict[str, Any]:
    release = state.release
    return {
        "id": release.id,
        "commit": release.commit,
        "subject": release.subject,
        "author": release.author,
        "promoted_at": state.promoted_at,
        "promoted_by": state.promoted_by,
        "promoted_from": state.promoted_from,
        "approved_by": list(state.approved_by),
        "verified_at": state.verified_at,
        "override": str(state.override) if state.override else None,
    }
