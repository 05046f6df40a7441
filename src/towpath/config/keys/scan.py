"""The models of `scan` in `towpath.yaml`: what an image must not have."""

from datetime import date
from typing import Literal

from towpath.config.keys.fields import Model, Severity, Text


class ScanIgnore(Model):
    """A finding that does not block until a date, with the reason."""

    id: Text
    until: date
    reason: Text


class ScanPolicy(Model):
    """The scanners of an image, and the findings that block it."""

    scanners: tuple[Literal["secret", "vuln", "misconfig"], ...] = ("secret", "vuln")
    block: tuple[Severity, ...] = ("CRITICAL", "HIGH")
    ignore: tuple[ScanIgnore, ...] = ()
    end_of_life: Literal["block", "allow"] = "block"
    """An operating system that gets no security updates any more; asked when `vuln` is among the scanners."""
