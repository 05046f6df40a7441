"""Evidence beside an image in its registry: OCI artifacts that name the image as their subject.

A registry with the referrers API lists them by itself. For one without, the client keeps an index at the tag
`sha256-<hex>`, as the distribution specification says. It is read, changed and written without a lock: so it
is read again a moment later, and what another writer has put out of it is put back.
"""

import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath.adapters.registries.oci import (
    INDEX_TYPE,
    MANIFEST_TYPE,
    MAX_BYTES,
    Repository,
    digest_of,
    object_of,
)
from towpath.errors import EvidenceError, TerminalError, TransientError, UnknownNameError
from towpath.evidence.bundle import BUNDLE_TYPE
from towpath.evidence.json_text import canonical
from towpath.release.image_ref import check_digest, parse_image

CONTENT = "dev.sigstore.bundle.content"
PREDICATE_TYPE = "dev.sigstore.bundle.predicateType"
MAX_INDEX_BYTES = 1024 * 1024
MAX_BUNDLE_BYTES = 2 * 1024 * 1024
MAX_BUNDLES = 50
"""Bundles of one predicate type that are read of an image; honest ones are few."""
MAX_TOTAL_BYTES = 128 * 1024 * 1024
"""Of all bundles of one predicate type: those beyond count as none that can be read."""
MOST_KEPT, LARGEST_KEPT = 256, 64 * 1024
"""Bundles that a process keeps, and their bytes."""
ATTEMPTS = 20
_REFUSALS = 3
"""Answers in a row that the registry cannot be asked, after which it is not asked any more."""
SETTLE = 0.25
"""Seconds after which the index is read again: much longer than others need between reading and writing."""
_fetched: dict[tuple[str, str, str], bytes] = {}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
Descriptor = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FoundBundles:
    """The bundles of an image, none of them verified. `problems` say which could not be read, and why."""

    bundles: tuple[bytes, ...]
    problems: tuple[str, ...] = ()


def put_bundle(  # noqa: PLR0913
    image: str,
    digest: str,
    bundle: bytes,
    predicate_type: str,
    created: str = "",
    *,
    largest: int = MAX_BUNDLE_BYTES,
) -> str:
    """Attach a bundle to the image with that digest; the digest of its manifest. Again changes nothing.

    `created` is an RFC 3339 time, `largest` is in bytes. Raises UnknownNameError when the image is not in the
    registry, EvidenceError when the bundle is larger, TransientError when others write the index all along.
    """
    if len(bundle) > largest:
        raise EvidenceError(f"evidence of {len(bundle)} bytes is more than the {largest} that are read")
    repository = Repository(parse_image(image), push=True)
    subject = repository.manifest(check_digest(digest))
    if subject is None:
        raise UnknownNameError("image", f"{image}@{digest}", where=f"registry {repository.image.registry}")
    annotations = {CONTENT: "dsse-envelope", PREDICATE_TYPE: predicate_type}
    if created:
        annotations["org.opencontainers.image.created"] = created
    manifest = canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": BUNDLE_TYPE,
            "config": _descriptor(_EMPTY_TYPE, _EMPTY),
            "layers": [_descriptor(BUNDLE_TYPE, bundle)],
            "subject": _descriptor(subject[1], subject[0]),
            "annotations": annotations,
        }
    )
    for blob in (_EMPTY, bundle):
        repository.put_blob(blob)
    if not repository.put_manifest(digest_of(manifest), manifest):
        entry = _descriptor(MANIFEST_TYPE, manifest)
        entry |= {"artifactType": BUNDLE_TYPE, "annotations": annotations}
        _keep_listed(repository, digest, entry)
    return digest_of(manifest)


def read_bundles(
    image: str, digest: str, predicate_type: str, *, largest: int = MAX_BUNDLE_BYTES
) -> FoundBundles:
    """The bundles of a predicate type that are attached to the image with that digest, up to `largest` bytes.

    EvidenceError when there are more than MAX_BUNDLES, or the list is too large.
    """
    repository = Repository(parse_image(image))
    found: list[bytes] = []
    problems: list[str] = []
    entries = _entries(repository, check_digest(digest), predicate_type)
    if len(entries) > MAX_BUNDLES:
        raise EvidenceError(
            f"{repository.image.name}@{digest[:19]} has more than {MAX_BUNDLES} statements attached",
            remedy="Somebody fills the registry. Delete those that Towpath did not make; see who may push.",
        )
    left = MAX_TOTAL_BYTES
    for entry in entries:
        try:
            found.append(_read_bundle(repository, digest, str(entry.get("digest")), min(largest, left)))
            left -= len(found[-1])
        except TransientError:
            raise
        except TerminalError as error:
            problems.append(error.message)
    return FoundBundles(tuple(found), tuple(problems))


def forget_bundles() -> None:
    """Fetch everything again: for those who measure."""
    _fetched.clear()


def index_tag(digest: str) -> str:
    """The tag of the index of an image's referrers: `sha256-<hex>`."""
    return check_digest(digest).replace(":", "-")


def _entries(repository: Repository, digest: str, predicate_type: str) -> list[Descriptor]:
    """Those of the image's referrers that are bundles of the predicate type, or do not say of which.

    The index is read too where the API names none: a registry may have had no API when they were written.
    """
    listed = repository.referrers(digest, BUNDLE_TYPE) or []
    return _wanted(listed, predicate_type) or _wanted(
        _manifests(_read_index(repository, digest)), predicate_type
    )


