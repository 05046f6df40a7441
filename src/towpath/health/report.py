"""The health of every object in a text: `towpath health` without a cluster."""

from collections.abc import Iterator

from towpath.health.assess import Judges, assess
from towpath.health.reading import Unreadable, read_objects
from towpath.health.verdict import ObjectHealth, mapping_at, unknown
from towpath.objects import Manifest, ObjectRef, group_of


def assess_text(text: str, name: str, user_judges: Judges) -> Iterator[ObjectHealth]:
    """One verdict per object, in the order of the text; Unknown for entries that are not objects.

    `name` is the file's name in messages; `user_judges` as in `assess`.
    """
    no_reference = ObjectRef("", "", "", "")
    for entry in read_objects(text, name):
        if isinstance(entry, Unreadable):
            yield ObjectHealth(no_reference, unknown(entry.reason))
        else:
            yield ObjectHealth(_ref(entry), assess(entry, user_judges))


def _ref(manifest: Manifest) -> ObjectRef:
    """A reference from those of its fields that the object has."""
    metadata = mapping_at(manifest, "metadata")
    kind, version = manifest.get("kind"), manifest.get("apiVersion")
    return ObjectRef(
        group=group_of(version) if isinstance(version, str) else "",
        kind=kind if isinstance(kind, str) else "",
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or metadata.get("generateName") or ""),
    )
