"""Whether the bills of materials of a release's images are proven. None is asked for, so that none fails."""

from collections.abc import Iterator
from datetime import UTC, datetime

from towpath.adapters.evidence.sbom_evidence import prove_sbom
from towpath.config import App
from towpath.engine.gates.chain import Step
from towpath.engine.source.keys import BUILDER
from towpath.errors import TerminalError, TransientError
from towpath.evidence.statement import Image
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.release.model import Images
from towpath.release.sbom import summary_of

NAME = "sbom"


def sbom_steps(trusted: TrustedKeys, app: App, images: Images) -> Iterator[Step]:
    """A step for each image of a release of the app. The app's own repositories are asked, and no others."""
    only = next(iter(app.images.values())) if len(app.images) == 1 else ""
    for each in images:
        if repository := only or app.images.get(each.name):
            yield _step(trusted, Image(repository, each.digest), f"{each.name}: " if len(images) > 1 else "")


def _step(trusted: TrustedKeys, image: Image, prefix: str) -> Step:
    try:
        found = prove_sbom(image, trusted, (BUILDER,), datetime.now(UTC))
    except (TerminalError, TransientError) as error:
        return Step(NAME, "unknown", "", f"{prefix}{error.message}")
    if found is None:
        return Step(NAME, "unknown", "", f"{prefix}no bill of materials is attached to the image")
    return Step(
        NAME, "proven", f"{found.principal} {found.fingerprint}", f"{prefix}{summary_of(found.document)}"
    )
