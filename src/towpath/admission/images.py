"""Which images objects name, and whether the app's own image has the digest of its release."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from towpath.admission.policy import AdmissionPolicy
from towpath.objects import Manifest, group_of
from towpath.release.image_ref import same_repository

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def image_problems(manifest: Manifest, policy: AdmissionPolicy) -> Iterator[str]:
    """A sentence for each use of the app's image that is not the digest of its release."""
    if not policy.image or not policy.digest:
        return
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    for place, image in images_of(manifest):
        if not same_repository(image, policy.image):
            continue
        digest = image.partition("@")[2]
        if not _DIGEST.match(digest):
            yield f"{kind} {name}: {place} runs {policy.image} not by digest"
        elif digest != policy.digest:
            yield (f"{kind} {name}: {place} runs {digest[:19]}…, but release.yaml says {policy.digest[:19]}…")


def images_of(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """(place, image) of every image that an object of any kind names: containers, volumes, custom fields."""
    files = not group_of(manifest["apiVersion"]) and manifest["kind"] in ("ConfigMap", "Secret")
    pending: list[Any] = [
        value for key, value in manifest.items() if key != "metadata" and not (files and key == "data")
    ]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            place = f"container {item['name'][:100]!r}" if isinstance(item.get("name"), str) else "an image"
            for key, value in item.items():
                if "image" in key.casefold() or key == "reference":
                    yield from ((place, image) for image in _image_names(value))
            pending.extend(item.values())


def _image_names(value: Any) -> Iterator[str]:
    """The image names of a text (`R:tag`), a list of texts, or a mapping (`{repository: R, tag: tag}`)."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict) and isinstance(name := item.get("repository", item.get("name")), str):
            parts = {key: item.get(key) for key in ("registry", "tag", "digest")}
            texts = {key: text for key, text in parts.items() if text and isinstance(text, str)}
            registry = f"{texts['registry']}/" if "registry" in texts else ""
            tag = f":{texts['tag']}" if "tag" in texts else ""
            yield registry + name + tag + (f"@{texts['digest']}" if "digest" in texts else "")


def unused_image_problem(manifests: Sequence[Manifest], policy: AdmissionPolicy) -> str | None:
    """The problem that no object uses the image of the release; None when one does, or none is released."""
    if not policy.image or not policy.digest:
        return None
    images = (image for manifest in manifests for _, image in images_of(manifest))
    if any(same_repository(image, policy.image) for image in images):
        return None
    return f"no container runs the app's image {policy.image}, though it is released here"
