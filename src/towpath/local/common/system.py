"""What differs between operating systems."""

import os


def effective_user() -> int:
    """The id of the user that this process acts for, 0 for root; -1 on Windows, which has none."""
    return os.geteuid() if hasattr(os, "geteuid") else -1
