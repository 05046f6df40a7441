"""The folder of manifests, plain or a Kustomize base, that becomes the base of a new app. Pure."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from towpath.adapters.rendering.kustomization import REMOTE
from towpath.errors import ConfigError, RefusedError
from towpath.kube.image_fields import image_fields, objects_in
from towpath.objects import Manifest
from towpath.overlay.image_edit import KUSTOMIZATIONS
from towpath.release.image_ref import repository_of
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.style import inline

KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
MANIFESTS = (".yaml", ".yml", ".json")


def images_in(manifests: Mapping[str, str]) -> list[str]:
    """The images of all containers, each once, with the names that `images:` of the base gives them."""
    found: dict[str, None] = {}
    for path in manifests:
        entries = list(_image_entries(manifests, path))
        for manifest in _objects(manifests, path):
            for field in image_fields(manifest):
                if field.is_of_container:
                    found[_renamed(field.image, entries)] = None
    return list(found)


def _image_entries(manifests: Mapping[str, str], path: str) -> Iterator[Any]:
    """Of `images:` of the kustomizations in a file's folder and those above, the innermost first."""
    for folder in PurePosixPath(path).parents:
        for name in KUSTOMIZATIONS:
            file = (folder / name).as_posix()
            for each in _documents(manifests, file) if file in manifests else ():
                entries = each.get("images") if isinstance(each, dict) else None
                yield from entries if isinstance(entries, list) else ()


def _renamed(image: str, entries: list[Any]) -> str:
    """The image with the name that Kustomize gives it."""
    for entry in entries:
        if isinstance(entry, dict) and entry.get("name") == (name := repository_of(image)):
            image = f"{entry.get('newName') or name}{image.removeprefix(name)}"
    return image


def given_objects(manifests: Mapping[str, str]) -> Iterator[Manifest]:
    """The objects of all files. ConfigError for one that is no YAML."""
    for path in manifests:
        yield from _objects(manifests, path)


def given_base(manifests: Mapping[str, str]) -> dict[str, str]:
    """The manifests as they are, with a kustomization that lists them if they have none of their own.

    Then Namespaces are left out, and files without an object, which Kustomize refuses as resources.
    """
    if any(PurePosixPath(path).name == "Chart.yaml" for path in manifests):
        raise RefusedError(
            "a Helm chart cannot be scaffolded",
            remedy="Put it into apps/APP/base by hand, and set `renderer: helm` in towpath.yaml.",
        )
    if is_kustomize_base(manifests):
        return dict(manifests)
    for path in manifests:
        if PurePosixPath(path).name in KUSTOMIZATIONS:
            raise RefusedError(
                f"{path} is a kustomization below the folder",
                remedy="Give --from the folder of the base itself.",
            )
    kept = {path: text for path, text in manifests.items() if _is_wanted(manifests, path)}
    if not kept:
        raise ConfigError(f"no manifests (*{', *'.join(MANIFESTS)}) are there", file="--from")
    for path in filter(REMOTE.search, kept):
        raise ConfigError("a kustomization takes its name for an address: rename it", file=path)
    return {"kustomization.yaml": f"{KUSTOMIZATION}\nresources:\n{listed(sorted(kept))}", **kept}


def is_kustomize_base(paths: Mapping[str, str]) -> bool:
    """Whether the folder has a kustomization of its own."""
    return any(path in KUSTOMIZATIONS for path in paths)


def listed(items: list[str]) -> str:
    """The items of a list in YAML, a line each."""
    return "".join(f"  - {inline(item)}\n" for item in items)


def _documents(manifests: Mapping[str, str], path: str) -> list[Any]:
    """The documents of a file; none of one that a kustomization may need, and that is no manifest."""
    if not path.endswith(MANIFESTS) and PurePosixPath(path).name not in KUSTOMIZATIONS:
        return []
    try:
        return [each.value for each in load_documents(manifests[path], path) if each.value]
    except ConfigError:
        is_other = is_kustomize_base(manifests) or path.endswith(".json")
        if is_other and path not in KUSTOMIZATIONS:
            return []  # a template, say; if it is a resource, `towpath check` names it
        raise


def _objects(manifests: Mapping[str, str], path: str) -> Iterator[Manifest]:
    for each in _documents(manifests, path):
        yield from (manifest for _, manifest in objects_in(each))


def _is_wanted(manifests: Mapping[str, str], path: str) -> bool:
    objects = [each for each in _objects(manifests, path) if {"apiVersion", "kind"} & each.keys()]
    return any(each.get("kind") != "Namespace" for each in objects)
