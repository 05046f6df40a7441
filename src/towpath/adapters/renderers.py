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
from pathlib import Path

from towpath.adapters import kustomization
from towpath.adapters.process import CommandError, run
from towpath.adapters.sources import Sources
from towpath.config import App, Environment
from towpath.errors import ConfigError, MissingPartError
from towpath.strict_yaml import Document, load_documents

TIMEOUT = 30.0
"""Seconds one render may take."""
RECORDS = frozenset({"release.yaml", "quarantine.yaml", "prune.yaml"})
"""Files beside the manifests that are about them, and that nobody applies."""

_SOURCE_COMMENT = re.compile(r"# Source: [^/]+/(.+)")
_REMOTE_REFERENCE = re.compile(rb'"\$ref"\s*:\s*"(?!#)')


def render(
    root: Path, app: App, environment: Environment, *, tools: Path | None = None, timeout: float = TIMEOUT
) -> list[Document]:
    """The documents of an app in an environment, each with the file and line it comes from.

    `root` is a checkout, `tools` a folder of programs looked into before PATH. Raises ConfigError for what a
    person must correct, MissingPartError when the renderer's program is not there.
    """
    folder = f"apps/{app.name}/{environment.name}"
    sources = Sources(root)
    if sources.kind(sources.locate(folder, file="towpath.yaml")) != "folder":
        raise ConfigError(
            "there is no such folder",
            file=folder,
            remedy="Make it (every app has a folder per environment), or remove the app from towpath.yaml.",
        )
    return RENDERERS[app.renderer](sources, app, environment, tools, timeout)


def _plain(
    sources: Sources, app: App, environment: Environment, _tools: Path | None, _timeout: float
) -> list[Document]:
    """Every YAML and JSON file of the base and of the environment's folder."""
    folder = f"apps/{app.name}/{environment.name}"
    base = f"apps/{app.name}/base"
    paths = sources.walk(folder)
    if sources.kind(sources.locate(base, file=folder)) == "folder":
        paths = sources.walk(base) + paths
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


def _kustomize(
    sources: Sources, app: App, environment: Environment, tools: Path | None, timeout: float
) -> list[Document]:
    folder = sources.locate(f"apps/{app.name}/{environment.name}", file="towpath.yaml")
    resources = kustomization.scan(sources, folder)
    command, file = kustomize_command(tools), f"{folder}/kustomization.yaml"
    text = _run(
        [*command, str(sources.root / folder), "--load-restrictor", "LoadRestrictionsRootOnly"],
        sources,
        file,
        timeout,
    )
    origins = _Origins(resources, file)
    return [origins.place(document) for document in load_documents(text, file)]


def _helm(
    sources: Sources, app: App, environment: Environment, tools: Path | None, timeout: float
) -> list[Document]:
    """`helm template` of the chart in the app's base, with the environment's values."""
    chart = sources.locate(f"apps/{app.name}/base", file="towpath.yaml")
    values = f"apps/{app.name}/{environment.name}/values.yaml"
    for path in sources.walk(chart):
        content = sources.read(path, file=path)
        if posixpath.basename(path) == "values.schema.json" and _REMOTE_REFERENCE.search(content):
            raise ConfigError("a `$ref` to another file or host; refused", file=path)
        if posixpath.basename(path) in ("Chart.yaml", "values.yaml") and "/templates/" not in path:
            sources.documents(path, file=path)
    if sources.kind(f"{chart}/Chart.yaml") != "file":
        raise ConfigError("there is no Chart.yaml; the chart is expected here", file=chart)
    sources.documents(values, file=values)
    command = [
        *(find_program("helm", tools), "template", app.name, str(sources.root / chart)),
        *("--namespace", environment.namespace, "--include-crds", "--skip-tests"),
        *("--values", str(sources.root / values)),
    ]
    text = _run(command, sources, f"{chart}/Chart.yaml", timeout)
    lines = text.splitlines()
    documents = load_documents(text, f"{chart}/Chart.yaml")
    return [_helm_origin(document, lines, chart) for document in documents]


RENDERERS: dict[str, Callable[[Sources, App, Environment, Path | None, float], list[Document]]] = {
    "plain": _plain,
    "kustomize": _kustomize,
    "helm": _helm,
}
"""Renderer -> its function."""


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
            "GOMEMLIMIT": "192MiB",
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), dead),
        }
        try:
            return run(command, cwd=sources.root, env=env, timeout=timeout).stdout
        except CommandError as error:
            if error.timed_out or error.code is None:
                raise ConfigError(f"rendering was ended: {_first(error)}", file=file) from error
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
