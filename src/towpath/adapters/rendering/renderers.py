"""Renders an app for an environment: plain YAML, Kustomize or Helm, no network, no plugins, bounded time.

What a renderer would read is read and checked first; the program then runs in a sandbox.
"""

import os
import posixpath
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.rendering import chart as helm_chart
from towpath.adapters.rendering import kustomization
from towpath.adapters.rendering.origins import Origins, Templates
from towpath.adapters.rendering.quota import RenderQuota
from towpath.adapters.rendering.render_cache import RenderCache, blob_id, cache_key
from towpath.adapters.rendering.sandbox import TIMEOUT, render_by
from towpath.adapters.rendering.sources import Sources
from towpath.admission.chart_hooks import map_helm_hooks
from towpath.config import App, Environment
from towpath.errors import ConfigError, MissingPartError
from towpath.files import NO_EDITS, Edits
from towpath.yamltext.manifest_reader import ManifestDocument, load_documents

RECORDS = frozenset({"release.yaml", "quarantine.yaml", "prune.yaml"})
"""Records beside the manifests; they are never applied."""
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class _Job:
    """One app in one environment, to be rendered."""

    sources: Sources
    app: App
    environment: Environment
    tools: Path | None
    timeout: float
    cache: RenderCache | None

    @property
    def base(self) -> str:
        return f"apps/{self.app.name}/base"

    @property
    def namespace(self) -> str:
        return self.environment.namespace_of(self.app.name)

    @property
    def folder(self) -> str:
        return f"apps/{self.app.name}/{self.environment.name}"


def render(  # noqa: PLR0913
    root: Path,
    app: App,
    environment: Environment,
    *,
    tools: Path | None = None,
    timeout: float = TIMEOUT,
    cache: Path | None = None,
    quota: RenderQuota | None = None,
    edits: Edits = NO_EDITS,
) -> list[ManifestDocument]:
    """The documents of an app in an environment, each with the file and line it comes from.

    `root` is a checkout, `tools` a folder of programs looked into before PATH, `cache` a folder where results
    are kept, `quota` is shared by all renders of a run (StoppedError when it is spent). With `edits` it is
    rendered as if they were committed; the checkout stays as it is. Raises ConfigError for what a person must
    correct, MissingPartError when the renderer's program is not there.
    """
    return render_traced(
        root, app, environment, tools=tools, timeout=timeout, cache=cache, quota=quota, edits=edits
    )[0]


def render_traced(  # noqa: PLR0913
    root: Path,
    app: App,
    environment: Environment,
    *,
    tools: Path | None = None,
    timeout: float = TIMEOUT,
    cache: Path | None = None,
    quota: RenderQuota | None = None,
    edits: Edits = NO_EDITS,
) -> tuple[list[ManifestDocument], tuple[str, ...]]:
    """As `render`, and the files that were read for it, as paths below `root`."""
    sources = Sources(root, quota, edits)
    job = _Job(sources, app, environment, tools, timeout, RenderCache(cache) if cache else None)
    if sources.kind(sources.locate(job.folder, file=job.folder)) != "folder":
        raise ConfigError(
            "there is no such folder",
            file=job.folder,
            remedy="Make it (every app has a folder per environment), or remove the app from towpath.yaml.",
        )
    return RENDERERS[app.renderer](job), sources.files


def _plain(job: _Job) -> list[ManifestDocument]:
    """Every YAML and JSON file of the base and of the environment's folder."""
    sources = job.sources
    paths = sources.walk(job.folder)
    if sources.kind(sources.locate(job.base, file=job.base)) == "folder":
        paths = sources.walk(job.base) + paths
    documents: list[ManifestDocument] = []
    for path in paths:
        name = posixpath.basename(path)
        if name in RECORDS or not name.lower().endswith(_SUFFIXES):
            continue
        if not name.endswith(_SUFFIXES):
            raise ConfigError(f"would not be read: write {', '.join(_SUFFIXES)} in small letters", file=path)
        if name in kustomization.NAMES:
            raise ConfigError(
                "a kustomization, but the app's renderer is `plain`",
                file=path,
                remedy="Set `renderer: kustomize` in towpath.yaml.",
            )
        documents.extend(sources.documents(path, file=path))
    return documents


