"""Candidate edits of a folder of plain manifests."""

from collections.abc import Iterator
from functools import partial

from towpath.drift.adoption import AdoptableChange
from towpath.objects import Manifest
from towpath.overlay.texts import Edit, Overlay, change_in_place, find_object_texts


def edits(overlay: Overlay, change: AdoptableChange, _rendered: Manifest) -> Iterator[Edit]:
    """Edits of the files that have the object."""
    for place in find_object_texts(overlay, overlay.folder, change.ref):
        yield partial(change_in_place, overlay, place, change)
