"""Shell completion of app and environment names from the newest cached checkout: no network, no Prefect."""

import os
from collections.abc import Iterable
from pathlib import Path

import click
import yaml
from click.shell_completion import CompletionItem

from towpath.settings import Settings


def complete_app(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of apps that begin with what is typed."""
    return _items(_known("apps"), incomplete)


def complete_environment(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of environments that begin with what is typed."""
    return _items(_known("environments"), incomplete)


def complete_app_or_environment(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Both, where an environment may stand alone."""
    return _items([*_known("environments"), *_known("apps")], incomplete)


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _known(key: str) -> list[str]:
    """Completion never fails and never waits: nothing cached, nothing offered."""
    try:
        found = yaml.safe_load(_newest().read_text())[key]
        return [str(each["name"]) if isinstance(each, dict) else str(each) for each in found]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return []


def _newest() -> Path:
    checkouts = Settings.load(os.environ).cache / "checkouts"
    return max(checkouts.glob("*/*/towpath.yaml"), key=lambda file: file.parent.stat().st_mtime)
