"""The shape of the tables."""

from collections.abc import Callable

from towpath.health.verdict import Health
from towpath.objects import Manifest

Row = str | Callable[[Manifest], Health]
Rows = dict[str, dict[str, Row]]
"""API group -> kinds, separated by spaces -> row in the language of `health/rows.py`, or a function.

Kind `*` stands for every other kind of the group; a group `*.example.com` for every group that ends so.
"""
