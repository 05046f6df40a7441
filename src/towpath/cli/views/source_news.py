"""The newest commits of the apps' sources, and how far their deliveries are."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from towpath.adapters.git import branch_head
from towpath.config import resolve_source_url
from towpath.errors import TowpathError
from towpath.orchestration import keys

if TYPE_CHECKING:
    from towpath.cli.ui.names import Environments
    from towpath.orchestration.server import Server

SOURCES_AT_ONCE = 16
SOURCE_TIMEOUT = 5.0
"""Seconds that a source has to say which commit is its newest."""


def source_heads(environments: "Environments") -> dict[str, str]:
    """App -> the newest commit of its source's branch; without those that do not answer.

    A source that several apps are built from is asked once.
    """
    settings, sources = environments.settings, {}
    for app in environments.config.apps.values():
        if app.source is not None:
            with contextlib.suppress(TowpathError):  # `towpath check` tells
                sources[app.name] = resolve_source_url(app, settings.environments_url()), app.source.branch

    def head(source: tuple[str, str]) -> str:
        try:
            return branch_head(
                *source, settings.cache, allow_file=settings.git_allow_file, timeout=SOURCE_TIMEOUT
            )
        except TowpathError:
            return ""  # who looks at environments need not have the rights to every source

    asked = sorted(set(sources.values()))
    with ThreadPoolExecutor(max(1, min(SOURCES_AT_ONCE, len(asked)))) as pool:
        heads = dict(zip(asked, pool.map(head, asked), strict=True))
    return {app: heads[source] for app, source in sources.items() if heads[source]}


def delivery_of(server: "Server", app: str, commit: str) -> str:
    """How far the newest delivery of a commit is, which the first environment does not run."""
    tags = [keys.app_tag(app), keys.commit_tag(commit[:7])]
    run = next(
        (run for run in server.find(keys.DELIVER, tags=tags) if run.parameters.get("revision") == commit),
        None,
    )
    if run is None:
        return "its delivery was not asked for"
    if not run.over:
        return f"its delivery is {run.state.lower()}: {server.url(run)}"
    return f"its delivery {'succeeded' if run.succeeded else 'failed'}: {server.url(run)}"
