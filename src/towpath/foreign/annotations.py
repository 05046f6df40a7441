"""Annotations of Argo CD and Flux on objects: they have no effect here, and are told with what has it."""

import re
from collections.abc import Iterator, Mapping

from towpath.foreign.definition import Note

_KEY = re.compile(r"\b((?:argocd\.argoproj\.io|kustomize\.toolkit\.fluxcd\.io)/[a-z-]+)[\"']?\s*:")
_INSTEAD = {
    "argocd.argoproj.io/sync-wave": "`towpath.dev/wave` orders objects",
    "argocd.argoproj.io/hook": "`towpath.dev/hook` makes a Job a hook",
    "argocd.argoproj.io/sync-options": "`towpath.dev/prune: disabled` keeps an object",
    "argocd.argoproj.io/compare-options": "`towpath.dev/ignore` leaves fields to others",
    "kustomize.toolkit.fluxcd.io/prune": "`towpath.dev/prune: disabled` keeps an object",
}


def told_annotations(files: Mapping[str, bytes]) -> Iterator[Note]:
    """A note for each line of these files (path -> content) with such an annotation."""
    for path, content in files.items():
        text = content.decode(errors="replace")
        if "argocd.argoproj.io/" not in text and "kustomize.toolkit.fluxcd.io/" not in text:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for key in _KEY.findall(line):
                more = f": {_INSTEAD[key]}" if key in _INSTEAD else ""
                yield Note(path, number, f"the annotation `{key}` has no effect{more}")
