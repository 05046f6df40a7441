"""Renders an app for an environment: plain YAML, Kustomize or Helm, no network, no plugins, bounded time.

What a renderer would read is read and judged first; the program then runs with an empty PATH and HOME, a dead
proxy and nothing of our environment, so that what we overlooked has nowhere to go.
"""

import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters import chart as helm_chart
from towpath.adapters import kustomization
from towpath.adapters.process import CommandError, run
from towpath.adapters.render_cache import RenderCache, blob_id, key_of
from towpath.adapters.sources import Sources
from towpath.chart_hooks import map_hooks
from towpath.config import App, Environment
from towpath.errors import ConfigError, MissingPartError
from towpath.strict_yaml import Document, load_documents

TIMEOUT = 30.0
"""Seconds one render may take at the wall."""
BYTES_PER_SECOND = 128 << 10
"""One second of processor time, and one more per this many bytes of sources: templates can loop for ever."""
MAX_MEMORY = 176 << 20
"""Bytes of data a renderer may have."""
MAX_OUTPUT = 12 << 20
"""Bytes a renderer may write; the cap on the text itself is that of strict_yaml."""
RECORDS = frozenset({"release.yaml", "quarantine.yaml", "prune.yaml"})
"""Files beside the manifests that are about them, and that nobody applies."""

_SOURCE_COMMENT = re.compile(r"# Source: [^/]+/(.+)")


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
    def folder(self) -> str:
        return f"apps/{self.app.name}/{self.environment.name}"


class RenderTooLargeError(ConfigError):
    """Rendering needed more time, memory or output than it may have: trying a sibling would not help."""


def render(  # noqa: PLR0913
    root: Path,
    app: App,
    environment: Environment,
    *,
    tools: Path | None = None,
    timeout: float = TIMEOUT,
    cache: Path | None = None,
) -> list[Document]:
    """The documents of an app in an environment, each with the file and line it comes from.

    `root` is a checkout, `tools` a folder of programs looked into before PATH, `cache` a folder where results
    are kept. Raises ConfigError for what a person must correct, MissingPartError when the renderer's program
    is not there.
    """
    return render_traced(root, app, environment, tools=tools, timeout=timeout, cache=cache)[0]


def render_traced(  # noqa: PLR0913
    root: Path,
    app: App,
    environment: Environment,
    *,
    tools: Path | None = None,
    timeout: float = TIMEOUT,
    cache: Path | None = None,
) -> tuple[list[Document], tuple[str, ...]]:
    """As `render`, and the files that were read for it, as paths below `root`."""
    sources = Sources(root)
    job = _Job(sources, app, environment, tools, timeout, RenderCache(cache) if cache else None)
    if sources.kind(sources.locate(job.folder, file=job.folder)) != "folder":
        raise ConfigError(
            "there is no such folder",
            file=job.folder,
            remedy="Make it (every app has a folder per environment), or remove the app from towpath.yaml.",
        )
    return RENDERERS[app.renderer](job), sources.files


def _plain(job: _Job) -> list[Document]:
    """Every YAML and JSON file of the base and of the environment's folder."""
    sources = job.sources
    paths = sources.walk(job.folder)
    if sources.kind(sources.locate(job.base, file=job.base)) == "folder":
        paths = sources.walk(job.base) + paths
    documents: list[Document] = []
    for path in paths:
        name = posixpath.basename(path)
        if name in RECORDS or not name.endswith((".yaml", ".yml", ".json")):
            continue
        if name in kustomization.NAMES:
            raise ConfigError(
                "a kustomization, but the app's renderer is `plain`",
                file=path,
                remedy="Set `renderer: kustomize` in towpath.yaml.",
            )
        documents.extend(sources.documents(path, file=path))
    return documents


def _kustomize(job: _Job) -> list[Document]:
    sources = job.sources
    folder = sources.locate(job.folder, file=job.folder)
    resources = kustomization.scan(sources, folder)
    command, file = kustomize_command(job.tools), f"{folder}/kustomization.yaml"
    arguments = [str(sources.root / folder), "--load-restrictor", "LoadRestrictionsRootOnly"]

    def build() -> list[Document]:
        text = _run([*command, *arguments], sources, file, job.timeout)
        origins = _Origins(resources, file)
        return [origins.place(document) for document in load_documents(text, file)]

    return _cached(job, command[0], build)


