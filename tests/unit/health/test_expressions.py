"""`healthCheckExprs`: expressions that could run for ever are never begun."""

import pytest

from towpath.config import HealthCheckExpression, parse_config
from towpath.config.cel import macro_depth
from towpath.errors import ConfigError
from towpath.health import assess
from towpath.health.expressions import judges_of
from towpath.objects import Manifest

CONFIG = """\
apiVersion: towpath.dev/v1
apps: {}
environments: [{name: dev, namespace: dev}]
healthCheckExprs: [{apiVersion: e.com/v1, kind: K, current: "%s"}]
"""


def judged(current: str, **status: object) -> str:
    rule = HealthCheckExpression(api_version="e.com/v1", kind="K", current=current)
    manifest: Manifest = {"apiVersion": "e.com/v1", "kind": "K", "metadata": {"name": "a"}, "status": status}
    return str(judges_of([rule])["e.com", "K"](manifest).status)


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("a == 1", 0),
        ("(a) && size(b) > 0", 0),
        ("a.all(x, x.b)", 1),
        ("a.all(x, x) && b.exists(y, y) && c.map(z, z)", 1),
        ("a.map(x, x.map(y, y))", 2),
        ("a.map (x, (x).map(y, y.filter(z, z)))", 3),
        ("a.map(x, ')' != '' && x.map(y, y))", 2),
        (r"a.map(x, '\')' != '' && x.map(y, y))", 2),
        (r"a.map(x, r'\' != '' && x.map(y, y.map(z, z)))", 3),
        ("a.map(x, ''')''' != '' && x.map(y, y))", 2),
        ("a.map // (\n (x, x.map(y, y))", 2),
        ("a.map(x, // )\n x.map(y, y))", 2),
        ("'a.map(x, x.map(y, y))'", 0),
        (")))", 0),
    ],
)
def test_macros_inside_of_each_other_are_counted(text: str, levels: int) -> None:
    assert macro_depth(text) == levels


def test_more_than_two_are_refused_with_their_line() -> None:
    with pytest.raises(ConfigError, match=r"^towpath.yaml:4: .*run for ever"):
        parse_config(CONFIG % "a.all(x, a.all(y, a.all(z, true)))")
    parse_config(CONFIG % "a.all(x, a.all(y, true))")


@pytest.mark.parametrize(
    ("current", "items", "verdict"),
    [
        ("status.l.all(x, x >= 0)", 4_000, "Healthy"),
        ("status.l.all(x, x >= 0)", 4_001, "Unknown"),
        ("status.l.all(x, status.l.exists(y, y == x))", 150, "Healthy"),
        ("status.l.all(x, status.l.exists(y, y == x))", 151, "Unknown"),
        ("size(status.l) > 0", 100_000, "Healthy"),
    ],
)
def test_an_object_too_large_for_macros_is_unknown(current: str, items: int, verdict: str) -> None:
    assert judged(current, l=list(range(items))) == verdict


def test_a_text_that_could_grow_is_not_begun() -> None:
    assert judged("status.l.map(x, status.s + status.s) != []", l=[1] * 1_000, s="x" * 60_000) == "Unknown"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({"phase": "Done", "observedGeneration": -1}, "Healthy"),
        ({"phase": "Done", "observedGeneration": 0}, "Healthy"),
        ({"phase": "Done"}, "Healthy"),
        ({"phase": "Done", "observedGeneration": 3}, "Healthy"),
        ({"phase": "Done", "observedGeneration": "2"}, "Healthy"),
        ({"phase": "Done", "conditions": [{"type": "Ready", "observedGeneration": 2}]}, "Healthy"),
        ({"phase": "Done", "observedGeneration": 2}, "Progressing"),
        ({"phase": "Other", "observedGeneration": -1}, "Progressing"),
    ],
)
def test_own_rules_decide_unless_an_older_generation_was_observed(
    status: dict[str, object], verdict: str
) -> None:
    rule = HealthCheckExpression(api_version="e.com/v1", kind="K", current="status.phase == 'Done'")
    manifest: Manifest = {"apiVersion": "e.com/v1", "kind": "K", "metadata": {"name": "a", "generation": 3}}
    assert str(assess({**manifest, "status": status}, judges_of([rule])).status) == verdict
