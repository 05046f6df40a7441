"""Release evidence in the registry: attached to each image of a release, and proven for one."""

from datetime import datetime

from towpath.adapters.evidence.referrers import put_bundle, read_bundles
from towpath.errors import EvidenceError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.signing import sign_release
from towpath.evidence.statement import RELEASE_TYPE, ReleaseEvidence
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.evidence.verification import AskedRelease, VerifiedRelease, find_release


def attach_release(evidence: ReleaseEvidence, key: PrivateKey) -> tuple[str, ...]:
    """Sign the evidence and attach it to each image; the digests of the artifacts. Again changes nothing."""
    bundle = sign_release(evidence, key)
    return tuple(
        put_bundle(image.name, image.digest, bundle, RELEASE_TYPE, evidence.finished_at)
        for image in evidence.images
    )


def prove_release(image: str, asked: AskedRelease, trusted: TrustedKeys, now: datetime) -> VerifiedRelease:
    """The newest evidence about exactly what is asked, by one of its builders; EvidenceError without any.

    TransientError when the registry does not answer: that is no missing evidence.
    """
    found = read_bundles(image, asked.digest, RELEASE_TYPE)
    try:
        return find_release(found.bundles, trusted, asked, now)
    except EvidenceError as error:
        if not found.problems:
            raise
        message = f"{error.message} ({len(found.problems)} could not be read: {found.problems[0]})"
        raise type(error)(message, remedy=error.remedy) from error
