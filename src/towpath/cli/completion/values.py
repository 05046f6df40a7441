"""Shell completion of people, releases, keys, components and kinds: from files of this machine alone.

As for apps and environments nothing is waited for: where nothing is known, nothing is offered.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from towpath.cli.completion.known_runs import known_runs
from towpath.cli.completion.names import CONFIG_FILE, newest_checkout
from towpath.errors import TowpathError
from towpath.settings import Settings
from towpath.yamltext.config_reader import read_document

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
RESTARTABLE = ("deployment/", "statefulset/", "daemonset/")
TRACED = ("configmap/", "deployment/", "ingress/", "job/", "pod/", "secret/", "service/", "statefulset/")
VENDOR_FILE = "vendor.yaml"


def completion(names: Callable[[click.Context], Iterable[str]]) -> Complete:
    """A completion of what `names` finds; what cannot be read offers nothing."""

    @wraps(names)
    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            found = dict.fromkeys(map(str, names(ctx)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, TowpathError):
            return []
        return [CompletionItem(name) for name in found if name.startswith(incomplete)]

    return complete


@completion
def complete_approver(_ctx: click.Context) -> Iterator[str]:
    """People of towpath.yaml, and who else may approve anywhere."""
    config = _config()
    yield from config.get("people") or {}
    for environment in config.get("environments") or ():
        yield from (environment.get("gate") or {}).get("approvals", {}).get("from") or ()


@completion
def complete_owner(_ctx: click.Context) -> Iterator[str]:
    """Who may sign the policy, by the keys that this machine trusts."""
    from towpath.adapters.evidence.key_files import read_trusted_keys
    from towpath.evidence.trusted_keys import POLICY

    file = Settings.load(os.environ).trusted_keys
    for entry in read_trusted_keys(file).entries if file else ():
        if entry.may_sign(POLICY):
            yield from entry.principals


@completion
def complete_key_name(ctx: click.Context) -> Iterator[str]:
    """Whose keys the folder trusts."""
    from towpath.adapters.evidence.key_files import KeyFolder
    from towpath.evidence.trusted_keys import parse_trusted_keys

    folder = ctx.params.get("folder")
    keys = KeyFolder(Path(folder) if folder else Settings.load(os.environ).keys)
    for entry in parse_trusted_keys(keys.trusted_text(), str(keys.trusted_file)).entries:
        yield from entry.principals


@completion
def complete_release(ctx: click.Context) -> Iterator[str]:
    """The releases of the app that Git names in any environment: ids."""
    from towpath.release.model import ReleaseImage, id_of_images

    for release in _releases(ctx):
        if isinstance(release.get("images"), dict):
            images = (ReleaseImage(name, **each) for name, each in release["images"].items())
            yield id_of_images(tuple(images))
        elif "digest" in release:
            yield str(release["digest"])


@completion
def complete_image(ctx: click.Context) -> Iterator[str]:
    """The repositories of the app's images, of several with their names, up to the digest."""
    app = (_config().get("apps") or {})[_argument(ctx, "app")]
    images = app.get("images")
    if not isinstance(images, dict):
        yield f"{app['image']}@sha256:"
        return
    yield from (f"{name}={image}@sha256:" for name, image in images.items())


@completion
def complete_commit(ctx: click.Context) -> Iterator[str]:
    """The commits from which those releases were built."""
    return (str(release["commit"])[:12] for release in _releases(ctx))


@completion
def complete_former_release(ctx: click.Context) -> Iterator[str]:
    """The releases that the app had in the environment before, as the last fetched history tells."""
    from towpath.engine.source.history import release_history
    from towpath.engine.source.repository import last_repository

    repo = last_repository(Settings.load(os.environ))
    app, environment = _argument(ctx, "app"), _argument(ctx, "environment")
    return (entry.release.id for entry in release_history(repo.checkout, repo.config, app, environment)[1:])


def complete_run(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Runs that verbs have shown last; shells that can show their names."""
    runs = known_runs(Settings.load(os.environ))
    return [CompletionItem(run.id, help=run.name) for run in runs if run.id.startswith(incomplete)]


def complete_waiting_run(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Of those, the ones that waited for a person, of the app that is named."""
    try:
        app = _argument(ctx, "app")
    except KeyError:
        return []
    return [
        CompletionItem(run.id, help=run.name)
        for run in known_runs(Settings.load(os.environ))
        if run.waits and run.app == app and run.id.startswith(incomplete)
    ]


@completion
def complete_component(_ctx: click.Context) -> Iterator[str]:
    """Components of the local stack that have a log."""
    from towpath.local.common.layout import Layout

    return (path.stem for path in sorted(Layout(Settings.load(os.environ).local).log.glob("*.log")))


@completion
def complete_namespace(_ctx: click.Context) -> Iterator[str]:
    """Namespaces of the environments."""
    return (str(each["namespace"]) for each in _config().get("environments") or ())


@completion
def complete_vendored(ctx: click.Context) -> Iterator[str]:
    """Names in vendor.yaml."""
    data = read_document(_text(ctx, VENDOR_FILE), VENDOR_FILE).data
    yield from (str(each["name"]) for each in data.get("vendor") or ())


@completion
def complete_workload_kind(_ctx: click.Context) -> Iterable[str]:
    """Kinds whose pods can be restarted; which objects there are only the cluster knows."""
    return RESTARTABLE


@completion
def complete_kind(_ctx: click.Context) -> Iterable[str]:
    """Kinds that are often asked about."""
    return TRACED


def _argument(ctx: click.Context, name: str) -> str:
    """An argument; while an option's value is completed, click has not assigned it yet. KeyError without."""
    if ctx.params.get(name) is not None:
        return str(ctx.params[name])
    arguments = [each.name for each in ctx.command.params if isinstance(each, click.Argument)]
    return dict(zip(arguments, ctx.args, strict=False))[name]


def _text(ctx: click.Context, file: str) -> str:
    repo = ctx.params.get("repo")
    root = Path(repo) if repo else newest_checkout(Settings.load(os.environ)).parent
    return (root / file).read_text(encoding="utf-8")


def _config() -> dict[str, Any]:
    file = newest_checkout(Settings.load(os.environ))
    data: dict[str, Any] = read_document(file.read_text(encoding="utf-8"), CONFIG_FILE).data
    return data


def _releases(ctx: click.Context) -> Iterator[dict[str, Any]]:
    root = newest_checkout(Settings.load(os.environ)).parent
    for file in sorted((root / "apps" / _argument(ctx, "app")).glob("*/release.yaml")):
        yield read_document(file.read_text(encoding="utf-8"), file.name).data["release"]
