"""Ports that nothing listens at, for programs that are told theirs."""

import random
from collections.abc import Collection

from towpath.local.common.ports import is_busy

NEVER_GIVEN_AWAY = range(12_000, 30_000)
"""Linux gives higher ones to connections, and to who asks for any: these stay free until a program runs."""


def free_port(other_than: Collection[int] = ()) -> int:
    """A random one of them."""
    return next(
        port
        for port in iter(lambda: random.choice(NEVER_GIVEN_AWAY), None)
        if port not in other_than and not is_busy(port)
    )
