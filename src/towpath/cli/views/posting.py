"""A comparison as Markdown: printed, and posted to the pull or merge request of this CI job."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.cli.ui.planning import ComparisonMade


def show_markdown(
    compare: "Callable[[], Sequence[ComparisonMade]]", names: Sequence[str], *, post: bool
) -> tuple[bool, bool]:
    """(whether something differs, whether something could not be judged)

    `names` tell this comment from those of other comparisons. Where it is posted to is found out first:
    nothing is compared for a job that cannot post.
    """
    from towpath.adapters.forges.change_request import find_change_request
    from towpath.adapters.forges.post import Poster
    from towpath.cli.views.diff_markdown import diff_markdown
    from towpath.redact import redact

    request = find_change_request(os.environ) if post else None
    made = compare()
    text = diff_markdown(made)
    click.echo(text, nl=False)
    failed = any(each.comparison.problems for each in made)
    if request is not None:
        poster = Poster(request)
        about = " ".join(("towpath diff", *names))
        new = poster.comment(f"<!-- {about} -->", text)
        summary = redact(printable("; ".join(each.comparison.summary() for each in made)))
        poster.status("failure" if failed else "success", about, summary)
        click.echo(f"{'posted' if new else 'updated'}: the comment of {request}", err=True)
    return any(each.comparison.differs for each in made), failed
