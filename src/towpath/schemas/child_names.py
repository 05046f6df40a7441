"""Names of what controllers make for an object: pods, Jobs, revisions. Where they are refused, nothing runs.

Source: Kubernetes 1.35, seen on its controllers. A server takes all these objects but an indexed Job: of that
it judges the last pod itself.
"""

from typing import Any

from towpath.objects import Manifest, group_of
from towpath.schemas.texts import LABEL, MAX_SUBDOMAIN

_MAX_LABEL, _MAX_CRON_JOB = 63, 52
_HASH = 1 + 10
"""Characters of the hash in the name of a revision with its hyphen, at most."""
_MINUTES = 8
"""Digits of the minutes since 1970 in the name of a CronJob's Job, until the year 2160."""


def last_indexed_pod(name: str, spec: Any) -> str | None:
    """The host name of the last pod of an indexed Job of this name and specification; None for others."""
    if not isinstance(spec, dict) or spec.get("completionMode") != "Indexed":
        return None
    completions = spec.get("completions")
    if not isinstance(completions, int) or isinstance(completions, bool) or completions < 1:
        return None
    return f"{name}-{completions - 1}"


def child_name_note(manifest: Manifest) -> str | None:
    """Why the object's controller may be refused what it makes, though a server takes the object itself."""
    name, spec = manifest["metadata"]["name"], manifest.get("spec")
    match group_of(manifest["apiVersion"]), manifest["kind"]:
        case "apps", "StatefulSet" if _MAX_LABEL - _HASH < len(name) <= _MAX_LABEL:
            why = "its pods may never be created: their label `controller-revision-hash` is it and a hash"
        case "apps", "DaemonSet" if MAX_SUBDOMAIN - _HASH < len(name) <= MAX_SUBDOMAIN:
            why = "its pods may never be created: its revisions are named by it and a hash"
        case "batch", "CronJob" if len(name) <= _MAX_CRON_JOB:
            return _note_of_indexed(name, spec)
        case _:
            return None
    most = (_MAX_LABEL if manifest["kind"] == "StatefulSet" else MAX_SUBDOMAIN) - _HASH
    return f"`metadata.name` has {len(name)} characters; with more than {most} {why}"


def _note_of_indexed(name: str, spec: Any) -> str | None:
    template = spec.get("jobTemplate") if isinstance(spec, dict) else None
    job = template.get("spec") if isinstance(template, dict) else None
    pod = last_indexed_pod(f"{name}-{'0' * _MINUTES}", job)
    if pod is None or LABEL.match(pod):
        return None
    why = "its Jobs are never created: they are indexed, and their pods' host names begin with it"
    if "." in name:
        return f"`metadata.name` has a `.`; {why}"
    most = len(name) - (len(pod) - _MAX_LABEL)
    return f"`metadata.name` has {len(name)} characters; with more than {most} {why}"