def _kustomize(job: _Job) -> list[ManifestDocument]:
    sources = job.sources
    folder = sources.locate(job.folder, file=job.folder)
    resources = kustomization.scan(sources, folder)
    command, file = kustomize_command(job.tools), f"{folder}/kustomization.yaml"

    def build() -> list[ManifestDocument]:
        with sources.laid_out() as top:
            arguments = [*command, str(top / folder), "--load-restrictor", "LoadRestrictionsRootOnly"]
            text = render_by("kustomize", arguments, sources, file, job.timeout, folder=top)
        origins = Origins(resources, file)
        return [origins.with_origin(document) for document in _read(text, sources, file)]

    return _cached(job, command[0], build)


def _helm(job: _Job) -> list[ManifestDocument]:
    """`helm template` of the app's chart with the environment's values; maps Helm's hook annotations."""
    sources, app = job.sources, job.app
    chart = sources.locate(job.base, file=job.base)
    values = f"{job.folder}/values.yaml"
    may_change = helm_chart.scan(sources, chart, values)
    helm = find_program("helm", job.tools)
    file = f"{chart}/Chart.yaml"

    def template(*, fixed_time: bool = False) -> str:
        # A copy, because a file may become a link after it was checked, and Helm follows links.
        with tempfile.TemporaryDirectory(prefix="towpath-render-") as name:
            helm_chart.copy(sources, chart, values, Path(name), fixed_time=fixed_time)
            command = [
                *(helm, "template", app.name, str(Path(name) / chart)),
                *("--namespace", job.namespace, "--include-crds", "--skip-tests"),
                # Helm splits this option at commas, so the path must have none: it is relative.
                *("--values", values),
            ]
            return render_by("helm", command, sources, file, job.timeout, folder=Path(name))

    def build() -> list[ManifestDocument]:
        text = template()
        if may_change and template(fixed_time=True) != text:
            raise ConfigError(
                "renders something else each time: a template uses the time, or a random value or key",
                file=file,
                remedy="Give the value in values.yaml, or name an existing Secret.",
            )
        origins = Templates(text, chart, sources.files, file)
        return list(map_helm_hooks(map(origins.with_origin, _read(text, sources, file, origins.template_at))))

    return _cached(job, helm, build)


RENDERERS: dict[str, Callable[[_Job], list[ManifestDocument]]] = {
    "plain": _plain,
    "kustomize": _kustomize,
    "helm": _helm,
}
"""Renderer -> its function."""


def _cached(job: _Job, program: str, build: Callable[[], list[ManifestDocument]]) -> list[ManifestDocument]:
    """The result of `build`, cached until an input changes. Call it after all sources were read."""
    if job.cache is None:
        return build()
    sources, status = job.sources, Path(program).stat()
    key = cache_key(
        (
            *(job.app.name, job.app.renderer, job.environment.name, job.namespace),
            *(program, str(status.st_size), str(status.st_mtime_ns)),
            *(f"{path} {blob_id(sources.content(path))}" for path in sources.files),
        )
    )
    documents = job.cache.get(key)
    if documents is None:
        documents = build()
        job.cache.put(key, documents)
    return documents


def find_program(name: str, tools: Path | None) -> str:
    """The path of a program: in `tools`, else on PATH; MissingPartError when it is in neither."""
    # Never from the current folder: it may be a repository that contains a program of this name.
    folders = [str(tools or ""), *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    path = shutil.which(name, path=os.pathsep.join(filter(posixpath.isabs, folders)))
    if not path:
        raise MissingPartError(
            f"the program `{name}` is not installed",
            remedy=f"Put {name} on PATH, or run `towpath doctor`: it says how to get what is missing.",
        )
    return os.path.abspath(path)  # noqa: PTH100  (a link to a multi-call program must keep its name)


def kustomize_command(tools: Path | None) -> list[str]:
    """`kustomize build`, or `kubectl kustomize` where only kubectl is installed."""
    try:
        return [find_program("kustomize", tools), "build"]
    except MissingPartError:
        try:
            return [find_program("kubectl", tools), "kustomize"]
        except MissingPartError:
            raise MissingPartError(
                "neither `kustomize` nor `kubectl` is installed",
                remedy="Put one of them on PATH, or run `towpath doctor`: it says how to get it.",
            ) from None


def _read(
    text: str, sources: Sources, file: str, file_of_line: Callable[[int], str] | None = None
) -> list[ManifestDocument]:
    """The documents of a renderer's output; `file_of_line` names the source file of an output line."""
    try:
        with sources.quota.reading():
            return load_documents(text, file)
    except ConfigError as error:
        reason = error.message.removeprefix(file).lstrip(":0123456789 ")
        path = file_of_line(error.line) if file_of_line and error.line else file
        raise type(error)(f"renders output that cannot be read: {reason}", file=path) from error
