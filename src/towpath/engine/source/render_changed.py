"""Renders the apps of an environment, but only those whose sources have changed since the last time.

What an app is made of is known by Git's tree ids, so that for an unchanged app no file of the checkout is
opened: the id of its own folder, and those of the folders beside it that were read for it the last time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from towpath import __version__
from towpath.adapters.rendering.render_cache import RenderCache, cache_key
from towpath.adapters.rendering.renderers import find_program, kustomize_command, render_traced
from towpath.applyset.hooks import split_hooks
from towpath.config import App, Environment
from towpath.engine.source.news import trees_of
from towpath.engine.source.render import Rendered, judge_documents, refusal, release_in, rendered
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import TowpathError
from towpath.objects import ref_of
from towpath.release.model import ReleaseImage, ReleaseRef
from towpath.yamltext.manifest_reader import ManifestDocument

LINKS = "@links"
_REMEMBERED = 2_000
_known: dict[str, "tuple[Mapping[str, str], Result]"] = {}
"""Key -> ids of what was read beside the app's folder, and what came of it: for a process that lives long."""


@dataclass(frozen=True, slots=True)
class Result:
    """One app as Git wants it, and its release."""

    rendered: Rendered
    release: ReleaseRef


@dataclass(frozen=True, slots=True)
class Renders:
    """What rendered, and why the others did not, by app."""

    results: dict[str, Result]
    broken: dict[str, str]


def render_apps(
    repo: EnvironmentRepo,
    environment: Environment,
    apps: Iterable[str],
    *,
    tools: Path | None = None,
    cache: Path | None = None,
) -> Renders:
    """Each app, rendered now or before; one that does not render is told in `broken`, and stops no other."""
    renders = _Renders(repo, environment, tools, cache)
    results, broken = {}, {}
    for app in apps:
        try:
            results[app] = renders.result(repo.config.app(app))
        except TowpathError as error:
            broken[app] = error.message
    return Renders(results, broken)


def render_released(
    repo: EnvironmentRepo,
    environment: Environment,
    app: str,
    *,
    tools: Path | None = None,
    cache: Path | None = None,
) -> Result:
    """One app, rendered now or before. Raises as `render_app`."""
    return _Renders(repo, environment, tools, cache).result(repo.config.app(app))


class _Renders:
    def __init__(
        self, repo: EnvironmentRepo, environment: Environment, tools: Path | None, cache: Path | None
    ) -> None:
        self._repo, self._environment = repo, environment
        self._tools, self._folder = tools, cache
        self._cache = RenderCache(cache) if cache else None
        self._trees = trees_of(repo.checkout)
        own = environment.managed_namespaces
        self._policies = "\n".join((environment.model_dump_json(), *own))
        self._programs: dict[str, str] = {}

    def result(self, app: App) -> Result:
        key = cache_key(
            (
                *("app with images", __version__, app.name, app.model_dump_json(), self._policies),
                *(self._program(app.renderer), self._trees.get(f"apps/{app.name}", "")),
            )
        )
        known = _known.get(key) or self._stored(key, app.name)
        if known and all(self._trees.get(path, "") == tree for path, tree in known[0].items()):
            return _remember(key, *known)
        return self._new(key, app)

    def _new(self, key: str, app: App) -> Result:
        root, environment = self._repo.root, self._environment
        documents, files = render_traced(root, app, environment, tools=self._tools, cache=self._folder)
        admission = judge_documents(root, app, environment, documents)
        if admission.findings:
            raise refusal(f"app {app.name} in {environment.name}", admission.findings)
        release = release_in(root, app.name, environment.name)
        ref = release.release.ref if release else ReleaseRef()
        beside = {path: self._trees.get(path, "") for path in self._beside(app.name, files)}
        result = Result(replace(rendered(app.name, environment, admission), beside=_folders(beside)), ref)
        if self._cache:
            head = {"beside": beside, "release": asdict(ref), "digest": result.rendered.digest}
            origins = (admission.origins[ref_of(each)] for each in admission.objects)
            placed = zip(admission.objects, origins, strict=True)
            objects = [ManifestDocument(each, origin.file, origin.line) for each, origin in placed]
            self._cache.put(key, [ManifestDocument(head, "", 0), *objects])
        return _remember(key, beside, result)

    def _stored(self, key: str, app: str) -> tuple[Mapping[str, str], Result] | None:
        documents = self._cache.get(key) if self._cache else None
        if not documents:
            return None
        (head, *rest), environment = documents, self._environment
        objects, hooks = split_hooks(document.value for document in rest)
        origins = {ref_of(document.value): document for document in rest}
        beside = head.value["beside"]
        result = Rendered(
            *(app, environment.name, environment.namespace, objects, head.value["digest"]),
            *(origins, hooks, _folders(beside)),
        )
        return beside, Result(result, _ref(head.value["release"]))

    def _beside(self, app: str, files: Iterable[str]) -> set[str]:
        """What else the app is made of: folders at the top, or other apps'; all, where a link may lead on."""
        parts = [path.split("/") for path in files if not path.startswith(f"apps/{app}/")]
        found = {"/".join(part[: 2 if part[0] == "apps" else 1]) for part in parts}
        return found | ({"."} if LINKS in self._trees else set())

    def _program(self, renderer: str) -> str:
        """Which program renders: a newer one may render something else."""
        if renderer == "plain":
            return ""
        if renderer not in self._programs:
            path = (
                find_program("helm", self._tools) if renderer == "helm" else kustomize_command(self._tools)[0]
            )
            status = Path(path).stat()
            self._programs[renderer] = f"{path} {status.st_size} {status.st_mtime_ns}"
        return self._programs[renderer]


def _folders(beside: Mapping[str, str]) -> dict[str, str]:
    """Without the whole of a commit, which is another one with every commit."""
    return {path: tree for path, tree in beside.items() if path != "."}


def _ref(data: Mapping[str, Any]) -> ReleaseRef:
    """A release as the cache of renders has it."""
    return ReleaseRef(data["id"], tuple(ReleaseImage(**each) for each in data["images"]))


def _remember(key: str, beside: Mapping[str, str], result: Result) -> Result:
    if len(_known) >= _REMEMBERED:
        _known.clear()
    _known[key] = beside, result
    return result
