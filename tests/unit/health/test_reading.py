import pytest

from towpath.health.report import assess_text

READY = "apiVersion: e.com/v1\nkind: W\nmetadata: {name: %s}\nstatus: {phase: Ready}\n"


def verdicts(text: str) -> list[tuple[str, str]]:
    return [(each.ref.name, str(each.health.status)) for each in assess_text(text, "x.yaml", {})]


@pytest.mark.parametrize(
    "text",
    [
        READY % "a" + "---\n" + READY % "b",
        "# first\n---\n---\n" + READY % "a" + "...\n---\n" + READY % "b",
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: e.com/v1, kind: W, metadata: {name: a}, status: {phase: Ready}}\n"
        "- {apiVersion: e.com/v1, kind: W, metadata: {name: b}, status: {phase: Ready}}\n",
        "apiVersion: e.com/v1\nkind: WList\nitems:\n"
        "- {metadata: {name: a}, status: {phase: Ready}}\n- {metadata: {name: b}, status: {phase: Ready}}\n",
        '{"apiVersion": "e.com/v1", "kind": "W", "metadata": {"name": "a"}, "status": {"phase": "Ready"}}\n'
        '{"apiVersion": "e.com/v1", "kind": "W", "metadata": {"name": "b"}, "status": {"phase": "Ready"}}\n',
        (READY % "a" + "---\n" + READY % "b").replace("\n", "\r\n"),
    ],
    ids=["documents", "comments", "List", "typed list", "JSON lines", "CRLF"],
)
def test_every_form_that_tools_print(text: str) -> None:
    assert verdicts(text) == [("a", "Healthy"), ("b", "Healthy")]


def test_a_key_that_stands_twice_does_not_hide_the_object() -> None:
    assert verdicts(READY % "a" + "status: {phase: Failed}\n") == [("a", "Degraded")]


def test_what_cannot_be_read_is_unknown_in_its_place() -> None:
    text = READY % "a" + "---\nkind: [\n---\n" + READY % "b"
    assert verdicts(text) == [("a", "Healthy"), ("", "Unknown"), ("b", "Healthy")]
