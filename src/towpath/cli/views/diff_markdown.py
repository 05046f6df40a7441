"""A comparison as Markdown, for a forge: a summary first, then the changes while there is room."""

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from towpath.applyset.plan import Plan, fenced_block
from towpath.printable import pluralize, printable
from towpath.redact import redact
from towpath.redact.markdown import plain_markdown

if TYPE_CHECKING:
    from towpath.cli.ui.planning import ComparisonMade

MAX_CHARACTERS = 60_000
"""GitHub and Gitea take comments of 65,535."""
MAX_TITLE = 500
MAX_ROWS = 200
MAX_SECTION = 20_000
"""Of one app: the others shall have room, too."""
RESERVED = 300
"""For what stands around the changes."""
_ACTIONS = {"create": "create", "configure": "change", "delete": "delete", "skip": "leave"}


def diff_markdown(made: "Sequence[ComparisonMade]", limit: int = MAX_CHARACTERS) -> str:
    """At most `limit` characters. Texts that others wrote are escaped or stand in code blocks."""
    head = "\n".join([f"### {diff_title(made)}", "", *_banners(made), *_table(made), *_problems(made)])
    room = limit - len(head) - RESERVED
    if room < 0:
        return f"{head[: limit - 3]}…\n"
    different = [plan for each in made for plan in each.comparison.plans if plan.differs]
    sections: list[str] = []
    for plan in different:
        section = _section(plan, min(room, MAX_SECTION) - RESERVED)
        if len(section) > room:
            break
        sections.append(section)
        room -= len(section) + 1
    if left := len(different) - len(sections):
        sections.append(f"\n{pluralize(left, 'app')} had no room here: `towpath diff` shows all.\n")
    return "\n".join([head, *sections])


def diff_title(made: "Sequence[ComparisonMade]") -> str:
    """One line for all environments."""
    title = "; ".join(each.comparison.summary() for each in made) or "nothing to compare"
    return plain_markdown(title if len(title) <= MAX_TITLE else f"{title[:MAX_TITLE]}…")


def _banners(made: "Sequence[ComparisonMade]") -> Iterator[str]:
    for _, against in made:
        for line in against.banner():
            yield f"> {plain_markdown(line)}"
            yield ">"
    yield ""


def _table(made: "Sequence[ComparisonMade]") -> Iterator[str]:
    plans = [plan for each in made for plan in each.comparison.plans if plan.differs]
    if not plans:
        return
    yield f"| app | environment | {' | '.join(_ACTIONS.values())} |"
    yield f"|---|---|{'---|' * len(_ACTIONS)}"
    for plan in plans[:MAX_ROWS]:
        counts = [sum(entry.action == action for entry in plan.entries) for action in _ACTIONS]
        shown = " | ".join(str(count) if count else "" for count in counts)
        yield f"| {plain_markdown(plan.app)} | {plain_markdown(plan.environment)} | {shown} |"
    if len(plans) > MAX_ROWS:
        yield f"\nand {len(plans) - MAX_ROWS} more."
    yield ""


def _problems(made: "Sequence[ComparisonMade]") -> Iterator[str]:
    lines = [
        f"{f'{app} in ' if app else ''}{each.comparison.environment}: {why}"
        for each in made
        for app, why in each.comparison.problems.items()
    ]
    if lines:
        text = redact(printable("\n".join(lines)))
        yield "\n**Not judged:**\n"
        yield fenced_block(text[:MAX_SECTION] + ("…" if len(text) > MAX_SECTION else ""), "text")


def _section(plan: Plan, room: int) -> str:
    """One app, folded; its changes are cut by whole lines, of which no more are made than have room."""
    kept: list[str] = []
    more = ""
    for line in plan.diff_lines():
        shown = redact(printable(line))
        room -= len(shown) + 1
        if room < 0:
            more = f"\n\nand more: `towpath diff {plan.app} {plan.environment}` shows all."
            break
        kept.append(shown)
    body = fenced_block("\n".join(kept)) + more
    summary = html.escape(redact(printable(plan.summary())))
    return f"\n<details><summary>{summary}</summary>\n\n{body}\n\n</details>\n"