def _helm(job: _Job) -> list[Document]:
    """`helm template` of the chart in the app's base, with the environment's values; hooks are ours then."""
    sources, app = job.sources, job.app
    chart = sources.locate(job.base, file=job.base)
    values = f"{job.folder}/values.yaml"
    may_change = helm_chart.scan(sources, chart, values)
    helm = find_program("helm", job.tools)
    file = f"{chart}/Chart.yaml"
    command = [
        *(helm, "template", app.name, str(sources.root / chart)),
        *("--namespace", job.environment.namespace, "--include-crds", "--skip-tests"),
        *("--values", str(sources.root / values)),
    ]

    def build() -> list[Document]:
        text = _run(command, sources, file, job.timeout)
        if may_change and _run(command, sources, file, job.timeout) != text:
            raise ConfigError(
                "renders something else each time: a template uses the time, or a random value or key",
                file=file,
                remedy="Give the value in values.yaml, or name an existing Secret.",
            )
        lines = text.splitlines()
        placed = (_helm_origin(document, lines, chart) for document in load_documents(text, file))
        return list(map_hooks(placed))

    return _cached(job, helm, build)


RENDERERS: dict[str, Callable[[_Job], list[Document]]] = {
    "plain": _plain,
    "kustomize": _kustomize,
    "helm": _helm,
}
"""Renderer -> its function."""


def _cached(job: _Job, program: str, build: Callable[[], list[Document]]) -> list[Document]:
    """The result of `build`, or what it was when everything was the same. Call it after all was read."""
    if job.cache is None:
        return build()
    sources, status = job.sources, Path(program).stat()
    key = key_of(
        (
            *(job.app.name, job.app.renderer, job.environment.name, job.environment.namespace),
            *(program, str(status.st_size), str(status.st_mtime_ns)),
            *(f"{place} {blob_id(sources.content(place))}" for place in sources.files),
        )
    )
    documents = job.cache.get(key)
    if documents is None:
        documents = build()
        job.cache.put(key, documents)
    return documents


def find_program(name: str, tools: Path | None) -> str:
    """The path of a program: in `tools`, else on PATH; MissingPartError when it is in neither."""
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which(name, path=f"{tools}{os.pathsep}{path}" if tools else path)
    if not found:
        raise MissingPartError(
            f"the program `{name}` is not installed",
            remedy=f"Put {name} on PATH, or run `towpath doctor`: it says how to get what is missing.",
        )
    return os.path.abspath(found)  # noqa: PTH100  (a link to a multi-call program must keep its name)


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


def _run(command: Sequence[str], sources: Sources, file: str, timeout: float) -> str:
    with tempfile.TemporaryDirectory(prefix="towpath-render-") as home:
        dead = "http://127.0.0.1:9"
        env = {
            "HOME": home,
            "TMPDIR": home,
            "PATH": home,
            "KUBECONFIG": os.devnull,
            "GOMEMLIMIT": "128MiB",
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), dead),
        }
        cpu = 1 + sources.size // BYTES_PER_SECOND
        try:
            return run(
                command,
                cwd=sources.root,
                env=env,
                timeout=timeout,
                memory=MAX_MEMORY,
                cpu=cpu,
                max_output=MAX_OUTPUT,
            ).stdout
        except CommandError as error:
            if error.timed_out or error.code is None:
                raise RenderTooLargeError(f"rendering {_first(error)}", file=file) from error
            said = " ".join(error.output.replace(f"{sources.root}/", "").split()) or "it did not say why"
            raise ConfigError(f"does not render: {said[-1000:]}", file=file) from error


def _first(error: CommandError) -> str:
    return error.message.partition("` ")[2].partition("\n")[0]


class _Origins:
    """Finds where a rendered object was written: same kind and name, else the only one of its kind."""

    def __init__(self, documents: Sequence[Document], fallback: str) -> None:
        self._fallback = fallback
        self._by_name: dict[tuple[object, object], Document] = {}
        self._by_kind: dict[object, list[Document]] = {}
        for document in documents:
            value = document.value
            metadata = value.get("metadata") if isinstance(value, dict) else None
            if not isinstance(value, dict) or not isinstance(metadata, dict):
                continue
            kind = str(value.get("kind"))
            self._by_name.setdefault((kind, str(metadata.get("name"))), document)
            self._by_kind.setdefault(kind, []).append(document)

    def place(self, document: Document) -> Document:
        value = document.value
        metadata = value.get("metadata") if isinstance(value, dict) else None
        if not isinstance(metadata, dict):
            return Document(value, self._fallback, 0)
        kind = str(value.get("kind"))
        only = self._by_kind.get(kind, [])
        origin = self._by_name.get((kind, str(metadata.get("name")))) or (only[0] if len(only) == 1 else None)
        if origin is None:
            return Document(value, self._fallback, 0)
        return Document(value, origin.file, origin.line)


def _helm_origin(document: Document, lines: Sequence[str], chart: str) -> Document:
    for index in range(min(document.line, len(lines)) - 1, -1, -1):
        if found := _SOURCE_COMMENT.match(lines[index]):
            return Document(document.value, f"{chart}/{found[1]}", 0)
        if lines[index] == "---" and index < document.line - 1:
            break
    return Document(document.value, document.file, 0)
