"""Reads image manifests from an OCI registry, and keeps release records beside the images they describe.

A record is a small artifact in the image's own repository, found by tag: `sha256-<hex>.towpath` for the id
of the release (of one image its digest), as cosign names signatures, and `commit-<hex>.towpath` for the
commit it was built from. A release of several images has one in the repository of each.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from towpath.adapters.registries.oci import MANIFEST_TYPE, Repository, digest_of, list_in, object_of
from towpath.errors import RefusedError, TerminalError, UnknownNameError
from towpath.formats.versions import GROUP, LATEST, V1, V2, VERSION_KEY, FileVersion
from towpath.redact import redact
from towpath.release.codec import decode_release, encode_release
from towpath.release.image_ref import ImageReference, check_digest, parse_image
from towpath.release.model import Release

RECORD_TYPES: Mapping[FileVersion, str] = {
    V1: "application/vnd.towpath.release.v1+json",
    V2: "application/vnd.towpath.release.v2+json",
}
"""Media types of records. The record of towpath.dev/v1 has no version in its JSON, later ones have."""
_RECORD_TYPE = re.compile(r"application/vnd\.towpath\.release\.(v[1-9][0-9]{0,5})\+json")
_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_SUFFIX = ".towpath"
_COMMIT_PREFIX = "commit-"


@dataclass(frozen=True, slots=True)
class RegistryManifest:
    """A manifest as the registry returned it; `digest` is computed from its bytes, `size` is in bytes.

    `config_digest` is the id of the image, None for an index of several platforms.
    """

    digest: str
    config_digest: str | None
    media_type: str
    size: int


def read_manifest(reference: ImageReference | str) -> RegistryManifest:
    """The manifest of an image; UnknownNameError when the registry has none by that name."""
    image = _image(reference)
    answer = Repository(image).manifest(image.selector)
    if answer is None:
        raise UnknownNameError("image", str(image), where=f"registry {image.registry}")
    body, media_type = answer
    digest = digest_of(body)
    config = object_of(body, str(image)).get("config")
    config_digest = config.get("digest") if isinstance(config, dict) else None
    return RegistryManifest(digest, config_digest, media_type, len(body))


def put_release(release: Release, version: FileVersion) -> str:
    """Write the record of a release beside each of its images; the record's digest. Again changes nothing.

    `version` is that of the environment repository whose agents read the record. Raises UnknownNameError when
    an image is not in its registry: a record never names what cannot be pulled. RefusedError for a release
    without images.
    """
    if not release.images:
        raise RefusedError(f"release {release.short_id} of {release.app} has no image to be recorded beside")
    repositories = [(each, Repository(parse_image(each.image), push=True)) for each in release.images]
    for image, repository in repositories:
        if repository.manifest(image.digest) is None:
            where = f"registry {repository.image.registry}"
            raise UnknownNameError("image", image.reference, where=where)
    record, record_type = _canonical(_record_of(release, version)), RECORD_TYPES[version]
    annotations = {
        "org.opencontainers.image.created": release.built_at,
        "org.opencontainers.image.revision": release.commit,
        "org.opencontainers.image.source": redact(release.source),
        "org.opencontainers.image.title": f"{release.app} {release.short_id}",
    }
    manifest = _canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": record_type,
            "config": _descriptor(_EMPTY_TYPE, _EMPTY),
            "layers": [_descriptor(record_type, record)],
            "annotations": {name: value for name, value in annotations.items() if value},
        }
    )
    for _, repository in repositories:
        for blob in (_EMPTY, record):
            repository.put_blob(blob)
        for tag in [_digest_tag(release.id), *([_commit_tag(release.commit)] if release.commit else [])]:
            repository.put_manifest(tag, manifest)
    return digest_of(manifest)


def get_release(image: str, release: str) -> Release | None:
    """The record of the release with that id (of one image its digest) beside one of its images, or None."""
    found = _read_record(Repository(parse_image(image)), _digest_tag(check_digest(release)))
    if found is not None and (found.id != release or not _has(found, image)):
        raise TerminalError(f"the release record {release} of {image} speaks of {found.references}")
    return found


def find_release(image: str, commit: str) -> Release | None:
    """The newest release with `image` that was built from `commit` (its whole id), or None."""
    release = _read_record(Repository(parse_image(image)), _commit_tag(commit))
    if release is not None and (release.commit != commit or not _has(release, image)):
        raise TerminalError(
            f"the release record of {image} for {commit} speaks of another: {release.references}"
        )
    return release


def _has(release: Release, image: str) -> bool:
    return image in (each.image for each in release.images)


def recorded_commits(image: str) -> set[str]:
    """The commits for which the image's repository has a record, whoever wrote it."""
    tags = (each.removesuffix(_SUFFIX) for each in Repository(parse_image(image)).tags())
    return {tag.removeprefix(_COMMIT_PREFIX) for tag in tags if tag.startswith(_COMMIT_PREFIX)}


def _read_record(repository: Repository, tag: str) -> Release | None:
    answer = repository.manifest(tag)
    if answer is None:
        return None
    place = f"{repository.image.name}:{tag}"
    manifest = object_of(answer[0], place)
    layers = [
        layer
        for layer in list_in(manifest, "layers")
        if isinstance(layer, dict) and _RECORD_TYPE.fullmatch(str(layer.get("mediaType")))
    ]
    if len(layers) != 1:
        raise TerminalError(f"{place} is not a release record")
    version = _version_of(str(layers[0]["mediaType"]), place)
    try:
        return _release_of(object_of(repository.blob(str(layers[0].get("digest"))), place), version)
    except (ValueError, KeyError, TypeError) as error:
        raise TerminalError(f"{place} holds a release record that cannot be read: {error}") from error


def _version_of(media_type: str, place: str) -> FileVersion:
    """The version of a record. TerminalError for one that is not known yet."""
    match = _RECORD_TYPE.fullmatch(media_type)
    version = next((each for each, known in RECORD_TYPES.items() if known == media_type), None)
    if version is None:
        written = f"{GROUP}/{match[1]}" if match else media_type
        raise TerminalError(
            f"{place} holds a release record for {written}, and this Towpath knows up to {LATEST}",
            remedy="Upgrade Towpath.",
        )
    return version


def _record_of(release: Release, version: FileVersion) -> dict[str, Any]:
    data = encode_release(release, version)
    return data if version == V1 else {VERSION_KEY: version, **data}


def _release_of(data: dict[str, Any], version: FileVersion) -> Release:
    """The release of a record. One of towpath.dev/v1 may have keys that other builds of it wrote."""
    if version == V1:
        return decode_release(data, version, extra="ignore")
    if data.get(VERSION_KEY) != version:
        raise ValueError(f"`{VERSION_KEY}` must be {version}")
    return decode_release({key: value for key, value in data.items() if key != VERSION_KEY}, version)


def _image(reference: ImageReference | str) -> ImageReference:
    return parse_image(reference) if isinstance(reference, str) else reference


def _digest_tag(digest: str) -> str:
    return digest.replace(":", "-") + _SUFFIX


def _commit_tag(commit: str) -> str:
    if not commit or set(commit) - set("0123456789abcdef"):
        raise TerminalError(f"{commit!r} is not a commit's id")
    return f"{_COMMIT_PREFIX}{commit}{_SUFFIX}"


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
