"""Which images objects name, and whether the app's own image has the digest of its release."""

import re
from collections.abc import Iterator, Sequence

from towpath.admission.policy import AdmissionPolicy
from towpath.kube.image_fields import ImageField, image_fields
from towpath.kube.pointer import build
from towpath.objects import Manifest
from towpath.release.image_ref import same_repository

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def image_problems(manifest: Manifest, policy: AdmissionPolicy) -> Iterator[str]:
    """A sentence for each use of the app's image that is not the digest of its release."""
    if not policy.image or not policy.digest:
        return
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    for field in image_fields(manifest, policy.image_rules):
        image, place = field.image, _shown(field)
        if not same_repository(image, policy.image):
            continue
        digest = image.partition("@")[2]
        if not _DIGEST.match(digest):
            yield f"{kind} {name}: {place} runs {policy.image} not by digest"
        elif digest != policy.digest:
            yield (f"{kind} {name}: {place} runs {digest[:19]}…, but release.yaml says {policy.digest[:19]}…")


def unused_image_problem(manifests: Sequence[Manifest], policy: AdmissionPolicy) -> str | None:
    """The problem that no object uses the image of the release; None when one does, or none is released."""
    if not policy.image or not policy.digest:
        return None
    fields = (field for manifest in manifests for field in image_fields(manifest, policy.image_rules))
    if any(same_repository(field.image, policy.image) for field in fields):
        return None
    return f"no container runs the app's image {policy.image}, though it is released here"


def _shown(field: ImageField) -> str:
    if field.is_of_container and field.owner:
        return f"container {field.owner[:100]!r}"
    return build(field.path)[:200]
