"""Is a live object healthy? One lookup table from kind to a pure function."""

from towpath.health.assess import assess
from towpath.health.verdict import Health, ObjectHealth, Status

__all__ = ["Health", "ObjectHealth", "Status", "assess"]
