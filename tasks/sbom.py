"""Bills of materials (SBOM) of images: made of their scan, signed, attached. No release fails without one."""

from collections.abc import Mapping
from typing import Any

from prefect.logging import get_run_logger

from tasks.runs.step import is_last_try, settings
from towpath.adapters.evidence.sbom_evidence import attach_sbom
from towpath.adapters.images import trivy
from towpath.engine.source.keys import load_signing_key
from towpath.errors import TerminalError, TransientError
from towpath.evidence.json_text import canonical, parse_object
from towpath.evidence.sbom_statement import MAX_SBOM_BYTES
from towpath.evidence.statement import Image
from towpath.redact import redact
from towpath.release.model import Images, ReleaseImage
from towpath.release.sbom import sbom_of, summary_of

NONE = "none: the log says why"


def parts_of(name: str, report: Mapping[str, Any]) -> bytes:
    """What is in the image called `name`, made of its scan's report; empty where Trivy cannot list it."""
    try:
        return canonical(trivy.list_parts(trivy.find_trivy(settings()), report))
    except (TerminalError, TransientError) as error:
        _warn(name, error)
        return b""


def attach_sboms(images: Images, parts: Mapping[str, bytes]) -> dict[str, str]:
    """Attach a signed bill of materials to each image; by name what each has, for the release's report.

    TransientError where the registry does not answer, as long as the step is tried again.
    """
    return {each.name: _attach(each, parts.get(each.name, b"")) for each in images}


def _attach(image: ReleaseImage, parts: bytes) -> str:
    if not parts:
        return NONE
    try:
        listed = parse_object(parts, "what Trivy lists", largest=MAX_SBOM_BYTES)
        document = sbom_of(listed, image.image, image.digest)
        attach_sbom(Image(image.image, image.digest), document, load_signing_key(settings()))
    except TransientError as error:
        if not is_last_try():
            raise
        _warn(image.name, error)
        return NONE
    except TerminalError as error:
        _warn(image.name, error)
        return NONE
    return summary_of(document)


def _warn(name: str, error: TerminalError | TransientError) -> None:
    get_run_logger().warning("image %s gets no bill of materials: %s", name, redact(error.message))
