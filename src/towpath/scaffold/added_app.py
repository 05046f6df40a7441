"""One more app in an environment repository that is there: pure, path to text."""

from collections.abc import Mapping

from towpath.formats.versions import CONFIG
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.editor import set_value


def added_app(
    text: str, app: str, namespaces: Mapping[str, str], files: Mapping[str, str], *, everywhere: bool
) -> dict[str, str]:
    """The files of a scaffolded repository as those of one app in another, whose towpath.yaml is `text`.

    `namespaces` are those of its environments, which have their Namespace from elsewhere; unless it is
    `everywhere`, the app names them.
    """
    entry = dict(read_document(files[CONFIG], CONFIG).data["apps"][app])
    if not everywhere:
        entry["environments"] = list(namespaces)
    left_out = {CONFIG, *(f"apps/{app}/{name}/namespace.yaml" for name in namespaces)}
    kept = {path: content for path, content in files.items() if path not in left_out}
    for name, namespace in namespaces.items():
        path = f"apps/{app}/{name}/kustomization.yaml"
        overlay = set_value(kept[path], path, ("resources",), ["../base"])
        kept[path] = set_value(overlay, path, ("namespace",), namespace)
    return {**kept, CONFIG: set_value(text, CONFIG, ("apps", app), entry)}
