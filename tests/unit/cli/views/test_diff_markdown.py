"""A comparison as Markdown: the summary first, capped, and nothing of others' texts acts."""

from datetime import UTC, datetime, timedelta

import pytest

from towpath.applyset.plan import Plan, PlanEntry
from towpath.cli.ui.planning import ComparisonMade
from towpath.cli.ui.published import CLUSTER, Against
from towpath.cli.views.diff_markdown import MAX_CHARACTERS, diff_markdown
from towpath.drift.published import PublishedState
from towpath.engine.reconcile.diff import Comparison
from towpath.engine.source.published import Published
from towpath.kube.diff import Difference
from towpath.objects import ObjectRef
from towpath.redact import forget_secret, remember_secret


def plan(app: str, *entries: PlanEntry, environment: str = "prod") -> Plan:
    return Plan(app, environment, entries, "")


def entry(name: str, value: str = "2", action: str = "configure", reason: str = "") -> PlanEntry:
    ref = ObjectRef("", "ConfigMap", "prod", name)
    found = (Difference("/data/A", "1", value),) if action == "configure" else ()
    return PlanEntry(ref, action, found, reason)  # type: ignore[arg-type]


def made(*plans: Plan, against: Against = CLUSTER, **problems: str) -> list[ComparisonMade]:
    return [ComparisonMade(Comparison("prod", plans, problems), against)]


def test_the_summary_comes_first_then_a_table_then_the_changes() -> None:
    text = diff_markdown(made(plan("hello", entry("a"), entry("b", action="delete")), plan("same")))
    first, _, *rest = text.splitlines()
    assert first == "### prod: 1 of 2 apps differ: hello"
    assert "| app | environment | create | change | delete | leave |" in rest
    assert "| hello | prod |  | 1 | 1 |  |" in rest
    assert text.index("- ConfigMap prod/b") < text.index("~ ConfigMap prod/a")
    assert '+   /data/A: "2"' in text
    assert "same" not in text


def test_nothing_differs() -> None:
    assert diff_markdown(made(plan("hello"))).strip() == "### prod: 0 of 1 apps differ"


def test_it_says_with_what_it_compared() -> None:
    at = datetime.now(UTC).isoformat()
    found = Published(PublishedState("prod", at, "c" * 40), "d" * 40, "", timedelta(hours=2))
    text = diff_markdown(made(plan("hello"), against=Against(found)))
    assert (
        "> compared with what prod's agent published 2 h ago (commit ccccccc), not with the cluster" in text
    )
    assert "> warning: it is 2 h old" in text


def test_what_could_not_be_judged_is_told() -> None:
    text = diff_markdown(made(plan("hello"), other="no such file"))
    assert "**Not judged:**" in text
    assert "other in prod: no such file" in text


@pytest.mark.parametrize("number", [1, 30, 3000])
def test_it_never_grows_beyond_what_forges_take(number: int) -> None:
    plans = [plan(f"app{n}", *(entry(f"c{m}", "x" * 190) for m in range(300))) for n in range(number)]
    text = diff_markdown(made(*plans))
    assert len(text) <= MAX_CHARACTERS
    assert text.startswith(f"### prod: {number} of {number} apps differ")
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0
    assert "and more: `towpath diff app0 prod` shows all." in text
    assert ("had no room here" in text) is (number > 1)


def test_what_has_no_room_at_all_keeps_its_beginning() -> None:
    text = diff_markdown(made(**{f"app{n}": "x" * 100 for n in range(5000)}))
    assert len(text) <= MAX_CHARACTERS
    assert text.startswith("### prod: 0 of 0 apps differ; not judged: app0")


@pytest.mark.parametrize(
    "text",
    [
        "</summary><script>alert(1)</script>",
        "@everyone",
        "```\n# big",
        "[a](javascript:1)",
        "| x |",
        "<!-- towpath diff -->",
    ],
)
def test_texts_of_others_do_not_act(text: str) -> None:
    shown = diff_markdown(made(plan("hello", entry("a", value=text, reason=text)), **{"other": text}))
    outside = []
    fence = ""
    for line in shown.splitlines():
        if fence:
            fence = "" if line.strip() == fence else fence
        elif line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        else:
            outside.append(line)
    assert not fence
    rest = "\n".join(outside)
    assert [
        each for each in ("<script", "@everyone", "\n# big", "](javascript", "<!--") if each in rest
    ] == []


def test_an_app_with_an_odd_name_is_escaped() -> None:
    text = diff_markdown(made(plan("a|b<i>", entry("a"))))
    assert "| a\\|b\\<i\\> | prod" in text
    assert "<summary>a|b&lt;i&gt; in prod" in text


def test_secrets_are_masked() -> None:
    remember_secret("hunter2-hunter2")
    try:
        text = diff_markdown(made(plan("hello", entry("a", "hunter2-hunter2")), other="hunter2-hunter2"))
    finally:
        forget_secret("hunter2-hunter2")
    assert "hunter2" not in text
