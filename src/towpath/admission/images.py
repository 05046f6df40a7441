"""Which images objects name, and whether the app's own images have the digests of its release."""

import re
from collections.abc import Iterator, Sequence

from towpath.admission.policy import AdmissionPolicy
from towpath.fields.pointer import build
from towpath.kube.image_fields import ImageField, image_fields
from towpath.objects import Manifest
from towpath.release.image_ref import same_repository

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def image_problems(manifest: Manifest, policy: AdmissionPolicy) -> Iterator[str]:
    """A sentence for each use of an image of the app that is not by the digest of its release."""
    if not policy.images:
        return
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    for field in image_fields(manifest, policy.image_rules):
        image, place = field.image, _shown(field)
        released = next((each for each in policy.images if same_repository(image, each.image)), None)
        if released is None:
            continue
        digest = image.partition("@")[2]
        if not _DIGEST.match(digest):
            yield f"{kind} {name}: {place} runs {released.image} not by digest"
        elif digest != released.digest:
            yield f"{kind} {name}: {place} runs {digest[:19]}…, but release.yaml says {released.digest[:19]}…"


def unused_image_problem(manifests: Sequence[Manifest], policy: AdmissionPolicy) -> str | None:
    """The problem that no object uses an image of the release; None when each is used, or none is there."""
    if not policy.images:
        return None
    named = {field.image for each in manifests for field in image_fields(each, policy.image_rules)}
    for released in policy.images:
        if not any(same_repository(image, released.image) for image in named):
            return f"no container runs the app's image {released.image}, though it is released here"
    return None


def _shown(field: ImageField) -> str:
    if field.is_of_container and field.owner:
        return f"container {field.owner[:100]!r}"
    return build(field.path)[:200]
