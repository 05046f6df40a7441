"""`towpath history`: its table."""

from towpath.cli.history import table


def test_a_commits_subject_cannot_steer_the_terminal() -> None:
    assert (
        table([("WHEN", "CHANGE"), ("now", "Fix\x1b]0;title\x07 \x1b[31mit")]) == "WHEN  CHANGE\nnow   Fix it"
    )
