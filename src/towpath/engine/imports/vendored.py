"""Entries of `vendor.yaml` for what an import does not have."""

from collections.abc import Mapping
from typing import Any

from towpath.errors import ConfigError
from towpath.formats.versions import LATEST, VENDOR, VERSION_KEY
from towpath.vendor.model import parse_vendor_file
from towpath.yamltext.writer import dump


def check_vendored(entry: Mapping[str, Any]) -> None:
    """Raise ConfigError, which quotes no URL, for what may not be in `vendor.yaml`."""
    try:
        parse_vendor_file(dump({VERSION_KEY: LATEST, "vendor": [dict(entry)]}, file=VENDOR), VENDOR)
    except ConfigError as error:
        message = error.problems[0].message.replace("vendor[0].", "")
        raise ConfigError(message, file=VENDOR) from error
