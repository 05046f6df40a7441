"""Bills of materials in the registry: attached to each image beside its evidence, and proven for one."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from towpath.adapters.evidence.referrers import put_bundle, read_bundles
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.sbom_statement import (
    MAX_SBOM_BUNDLE_BYTES,
    SBOM_TYPE,
    VerifiedSbom,
    find_sbom,
    sign_sbom,
)
from towpath.evidence.statement import Image
from towpath.evidence.trusted_keys import TrustedKeys


def attach_sbom(image: Image, document: Mapping[str, Any], key: PrivateKey) -> str:
    """Sign the document and attach it to the image; the digest of the artifact. Again changes nothing.

    Raises EvidenceError when it is too large, else as `put_bundle`.
    """
    bundle = sign_sbom(image, document, key)
    return put_bundle(image.name, image.digest, bundle, SBOM_TYPE, largest=MAX_SBOM_BUNDLE_BYTES)


def prove_sbom(
    image: Image, trusted: TrustedKeys, builders: Collection[str], now: datetime
) -> VerifiedSbom | None:
    """The newest one of the image that one of `builders` has signed; None when there is none.

    EvidenceError when there are some and none holds, TransientError when the registry does not answer.
    """
    found = read_bundles(image.name, image.digest, SBOM_TYPE, largest=MAX_SBOM_BUNDLE_BYTES)
    return find_sbom(found.bundles, trusted, image.digest, builders, now)
