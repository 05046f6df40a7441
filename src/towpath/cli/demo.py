"""`towpath demo`: play the story on the local stack."""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from towpath.demo.story import Stage
    from towpath.demo.world import Tell
    from towpath.settings import Settings

CHAPTERS = ("deliver", "drift", "broken", "leaked", "forged", "disaster")


@click.command()
@click.option(
    "--keep/--no-keep",
    default=None,
    help="Leave the stack running afterwards. Default: yes on a terminal, no elsewhere.",
)
@click.option(
    "--chapter", "chapters", multiple=True, type=click.Choice(CHAPTERS), help="Play only these chapters."
)
def command(keep: bool | None, chapters: tuple[str, ...]) -> None:
    """Play the story: a commit goes to production, and four things go wrong.

    \b
    Brings the local stack up first, if it is not; a stack that was up stays up. From a checkout
    `make demo ARGS=--in-cluster` plays it on an installation in a cluster, all parts in pods.
    Examples:
      towpath demo
      towpath demo --chapter deliver --chapter disaster
      towpath demo --no-keep
    """
    from towpath.local.common.layout import Layout
    from towpath.settings import Settings

    was_up = Layout(Settings.load(os.environ).local).settings.exists()
    stays = was_up or (sys.stdout.isatty() if keep is None else keep)
    _local("up")
    try:
        _play(Settings.load(os.environ), chapters or CHAPTERS)
    finally:
        if not stays:
            _local("down")
    if stays:
        _whats_next(Settings.load(os.environ))


def _play(settings: "Settings", chapters: tuple[str, ...]) -> None:
    from towpath.demo.story import Stage
    from towpath.demo.world import World
    from towpath.local.common.stack import PROJECT

    world = World.connect(settings, settings.cache / "demo")
    play(lambda tell, progress: Stage(world, PROJECT / "examples", tell, progress), chapters)


def play(staged: "Callable[[Tell, Tell], Stage]", chapters: tuple[str, ...]) -> None:
    """Play the chapters, each on what `staged` makes of outputs for evidence and for progress."""
    from towpath.demo.story import CHAPTERS as STORY
    from towpath.progress import format_seconds

    began = time.monotonic()
    for number, name in enumerate(chapters, start=1):
        title, chapter = STORY[name]
        click.secho(f"\n{number}. {title}", bold=True)
        chapter_began = time.monotonic()
        chapter(staged(_evidence(chapter_began), _progress))
        click.secho(f"   done in {format_seconds(time.monotonic() - chapter_began)}", dim=True)
    click.secho(f"\nThe story took {format_seconds(time.monotonic() - began)}.", bold=True)


def _evidence(began: float) -> "Tell":
    def tell(text: str) -> None:
        mark = click.style("$", fg="cyan") if text.startswith("$ ") else click.style("✓", fg="green")
        click.echo(f"  {time.monotonic() - began:6.1f} s  {mark} {text.removeprefix('$ ')}")

    return tell


def _progress(line: str) -> None:
    click.secho(f"              {line.rstrip()}", dim=True)


def _local(verb: str) -> None:
    from towpath.cli.local import command as local

    local.main([verb], standalone_mode=False)


def _whats_next(settings: "Settings") -> None:
    ui = (settings.prefect_api_url or "").removesuffix("/api")
    source = Path(settings.environments or "").parent / "hello.git"
    click.echo(
        f"""
Look around:
  {ui}  every run, its plan and its approval form
  towpath status                   who runs what, where
  towpath history hello            who promoted what, when, approved by whom
Try next:
  git clone {source} && cd hello   change the page, commit, push, then:
  towpath deliver hello
  eval "$(towpath local env)"      kubectl, docker and git for the stack
  towpath local down --purge       take everything away"""
    )