def _wanted(listed: list[Descriptor], predicate_type: str) -> list[Descriptor]:
    found: dict[str, Descriptor] = {}
    for entry in listed:
        annotations = entry.get("annotations")
        stated = annotations.get(PREDICATE_TYPE) if isinstance(annotations, Mapping) else None
        if entry.get("artifactType") == BUNDLE_TYPE and stated in (None, predicate_type):
            found.setdefault(str(entry.get("digest")), entry)
    return list(found.values())


def _read_bundle(repository: Repository, subject: str, digest: str, largest: int) -> bytes:
    """Fetched once in this process: what has a digest never changes. That it is listed is asked each time."""
    key = (repository.image.name, subject, digest)
    bundle = _fetched.get(key)
    if bundle is None:
        bundle = _fetch_bundle(repository, subject, digest, largest)
        if len(_fetched) >= MOST_KEPT:
            _fetched.clear()
        if len(bundle) <= LARGEST_KEPT:
            _fetched[key] = bundle
    return bundle


def _fetch_bundle(repository: Repository, subject: str, digest: str, largest: int) -> bytes:
    answer = repository.manifest(check_digest(digest))
    place = f"{repository.image.name}@{digest[:19]}"
    if answer is None:
        raise TerminalError(f"{place} is listed, and is not there")
    manifest = object_of(answer[0], place)
    named = manifest.get("subject")
    if not isinstance(named, dict) or named.get("digest") != subject:
        raise TerminalError(f"{place} is attached to another image")
    layers = manifest.get("layers")
    layer = layers[0] if isinstance(layers, list) and len(layers) == 1 else None
    if not isinstance(layer, dict) or layer.get("mediaType") != BUNDLE_TYPE:
        raise TerminalError(f"{place} does not hold one Sigstore bundle")
    size = layer.get("size")
    if not isinstance(size, int) or not 0 < size <= largest:
        raise TerminalError(f"{place} holds more than {largest} bytes")
    return repository.blob(str(layer.get("digest")), max(size, MAX_BYTES))


def _keep_listed(repository: Repository, digest: str, entry: Descriptor) -> None:
    """Add an entry to the index, and see that neither it nor any other that was there gets lost."""
    known: dict[str, Descriptor] = {str(entry["digest"]): entry}
    refused = 0
    for attempt in range(ATTEMPTS):
        try:
            if _is_listed(repository, digest, known):
                return  # still there a moment after it was written, or since an earlier run
            refused = 0
        except TransientError:
            refused += 1  # Debian's registry answers 500 while another writes the tag
            if refused == _REFUSALS:
                raise
        time.sleep(SETTLE + random.uniform(0.0, 0.05 * (attempt + 1)))  # noqa: S311
    raise TransientError(
        f"others write the list of what is attached to {repository.image.name}@{digest[:19]} all the time"
    )


def _is_listed(repository: Repository, digest: str, known: dict[str, Descriptor]) -> bool:
    """Whether the index has all entries that are known; else they are written, and those it had are known."""
    index = _read_index(repository, digest)
    listed = {str(each.get("digest")): each for each in _manifests(index)}
    missing = [each for name, each in known.items() if name not in listed]
    known |= listed
    if missing:
        for gone in _write_index(repository, digest, index, missing):
            known.pop(gone, None)
    return not missing


def _write_index(
    repository: Repository, digest: str, index: dict[str, Any], more: list[Descriptor]
) -> set[str]:
    """Write the index with more entries. Returns the digests of entries that were left out.

    Those are of manifests that were deleted: with them the registry would refuse the whole index.
    """
    entries = [*index["manifests"], *more]
    try:
        _put_index(repository, digest, index, entries)
    except TerminalError:
        listed = {str(each.get("digest")) for each in entries if isinstance(each, dict)}
        gone = {each for each in listed if _DIGEST.fullmatch(each) and repository.manifest(each) is None}
        if not gone:
            raise
        there = [each for each in entries if not isinstance(each, dict) or each.get("digest") not in gone]
        _put_index(repository, digest, index, there)
        return gone
    return set()


def _put_index(repository: Repository, digest: str, index: dict[str, Any], entries: list[Any]) -> None:
    content = canonical({**index, "manifests": entries})
    if len(content) > MAX_INDEX_BYTES:
        raise EvidenceError(
            f"the list of what is attached to {repository.image.name}@{digest[:19]} is too large",
            remedy="Delete what nobody needs any more from the registry.",
        )
    repository.put_manifest(index_tag(digest), content, INDEX_TYPE)


def _read_index(repository: Repository, digest: str) -> dict[str, Any]:
    """The index at the tag, whole, so that nothing of it is lost; an empty one when there is none."""
    answer = repository.manifest(index_tag(digest))
    if answer is None:
        return {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}
    body, media_type = answer
    place = f"{repository.image.name}:{index_tag(digest)}"
    if media_type != INDEX_TYPE:
        raise TerminalError(
            f"{place} is no index of what is attached to the image, but {media_type[:80]}",
            remedy="Something else took this tag, which is for the index alone. Delete it in the registry.",
        )
    if len(body) > MAX_INDEX_BYTES:
        raise EvidenceError(f"{place} has more than {MAX_INDEX_BYTES} bytes")
    index = object_of(body, place)
    if not isinstance(index.get("manifests"), list):
        raise TerminalError(f"{place} is no valid index", remedy="Delete this tag in the registry.")
    return index


def _manifests(index: dict[str, Any]) -> list[Descriptor]:
    return [each for each in index["manifests"] if isinstance(each, dict)]


def _descriptor(media_type: str, content: bytes) -> Descriptor:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}
