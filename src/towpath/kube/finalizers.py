"""Says since when an object is being deleted, and what holds that up."""

from collections.abc import Mapping
from typing import Any


def termination(metadata: Mapping[str, Any]) -> str:
    """`is being deleted since 2026-01-31T10:00:00Z, and waits for its finalizers: example.com/backup`."""
    since = metadata.get("deletionTimestamp")
    text = f"is being deleted since {since}" if since else "is being deleted"
    finalizers = ", ".join(metadata.get("finalizers") or ())
    return f"{text}, and waits for its finalizers: {finalizers}" if finalizers else text
