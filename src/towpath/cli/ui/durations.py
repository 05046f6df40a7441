"""Options that are durations: `90s`, `5m`, `1h30m`, `7d`."""

from datetime import timedelta

import click


def duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> timedelta | None:
    """The value of an option as a timedelta; wrong usage for another text."""
    from towpath.config import parse_duration

    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
