"""Each cell of the table of waivers, both ways: what is asked refuses, what is waived does not."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gates.test_evaluate import CONFIG, NOW, RELEASE, there
from towpath.config import parse_config
from towpath.gates.evaluate import Facts, evaluate_gate
from towpath.gates.pause import Pause
from towpath.gates.waivers import CHECKS, WAIVERS, Check, Ruling
from towpath.gates.ways import WAYS, Way
from towpath.release.model import ScanSummary
from towpath.release.quarantine import QuarantineEntry

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "admission.md"
ASKS_ALL = parse_config(
    CONFIG.replace(
        "gate: {approvals: {required: 2", "gate: {verifiedIn: dev, soak: 10m, approvals: {required: 1"
    )
)
GOOD = Facts(
    ASKS_ALL,
    "prod",
    RELEASE,
    NOW,
    states={"dev": there()},
    here=replace(there(), approved_by=("alice",)),
)
"""Everything holds, but for an approval that somebody gives now."""
BAD: dict[Check, tuple[dict[str, Any], str]] = {
    "evidence": ({"unproven": "there is no release evidence"}, "there is no release evidence"),
    "scan": (
        {"release": replace(RELEASE, scan=ScanSummary("blocked", ("secret",)))},
        "is blocked by its scan",
    ),
    "quarantine": (
        {"quarantine": (QuarantineEntry(RELEASE.id, "never ready", "2025-12-31"),)},
        "is quarantined since",
    ),
    "pause": ({"pauses": (Pause("", "2026-01-01T13:00:00+00:00", "migration"),)}, "prod is paused"),
    "verified here": (
        {"here": replace(there(verified_at=None), approved_by=("alice",))},
        "was verified there",
    ),
    "order": ({"states": {"dev": None}}, "nothing is released there"),
    "soak": ({"states": {"dev": there(verified_at="2026-01-01T11:59:00Z")}}, "must soak in dev"),
    "approvals": ({"here": there()}, "asks for 1 approvals, and hello bbbbbbb had none when it came in"),
}
"""By check: what makes it alone fail, and what is said then."""
CELLS = [(way, check, WAIVERS[way][check]) for way in WAYS for check in CHECKS]


def test_every_way_rules_on_every_check_in_the_same_order() -> None:
    assert tuple(WAIVERS) == WAYS
    for way in WAYS:
        assert tuple(WAIVERS[way]) == CHECKS


@pytest.mark.parametrize("way", WAYS)
def test_where_everything_holds_only_approvals_that_are_asked_now_are_missing(way: Way) -> None:
    verdict = evaluate_gate(way, GOOD)
    assert (verdict.reasons, verdict.told) == ((), ())
    assert verdict.missing_approvals == (1 if WAIVERS[way]["approvals"] == "asked" else 0)
    assert verdict.open == (verdict.missing_approvals == 0)


@pytest.mark.parametrize(("way", "check", "ruling"), CELLS)
def test_a_check_that_fails_refuses_exactly_where_it_is_asked(way: Way, check: Check, ruling: Ruling) -> None:
    changes, why = BAD[check]
    verdict = evaluate_gate(way, replace(GOOD, **changes))
    refused = [reason for reason in verdict.reasons if why in reason]
    if check == "approvals":
        assert bool(refused) == (ruling == "of then")
    else:
        assert bool(refused) == (ruling in ("asked", "by owner"))
        assert any(why in told for told in verdict.told) == (ruling == "told")
    assert list(verdict.reasons) == refused, "only this check fails"


@pytest.mark.parametrize(("way", "check", "ruling"), CELLS)
def test_an_owner_passes_over_nothing_but_what_the_table_says(way: Way, check: Check, ruling: Ruling) -> None:
    changes, why = BAD[check]
    facts = replace(GOOD, **changes)
    overridden = evaluate_gate(way, replace(facts, overridden_by="alice"))
    if ruling == "by owner":
        assert (overridden.reasons, len(overridden.told)) == ((), 1)
        assert why in overridden.told[0]
    else:
        assert overridden == evaluate_gate(way, facts)


def test_the_docs_have_the_same_table() -> None:
    rows = re.findall(r"^\| (.+) \|$", DOCS.read_text(), re.MULTILINE)
    cells = [[cell.strip(" `") for cell in row.split("|")] for row in rows]
    head = next(row for row in cells if row[0] == "way" and len(row) == len(CHECKS) + 1)
    assert tuple(head[1:]) == CHECKS
    told = {row[0]: tuple(row[1:]) for row in cells if row[0] in WAYS and len(row) == len(head)}
    assert told == {way: tuple(WAIVERS[way].values()) for way in WAYS}
