import json
import time

from hypothesis import given
from hypothesis import strategies as st

from towpath.applyset.plan import MAX_WIDTH, Plan, PlanEntry, fenced_block
from towpath.kube.diff import Difference
from towpath.objects import ObjectRef

CHANGED = PlanEntry(ObjectRef("", "ConfigMap", "dev", "a"), "configure", (Difference("/data/a", "1", "2"),))
SAME = PlanEntry(ObjectRef("", "Secret", "dev", "b"), "unchanged")
GONE = PlanEntry(ObjectRef("", "ConfigMap", "dev", "c"), "delete", reason="no longer in Git")


def plan(*entries: PlanEntry) -> Plan:
    return Plan("hello", "dev", entries, "sha256:1")


def test_summary_and_changes() -> None:
    assert plan(CHANGED, SAME, GONE).summary() == "hello in dev: 1 to configure, 1 to delete (3 objects)"
    assert plan(CHANGED, SAME, GONE).changes == (CHANGED, GONE)
    assert plan(SAME).summary() == "hello in dev: nothing to do (1 object)"
    assert plan(SAME).to_markdown() == "hello in dev: nothing to do (1 object)\n"


def test_markdown_is_a_diff() -> None:
    assert plan(CHANGED, SAME, GONE).to_markdown() == (
        "hello in dev: 1 to configure, 1 to delete (3 objects)\n\n"
        "```diff\n"
        "~ ConfigMap dev/a\n"
        '-   /data/a: "1"\n'
        '+   /data/a: "2"\n'
        "- ConfigMap dev/c  (no longer in Git)\n"
        "```\n"
    )


def test_a_brief_begins_with_what_is_deleted_and_says_what_it_leaves_out() -> None:
    whole = ("hello in dev: 1 to configure, 1 to delete (3 objects)", "- ConfigMap dev/c  (no longer in Git)")
    whole += ("~ ConfigMap dev/a", '-   /data/a: "1"', '+   /data/a: "2"')
    assert plan(CHANGED, SAME, GONE).brief(4) == whole
    assert plan(CHANGED, SAME, GONE).brief(2) == (*whole[:3], "and 2 more lines")
    assert plan(SAME).brief(0) == ("hello in dev: nothing to do (1 object)",)


def test_a_brief_cuts_long_lines() -> None:
    long = Difference("/data/" + "a" * 200, "1", "2")
    changed = PlanEntry(ObjectRef("", "ConfigMap", "dev", "a"), "configure", (long,))
    assert max(map(len, plan(GONE, changed).brief(9))) == MAX_WIDTH


def test_content_cannot_leave_its_block() -> None:
    assert fenced_block("```\n# title").startswith("````diff\n")


@given(st.permutations([CHANGED, SAME, GONE]))
def test_equal_plans_give_equal_bytes(entries) -> None:
    assert plan(*entries) == plan(*entries)
    assert json.dumps(plan(*entries).to_json()) == json.dumps(plan(*entries).to_json())


def test_a_fence_is_longer_than_any_in_the_text_and_found_at_once() -> None:
    assert fenced_block("a ``` b") == "````diff\na ``` b\n````"
    begun = time.process_time()
    assert fenced_block("`" * 1_000_000).startswith("`" * 1_000_001 + "diff")
    assert time.process_time() - begun < 2
