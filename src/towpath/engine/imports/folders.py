"""Reads the folders of another repository as Kustomize, Flux or Helm would, and nothing outside of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from towpath.adapters.rendering import kustomization as kustomize
from towpath.adapters.rendering.sources import Sources
from towpath.errors import ConfigError
from towpath.yamltext.manifest_reader import load_documents

KUSTOMIZE_FILES = kustomize.NAMES
MANIFESTS = (".yaml", ".yml", ".json")


def read_folder(root: Path, folder: str) -> Mapping[str, bytes]:
    """All files that building a folder reads: of its kustomization, else what Flux would take.

    Raises ConfigError, also for what is remote.
    """
    sources = Sources(root)
    check_inside(root, folder)
    for path in [folder] if is_kustomization(root, folder) else resources_of(root, folder):
        if (root / path).is_dir():
            kustomize.scan(sources, path)
        else:
            sources.read(path, file=path)
    return {path: sources.content(path) for path in sources.files}


def resources_of(root: Path, folder: str) -> list[str]:
    """What Flux takes of a folder without a kustomization: manifests, and folders that have one."""
    return sorted(_resources(root, folder))


def read_manifests(root: Path, folder: str) -> Mapping[str, bytes]:
    """All manifests below a folder, each as it is."""
    sources = Sources(root)
    check_inside(root, folder)
    paths = [path for path in sources.walk(folder) if path.endswith(MANIFESTS)]
    return {path: sources.read(path, file=path) for path in paths}


def is_kustomization(root: Path, folder: str) -> bool:
    """Whether a folder has a kustomization."""
    return any(has_file(root, f"{folder}/{name}") for name in KUSTOMIZE_FILES)


def has_file(root: Path, path: str) -> bool:
    """Whether a file is there; what no path can be is none."""
    try:
        return (root / path).is_file()
    except (OSError, ValueError):
        return False


def _resources(root: Path, folder: str) -> Iterator[str]:
    for entry in sorted((root / folder).iterdir()):
        path = f"{folder}/{entry.name}".removeprefix("./")
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from [path] if is_kustomization(root, path) else _resources(root, path)
        elif path.endswith(MANIFESTS):
            yield path


def check_inside(root: Path, folder: str) -> None:
    """ConfigError unless it is a folder of the repository."""
    try:
        place = (root / folder).resolve()
        is_there = place.is_relative_to(root.resolve()) and place.is_dir()
    except (OSError, ValueError, RuntimeError):  # no path can be so, or it is a link to itself
        is_there = False
    if not is_there:
        raise ConfigError("there is no such folder", file=folder[:200])


def read_chart(root: Path, folder: str) -> Mapping[str, bytes]:
    """All files of a chart."""
    sources = Sources(root)
    check_inside(root, folder)
    return {path: sources.read(path, file=path) for path in sources.walk(folder, hidden=True)}


def namespace_in(folder: str, read: Mapping[str, bytes]) -> str:
    """The one namespace that a kustomization sets, or that all objects name."""
    for name in KUSTOMIZE_FILES:
        text = read.get(f"{folder}/{name}")
        if text:
            data = load_documents(text, f"{folder}/{name}")
            if data and isinstance(data[0].value, dict) and data[0].value.get("namespace"):
                return str(data[0].value["namespace"])
    named: set[str] = set()
    for path, content in read.items():
        if path.endswith((".yaml", ".yml")) and path.rpartition("/")[2] not in KUSTOMIZE_FILES:
            for document in load_documents(content, path):
                metadata = document.value.get("metadata") if isinstance(document.value, dict) else None
                if isinstance(metadata, dict) and metadata.get("namespace"):
                    named.add(str(metadata["namespace"]))
    return named.pop() if len(named) == 1 else ""
