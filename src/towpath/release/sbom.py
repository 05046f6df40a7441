"""The bill of materials (SBOM) of an image, in CycloneDX: what Trivy lists, about the image by its digest.

The same image gives the same text but for its time: Trivy draws some references, and their order, anew each
time. Vulnerabilities are left out: those are of a day, and not of the image.
"""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://towpath.dev/sbom")


def sbom_of(listed: Mapping[str, Any], image: str, digest: str) -> dict[str, Any]:
    """What Trivy lists, as the bill of materials of `image` (its name without tag) with that digest."""
    metadata = listed.get("metadata") or {}
    described = {**(metadata.get("component") or {"type": "container"}), **_identity(image, digest)}
    parts = listed.get("components") or []
    names = _stable_names([described, *parts])
    document = {
        **{key: value for key, value in listed.items() if key not in ("vulnerabilities", "serialNumber")},
        "metadata": {**metadata, "component": _renamed(described, names)},
        "components": sorted((_renamed(each, names) for each in parts), key=_text),
        "dependencies": sorted(
            (_linked(each, names) for each in listed.get("dependencies") or []), key=_text
        ),
    }
    content = {**document, "metadata": {**document["metadata"], "timestamp": None}}
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, _text(content))}"}


def summary_of(document: Mapping[str, Any]) -> str:
    """`312 parts, CycloneDX 1.6`"""
    count = len(document.get("components") or [])
    return f"{count} part{'' if count == 1 else 's'}, CycloneDX {document.get('specVersion') or '?'}"


def _identity(image: str, digest: str) -> dict[str, str]:
    name, where = image.rpartition("/")[2], quote(image, safe="/")
    purl = f"pkg:oci/{name}@{quote(digest, safe='')}?repository_url={where}"
    return {"name": image, "version": digest, "purl": purl}


def _stable_names(parts: list[Mapping[str, Any]]) -> dict[str, str]:
    """A reference that Trivy drew -> one that is made of what it names."""
    names: dict[str, str] = {}
    seen: dict[str, int] = {}
    for part in parts:
        reference = str(part.get("bom-ref") or "")
        if _UUID.fullmatch(reference):
            content = _text({key: value for key, value in part.items() if key != "bom-ref"})
            seen[content] = seen.get(content, 0) + 1
            names[reference] = str(uuid.uuid5(_NAMESPACE, f"{content}{seen[content]}"))
    return names


def _renamed(part: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    reference = part.get("bom-ref")
    return {**part, "bom-ref": names.get(reference, reference)} if reference else dict(part)


def _linked(dependency: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    on = dependency.get("dependsOn") or []
    reference = str(dependency.get("ref"))
    return {"ref": names.get(reference, reference), "dependsOn": sorted(names.get(each, each) for each in on)}


def _text(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
