"""The clusters that Argo CD knows: their Secrets in files, without the credentials, which are not read."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from towpath.errors import ConfigError
from towpath.files import read_text
from towpath.foreign.definition import Fields, Note, manifest_files
from towpath.foreign.selectors import matches, read_selector
from towpath.foreign.templates import normalized
from towpath.yamltext.manifest_reader import ManifestDocument, load_documents

LABEL = "argocd.argoproj.io/secret-type"
IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
"""Address and name of the cluster that Argo CD itself runs in."""
_LOGIN = re.compile(r"(?<=://)[^/@]*@")


@dataclass(frozen=True, slots=True)
class KnownCluster:
    """A cluster as templates of ApplicationSets see it."""

    name: str
    server: str
    project: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether Argo CD runs in it."""
        return self.server in IN_CLUSTER

    def parameters(self) -> dict[str, Any]:
        """What a template may name."""
        return {
            "name": self.name,
            "nameNormalized": normalized(self.name),
            "server": self.server,
            "project": self.project,
            "metadata": {"labels": dict(self.labels), "annotations": dict(self.annotations)},
        }


LOCAL = KnownCluster("in-cluster", IN_CLUSTER[0])


def read_clusters(root: Path, notes: list[Note]) -> list[KnownCluster]:
    """The clusters whose Secrets are in the files below a folder, by file; a note on each.

    What cannot be read is told where definitions are read.
    """
    found: list[KnownCluster] = []
    for path in manifest_files(root):
        try:
            text = read_text(root, path)
            documents = load_documents(text, path) if text and LABEL in text else []
        except ConfigError:
            continue
        for document in documents:
            found += _of_document(document, notes)
    return found


def by_name(clusters: Sequence[KnownCluster]) -> dict[str, str]:
    """The name by which a cluster is called here -> for each way in which an Application names it.

    Empty for the cluster that Argo CD runs in.
    """
    names = {each.server: each.name for each in clusters if not each.is_local}
    return names | {each.name: "" for each in clusters if each.is_local}


def selected(generator: Fields, clusters: Sequence[KnownCluster]) -> Iterator[KnownCluster]:
    """The clusters that a cluster generator takes; what is not known here is told."""
    rules = read_selector(generator.inner("selector"))
    if rules is None:
        return
    if rules:
        matching = [each for each in clusters if matches(each.labels, rules)]
        if not matching:
            generator.tell(
                "selector", "selects no cluster whose Secret is in the files; it is not carried over"
            )
        yield from matching
        return
    if not clusters:
        message = "takes all clusters of Argo CD, whose Secrets are not in the files: only its own is taken"
        generator.tell("", message)
    if not any(each.is_local for each in clusters):
        yield LOCAL
    yield from clusters


def _of_document(document: ManifestDocument, notes: list[Note]) -> Iterator[KnownCluster]:
    data = document.value
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        return
    metadata = _mapping(data.get("metadata"))
    title = f"{data['kind']} {metadata.get('name')}"
    if data["kind"] != "Secret":
        template = _mapping(_mapping(_mapping(data.get("spec")).get("template")).get("metadata"))
        if _mapping(template.get("labels")).get(LABEL) == "cluster":
            message = f"{title}: the cluster in it is not known here; it is not carried over"
            notes.append(Note(document.file, document.line, message))
        return
    labels = {str(key): str(value) for key, value in _mapping(metadata.get("labels")).items()}
    if labels.get(LABEL) != "cluster":
        return
    server = _LOGIN.sub("", _text(data, "server"))
    if not server:
        message = f"{title}: names no `server`; it is not carried over"
        notes.append(Note(document.file, document.line, message))
        return
    message = f"{title}: its credentials are not carried over: the machine of the agent says which cluster"
    notes.append(Note(document.file, document.line, message))
    annotations = {str(key): str(value) for key, value in _mapping(metadata.get("annotations")).items()}
    yield KnownCluster(_text(data, "name") or server, server, _text(data, "project"), labels, annotations)


def _text(secret: Mapping[str, Any], key: str) -> str:
    """One value of a Secret; its others are never looked at."""
    plain = _mapping(secret.get("stringData")).get(key)
    if isinstance(plain, str):
        return plain.strip()
    encoded = _mapping(secret.get("data")).get(key)
    try:
        text = (
            base64.b64decode("".join(encoded.split()), validate=True).decode()
            if isinstance(encoded, str)
            else ""
        )
    except (binascii.Error, ValueError):
        return ""
    return text.strip() if text.strip().isprintable() else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
