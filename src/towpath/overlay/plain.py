"""Where in a folder of plain manifests a change could go."""

from collections.abc import Iterator
from functools import partial

from towpath.drift.adoption import Change
from towpath.objects import Manifest
from towpath.overlay.texts import Edit, Overlay, in_place, places


def edits(overlay: Overlay, change: Change, _rendered: Manifest) -> Iterator[Edit]:
    """The object's own file."""
    for place in places(overlay, overlay.folder, change.ref):
        yield partial(in_place, overlay, place, change)
