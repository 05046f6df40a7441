"""Finds the newest image of a repository by its `watch`: all tags, and only those manifests that decide."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from towpath.adapters.registries.oci import Repository, digest_of, object_of
from towpath.config import ImageWatch
from towpath.errors import TerminalError, UnknownNameError
from towpath.release.image_ref import check_digest, parse_image

MAX_LABELLED = 100
"""Tags whose images are read for a label: the last ones by name and number."""
MANY = 1000
"""Matching tags from which on it is said that there are so many."""
MAX_KNOWN = 1000
"""Digests of one repository whose label is kept."""
CREATED = "org.opencontainers.image.created"
_TAG_LENGTH = 128
LONGEST = 1000
"""Characters of a label by which images are ordered; of a longer one nothing is known."""


@dataclass(frozen=True, slots=True)
class FoundImage:
    """The newest image: its digest and the tag that named it. `note` says what of many was not looked at."""

    digest: str
    tag: str
    note: str = ""


@dataclass(slots=True)
class ImageFinder:
    """One repository. What was read of an image is kept by its digest: it does not change."""

    image: str
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    """Digest and name of a label -> its value; empty where the image has none."""

    def newest(self, watch: ImageWatch) -> FoundImage:
        """The newest image as of now. UnknownNameError when no tag matches, or none has the label."""
        repository = Repository(parse_image(self.image))
        number = MAX_LABELLED if watch.newest else 1
        tags, matching = watch.best(_tags(repository), number)
        if not tags:
            raise UnknownNameError("tag", _described(watch), where=self.image)
        if watch.newest:
            tag, digest = self._by_label(repository, tags, watch.newest)
        else:
            tag, digest = tags[0], _digest(repository, tags[0])
        return FoundImage(digest, tag, _note(self.image, matching, number))

    def _by_label(self, repository: Repository, tags: list[str], label: str) -> tuple[str, str]:
        """Tag and digest of the image with the greatest value; of equal ones the last tag's."""
        found: list[tuple[tuple[tuple[int, int, str], ...], int, str, str]] = []
        for tag in reversed(tags):
            digest = _digest(repository, tag)
            if (digest, label) not in self.labels:
                if len(self.labels) >= MAX_KNOWN:
                    self.labels.clear()
                self.labels[digest, label] = _label(repository, digest, label)
            if value := self.labels[digest, label]:
                found.append((ImageWatch.order_of(value), len(found), tag, digest))
        if not found:
            raise UnknownNameError("label", label, where=f"the images of {self.image} that match")
        _, _, tag, digest = max(found)
        return tag, digest


def _tags(repository: Repository) -> Iterator[str]:
    return (tag for tag in repository.tags() if isinstance(tag, str) and 0 < len(tag) <= _TAG_LENGTH)


def _digest(repository: Repository, tag: str) -> str:
    """What a tag names now."""
    said = repository.digest(tag)
    if said == "":
        read = repository.manifest(tag)
        said = digest_of(read[0]) if read else None
    if said is None:
        raise UnknownNameError("image", f"{repository.image.name}:{tag}", where="its registry")
    return check_digest(said)


def _label(repository: Repository, digest: str, label: str) -> str:
    """The label of an image, or the annotation of that name; of several platforms the first one's."""
    manifest = _manifest(repository, digest)
    annotations = manifest.get("annotations")
    platforms = manifest.get("manifests")
    if isinstance(platforms, list):
        first = next((str(each.get("digest")) for each in platforms if _is_image(each)), "")
        manifest = _manifest(repository, first) if first else {}
    config = manifest.get("config")
    content: dict[str, Any] = {}
    if isinstance(config, dict) and "digest" in config:
        content = object_of(repository.blob(str(config["digest"])), f"{repository.image.name}@{digest}")
    labels = (content.get("config") or {}).get("Labels") if isinstance(content.get("config"), dict) else None
    made = {CREATED: content.get("created")}
    places = (labels, annotations, manifest.get("annotations"), made)
    values = (each.get(label) for each in places if isinstance(each, dict))
    return next((value for value in values if isinstance(value, str) and 0 < len(value) <= LONGEST), "")


def _is_image(entry: Any) -> bool:
    """Whether an entry of an index is an image, and no attestation about one."""
    platform = entry.get("platform") if isinstance(entry, dict) else None
    return isinstance(entry, dict) and not (
        isinstance(platform, dict) and platform.get("architecture") == "unknown"
    )


def _manifest(repository: Repository, digest: str) -> dict[str, Any]:
    answer = repository.manifest(digest)
    if answer is None:
        raise TerminalError(f"{repository.image.name} lost {digest} meanwhile")
    return object_of(answer[0], f"{repository.image.name}@{digest}")


def _described(watch: ImageWatch) -> str:
    return watch.semver or watch.regex or watch.glob or "*"


def _note(image: str, matching: int, number: int) -> str:
    if number == 1:
        return f"{matching} tags of {image} match; only the last one is read" if matching > MANY else ""
    return (
        f"{matching} tags of {image} match; only the last {number} by name are asked for their label"
        if matching > number
        else ""
    )
