"""Writes drift back to Git: tries where in the overlay it fits, and proves each place by rendering."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from towpath.adapters.git import propose_files
from towpath.adapters.kubernetes import Cluster
from towpath.applyset.apply_object import prepare_objects
from towpath.config import App, Config
from towpath.drift.adoption import AdoptableChange, NotAdopted, expected_renderings, select_changes
from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry
from towpath.drift.proposal import AUTHOR, Proposal, adoption_branch, adoption_message
from towpath.engine.gates.merged import require_admitted
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.preview.plan import read_full
from towpath.engine.source.render import Rendered, render_app
from towpath.errors import ConfigError, TowpathError, as_towpath_error
from towpath.fields.canonical import digest
from towpath.files import read_text
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.overlay.candidates import candidates, explain_no_candidate
from towpath.overlay.texts import Edits, Overlay
from towpath.release.commit_message import intent_marker
from towpath.settings import Settings

_TEXTS = (".yaml", ".yml", ".json")
_NAMES = ("Kustomization",)


@dataclass(frozen=True, slots=True)
class Adoption:
    """What of one app's drift goes back to Git: `edits` (path -> text) give exactly `adopted`."""

    app: str
    edits: Edits
    adopted: tuple[AdoptableChange, ...] = ()
    not_adopted: tuple[NotAdopted, ...] = ()


def propose_app(
    settings: Settings, context: EnvironmentContext, rendered: Rendered, decision: Decision, flow_run: str
) -> Proposal:
    """Push the drift of one app to its branch, for review; a failure is in the proposal, never raised.

    What is live of a release that may not come in is no proposal.
    """
    environment, repo = context.environment.name, context.repo
    branch = adoption_branch(environment, rendered.app)
    try:
        require_admitted(context.in_git, rendered.app)
        adoption = adopt_app(
            context.cluster, repo.root, repo.config, rendered, decision.drifted, tools=context.tools
        )
        if not adoption.edits:
            return Proposal(rendered.app, "", "", False, adoption.adopted, adoption.not_adopted)
        key = intent_marker("adopt", rendered.app, environment, digest(adoption.edits), flow_run)
        commit, new = propose_files(
            repo.checkout.url,
            branch,
            repo.checkout.branch,
            adoption.edits,
            adoption_message(
                rendered.app, environment, adoption.adopted, adoption.not_adopted, flow_run, key
            ),
            author=AUTHOR,
            cache=settings.cache,
            marker=key,
            base=repo.commit,
            allow_file=settings.git_allow_file,
        )
    except Exception as raised:  # noqa: BLE001 - whatever becomes of one app, it stops no other
        return Proposal(rendered.app, branch, "", False, failure=as_towpath_error(raised).message)
    return Proposal(rendered.app, branch, commit, new, adoption.adopted, adoption.not_adopted)


def adopt_app(  # noqa: PLR0913
    cluster: Cluster,
    root: Path,
    config: Config,
    rendered: Rendered,
    entries: Iterable[DriftEntry],
    *,
    tools: Path | None = None,
) -> Adoption:
    """Work out how Git could have what is live; nothing is written, neither to Git nor to the cluster.

    `rendered` is what the checkout `root` gives now, `entries` are the app's drift.
    """
    entries = [entry for entry in entries if entry.kind != "unapplied" and not entry.left_to]
    refs = {entry.ref for entry in entries if entry.kind == "modified"}
    manifests = {ref_of(manifest): manifest for manifest in rendered.objects}
    wanted = [each for each in prepare_objects(rendered.objects, owner_of(rendered)) if each.ref in refs]
    live = read_full(cluster, wanted) if wanted else {}
    app = config.app(rendered.app)
    changes, left = select_changes(entries, live, manifests, tuple(app.images.values()))
    adoption = write_back(root, config, rendered, changes, tools=tools)
    return replace(adoption, not_adopted=(*left, *adoption.not_adopted))


def write_back(
    root: Path,
    config: Config,
    rendered: Rendered,
    changes: Sequence[AdoptableChange],
    *,
    tools: Path | None = None,
) -> Adoption:
    """Find a place in the overlay for each change; what has none is left, with the reason."""
    if not changes:
        return Adoption(rendered.app, {})
    app = config.app(rendered.app)
    trial = _Trial(root, config, rendered, overlay_of(root, app, rendered.environment), tools)
    refused = [left for change in changes if (left := trial.take(change)) is not None]
    return Adoption(rendered.app, trial.edits, tuple(trial.adopted), tuple(refused))


def overlay_of(root: Path, app: App, environment: str) -> Overlay:
    """The texts of an app's base and of its folder for an environment."""
    base, folder = f"apps/{app.name}/base", f"apps/{app.name}/{environment}"
    files = {}
    for top in (base, folder):
        for file in sorted((root / top).rglob("*")):
            if file.is_file() and (file.name.endswith(_TEXTS) or file.name in _NAMES):
                path = file.relative_to(root).as_posix()
                try:
                    text = read_text(root, path)
                except ConfigError:
                    continue  # the renderer has not read it either
                if text is not None:
                    files[path] = text
    return Overlay(app.renderer, folder, base, files)


class _Trial:
    """Tries one change after the other by rendering as if it were committed; what is right stays."""

    def __init__(
        self, root: Path, config: Config, rendered: Rendered, overlay: Overlay, tools: Path | None
    ) -> None:
        self.root, self.config, self.tools = root, config, tools
        self.app, self.environment = rendered.app, rendered.environment
        self.overlay = overlay
        self.objects: Mapping[ObjectRef, Manifest] = _by_ref(rendered)
        self.edits: Edits = {}
        self.adopted: list[AdoptableChange] = []

    def take(self, change: AdoptableChange) -> NotAdopted | None:
        """Keep the first way that gives exactly this change; for Helm it must be the only one."""
        manifest = self.objects[change.ref]
        goals = [{**self.objects, change.ref: goal} for goal in expected_renderings(manifest, change)]
        fitting: list[tuple[Edits, Mapping[ObjectRef, Manifest]]] = []
        for edits in candidates(self.overlay, change, manifest):
            objects = self._render({**self.edits, **edits})
            if objects is not None and objects in goals:
                fitting.append((edits, objects))
                if self.overlay.renderer != "helm":
                    break
        if len(fitting) != 1:
            return NotAdopted(
                change.ref, change.pointer, explain_no_candidate(self.overlay, change, len(fitting))
            )
        edits, self.objects = fitting[0]
        self.overlay = self.overlay.with_edits(edits)
        self.edits |= edits
        self.adopted.append(change)
        return None

    def _render(self, edits: Edits) -> Mapping[ObjectRef, Manifest] | None:
        try:
            return _by_ref(
                render_app(self.root, self.config, self.app, self.environment, tools=self.tools, edits=edits)
            )
        except TowpathError:
            return None


def _by_ref(rendered: Rendered) -> dict[ObjectRef, Manifest]:
    return {ref_of(manifest): manifest for manifest in (*rendered.objects, *rendered.hooks)}
