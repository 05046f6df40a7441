"""Shell completion of app and environment names: no network, no Prefect.

They come from the folder that `--repo` names, or from the environment repository's newest cached checkout.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from towpath.errors import TowpathError
from towpath.settings import Settings
from towpath.yamltext.config_reader import read_document

CONFIG_FILE = "towpath.yaml"
_KUBECONFIG = "~/.kube/config"


def complete_app(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of apps that begin with what is typed."""
    return _items(_known("apps", _repo(ctx)), incomplete)


def complete_environment(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of environments that begin with what is typed."""
    return _items(_known("environments", _repo(ctx)), incomplete)


def complete_app_or_environment(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Both, where an environment may stand alone."""
    return _items([*_known("environments", _repo(ctx)), *_known("apps", _repo(ctx))], incomplete)


def complete_context(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Contexts of the kubeconfig, as kubectl has them; its clusters are not asked."""
    return _items(contexts(Settings.load(os.environ)), incomplete)


def contexts(settings: Settings) -> list[str]:
    """Contexts of the kubeconfig that this machine names, each once."""
    files = [part for part in (settings.kubeconfig or _KUBECONFIG).split(os.pathsep) if part]
    return list(dict.fromkeys(name for file in files for name in _contexts(file)))


def _contexts(file: str) -> list[str]:
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8")
        return [str(each["name"]) for each in read_document(text, file).data["contexts"]]
    except (OSError, ValueError, KeyError, TypeError, TowpathError):
        return []


def _repo(ctx: click.Context) -> Path | None:
    repo = ctx.params.get("repo")
    return Path(repo) if repo else None


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _known(key: str, repo: Path | None) -> list[str]:
    """Completion never fails and never waits: nothing cached, nothing offered."""
    try:
        file = repo / CONFIG_FILE if repo else newest_checkout(Settings.load(os.environ))
        found = read_document(file.read_text(), CONFIG_FILE).data[key]
        return [str(each["name"]) if isinstance(each, dict) else str(each) for each in found]
    except (OSError, ValueError, KeyError, TypeError, TowpathError):
        return []


def newest_checkout(settings: Settings) -> Path:
    """towpath.yaml in the newest checkout of the repository that a verb would fetch."""
    from towpath.adapters.git import checkouts_of

    checkouts = checkouts_of(settings.environments_url(), settings.cache, allow_file=settings.git_allow_file)
    return max(checkouts.glob(f"*/{CONFIG_FILE}"), key=lambda file: file.parent.stat().st_mtime)
