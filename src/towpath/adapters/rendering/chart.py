"""Scans a Helm chart before Helm runs: local files only, nothing fetched or unpacked."""

import posixpath
import re
from pathlib import Path
from typing import Any

from towpath.adapters.rendering.sources import Sources
from towpath.errors import ConfigError

_ARCHIVE = re.compile(r"\.(tgz|tar|tar\.gz|zip)\Z", re.IGNORECASE)
_STRICT = ("Chart.yaml", "Chart.lock", "requirements.yaml", "values.yaml", "values.schema.json")
_METASCHEMA = re.compile(r"https?://json-schema\.org/[\w./-]+#?\Z")
_UNSTABLE_FUNCTIONS = re.compile(
    rb"\b(rand[A-Z]\w*|uuidv4|now|ago|gen(CA|PrivateKey|SelfSignedCert|SignedCert)\w*|bcrypt|htpasswd|shuffle"
    rb"|encryptAES)\b|\b(keys|values)\s+[.$(]|\|\s*(keys|values)\b"
)
"""Template functions whose result may differ each time: random values, the time, unordered mappings."""
_TPL = re.compile(rb"\btpl\b")
_NOW = re.compile(rb'"(?:\\.|[^"\\])*+"|`[^`]*+`|(?P<now>(?<![\w.$-])now(?![\w-]))')
_FIXED_TIME = b'(toDate "2006-01-02" "2001-02-03")'


def scan(sources: Sources, chart: str, values: str) -> bool:
    """Read and check the chart and the values; returns whether rendering may differ each time.

    Raises ConfigError for a link out of the checkout, a dependency that is not in `charts/`, an archive, a
    schema that refers elsewhere, and YAML that is not safe to hand on.
    """
    unstable = evaluates = False
    files = set(sources.walk(chart, hidden=True))
    if f"{chart}/Chart.yaml" not in files:
        raise ConfigError("there is no Chart.yaml; the chart is expected here", file=chart)
    for path in sorted(files):
        content = sources.read(path, file=path)
        inside = path.removeprefix(chart)
        name = posixpath.basename(path)
        if "/charts/" in inside and _ARCHIVE.search(name):
            raise ConfigError(
                "an archive, whose content no one can review; refused",
                file=path,
                remedy="Unpack it here: `tar xzf`, then remove the archive.",
            )
        if "/templates/" in inside:
            unstable = unstable or bool(_UNSTABLE_FUNCTIONS.search(content))
            evaluates = evaluates or bool(_TPL.search(content))
        elif name in _STRICT:
            _check_file(sources, path, name, files)
        elif "/crds/" in inside and name.endswith((".yaml", ".yml", ".json")):
            sources.documents(path, file=path)  # Helm passes CRDs on unchanged
    value_documents = sources.documents(values, file=values)
    if len(value_documents) > 1:
        raise ConfigError(
            "more than one document; Helm reads the first", file=values, line=value_documents[1].line
        )
    for document in value_documents:
        sources.masked.append(document.value)
        if not isinstance(document.value, dict):
            raise ConfigError("values that are not a mapping", file=values, line=document.line)
    # `tpl` may evaluate text from any file.
    return unstable or (
        evaluates and any(_UNSTABLE_FUNCTIONS.search(sources.content(each)) for each in sources.files)
    )


def copy(sources: Sources, chart: str, values: str, folder: Path, *, fixed_time: bool) -> None:
    """Write the chart and the values, as read, to `folder`; `fixed_time`: replace `now` by a constant."""
    for path in (*sources.walk(chart, hidden=True), values):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        content = sources.read(path, file=path)
        target.write_bytes(_with_fixed_time(content) if fixed_time else content)


def _with_fixed_time(template: bytes) -> bytes:
    if b"now" not in template:
        return template
    parts, end = [], 0
    while (begin := template.find(b"{{", end)) >= 0:
        parts.append(template[end:begin])
        end = template.find(b"}}", begin)
        end = len(template) if end < 0 else end
        parts.append(_NOW.sub(lambda found: _FIXED_TIME if found["now"] else found[0], template[begin:end]))
    return b"".join((*parts, template[end:]))


def _check_file(sources: Sources, path: str, name: str, files: set[str]) -> None:
    documents = sources.documents(path, file=path)
    for document in documents:
        if name == "values.yaml":
            sources.masked.append(document.value)
        if name == "values.schema.json":
            _check_schema(document.value, path)
        elif name in ("Chart.yaml", "requirements.yaml") and isinstance(document.value, dict):
            _check_dependencies(document.value.get("dependencies"), path, files)


def _check_dependencies(listed: Any, path: str, files: set[str]) -> None:
    folder = posixpath.dirname(path)
    for item in listed if isinstance(listed, list) else []:
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str):
            raise ConfigError("a dependency without a name", file=path)
        if f"{folder}/charts/{name}/Chart.yaml" not in files:
            raise ConfigError(
                f"the dependency {name!r} is not in the repository; nothing remote is fetched",
                file=path,
                remedy=f"Put the unpacked chart into {folder}/charts/{name}.",
            )
        repository = item.get("repository")
        if isinstance(repository, str) and repository.startswith("file:"):
            target = repository.removeprefix("file://")
            joined = posixpath.normpath(posixpath.join(folder, target))
            if posixpath.isabs(target) or joined.startswith(".."):
                raise ConfigError(f"the dependency {name!r} leads out of the repository; refused", file=path)


def _check_schema(value: Any, path: str) -> None:
    """Refuse every `$ref` out of the schema itself, and dialects that would have to be fetched."""
    if isinstance(value, list):
        for item in value:
            _check_schema(item, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and not str(item).startswith("#"):
                raise ConfigError("a `$ref` to another file or host; refused", file=path)
            if key in ("$id", "id") and isinstance(item, str) and ":" in item:
                raise ConfigError("a `$id` elsewhere, to which a `$ref` would lead; refused", file=path)
            if key == "$schema" and not _METASCHEMA.match(str(item)):
                raise ConfigError("a `$schema` that would be looked up elsewhere; refused", file=path)
            _check_schema(item, path)
