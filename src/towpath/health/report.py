"""Every object of a text, judged; for people and programs that have no cluster at hand."""

from collections.abc import Iterator

from towpath.health.assess import Judges, assess
from towpath.health.reading import Unreadable, read_objects
from towpath.health.verdict import ObjectHealth, mapping_at, unknown
from towpath.objects import Manifest, ObjectRef, group_of


def assess_text(text: str, name: str, own: Judges) -> Iterator[ObjectHealth]:
    """A verdict per object in the order of the text; Unknown for what is no object."""
    nobody = ObjectRef("", "", "", "")
    for each in read_objects(text, name):
        if isinstance(each, Unreadable):
            yield ObjectHealth(nobody, unknown(each.reason))
        else:
            yield ObjectHealth(_ref(each), assess(each, own))


def _ref(manifest: Manifest) -> ObjectRef:
    """As much of a reference as the object has."""
    metadata = mapping_at(manifest, "metadata")
    kind, version = manifest.get("kind"), manifest.get("apiVersion")
    return ObjectRef(
        group=group_of(version) if isinstance(version, str) else "",
        kind=kind if isinstance(kind, str) else "",
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or metadata.get("generateName") or ""),
    )
