"""The objects of this folder, each with the file and its place in it."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath.objects import Manifest
from towpath.yamltext.manifest_reader import load_documents

FOLDER = Path(__file__).parent
LABELS = {"agreement": "yes"}
WORKLOADS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "PodTemplate"),
    ("v1", "ReplicationController"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One object; `file` is the fault that it has (`unknown-field`), or a file of valid objects.

    In a sub-folder it begins with the name of that (`practice/unknown-field`).
    """

    file: str
    number: int
    manifest: Manifest

    @property
    def folder(self) -> str:
        """The sub-folder with its slash (`practice/`), or nothing."""
        return self.file[: self.file.rfind("/") + 1]

    @property
    def key(self) -> str:
        return f"{self.file}/{self.number}/{self.manifest['kind']}/{self.manifest['metadata']['name']}"


def definitions() -> list[Manifest]:
    """The CustomResourceDefinitions that custom objects of this folder are judged by."""
    return [sample.manifest for sample in _samples("definitions")]


def broken_samples() -> list[Sample]:
    return list(_samples("broken"))


def valid_samples() -> list[Sample]:
    """All valid objects; each Pod also as the template of every kind that makes pods."""
    samples = list(_samples("valid"))
    for sample in list(samples):
        if sample.manifest["kind"] == "Pod":
            samples += (
                Sample(sample.file, sample.number, workload(*kind, sample.manifest)) for kind in WORKLOADS
            )
    return samples


def workload(api_version: str, kind: str, pod: Manifest) -> Manifest:
    """An object of a kind that makes pods, for this one."""
    pod = copy.deepcopy(pod)
    spec, metadata = pod["spec"], pod["metadata"]
    labels = {**metadata.get("labels", {}), **LABELS}
    template: dict[str, Any] = {"metadata": {"labels": labels}, "spec": spec}
    if kind in ("Job", "CronJob"):
        spec["restartPolicy"] = "Never"
    elif kind != "PodTemplate":
        spec.pop("activeDeadlineSeconds", None)
    head = {"apiVersion": api_version, "kind": kind, "metadata": {"name": metadata["name"]}}
    match kind:
        case "PodTemplate":
            return {**head, "template": template}
        case "Job":
            return {**head, "spec": {"template": template}}
        case "CronJob":
            return {**head, "spec": {"schedule": "@hourly", "jobTemplate": {"spec": {"template": template}}}}
        case "ReplicationController":
            return {**head, "spec": {"selector": LABELS, "template": template}}
    return {**head, "spec": {"selector": {"matchLabels": LABELS}, "template": template}}


def _samples(folder: str) -> Iterator[Sample]:
    for file in sorted((FOLDER / folder).rglob("*.yaml")):
        name = file.relative_to(FOLDER / folder).with_suffix("").as_posix()
        for number, document in enumerate(load_documents(file.read_bytes(), file.name), start=1):
            yield Sample(name, number, document.value)
