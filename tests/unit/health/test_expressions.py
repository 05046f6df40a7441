"""`healthCheckExprs`: expressions that could run for ever are never begun."""

import time

import pytest

from towpath.config import HealthCheckExpression, parse_config
from towpath.config.cel import compile_expression, macro_depth
from towpath.errors import ConfigError
from towpath.health import assess
from towpath.health.expressions import judges_of
from towpath.objects import Manifest

CONFIG = """\
apiVersion: towpath.dev/v2
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
        ("status.l.all(x, status.l.exists(y, y == x))", 99, "Healthy"),
        ("status.l.all(x, status.l.exists(y, y == x))", 100, "Unknown"),
        ("size(status.l) > 0", 100_000, "Healthy"),
    ],
)
def test_an_object_too_large_for_macros_is_unknown(current: str, items: int, verdict: str) -> None:
    assert judged(current, l=list(range(items))) == verdict


def test_a_text_that_could_grow_is_not_begun() -> None:
    assert judged("status.l.map(x, status.s + status.s) != []", l=[1] * 1_000, s="x" * 60_000) == "Unknown"


@pytest.mark.parametrize(
    "expression",
    [
        "status.l" + ".map(a, a + a)" * 20 + " != []",
        "status.l" + ".map(a, [a, a])" * 20 + " == [1]",
        'status.l.map(a, {"x": a, "y": a})' + '.map(a, {"x": a, "y": a})' * 19 + " == []",
    ],
)
def test_macros_behind_one_another_that_double_a_value_are_not_begun(expression: str) -> None:
    text = "x" * 100
    assert judged(expression, l=[text], s=text) == "Unknown"


@pytest.mark.parametrize(
    "expression",
    [
        "optional.of(s)" + ".optMap(a, a + a)" * 9 + ".hasValue()",
        "optional.of(s)" + ".optFlatMap(a, optional.of(a))" * 9 + ".hasValue()",
        "optional.of(optional.of(s).optMap(b, b))" + ".optMap(a, a)" * 8 + ".hasValue()",
    ],
)
def test_macros_that_double_the_expression_are_refused_with_their_line(expression: str) -> None:
    with pytest.raises(ConfigError, match=r"^towpath.yaml:4: .*run for ever"):
        parse_config(CONFIG % expression)


@pytest.mark.parametrize(
    "expression",
    [
        'status.l.map(a, a + "!").map(a, a + a).filter(a, a != "") != []',
        "status.l" + ".map(a, [a])" * 12 + " != []",
        "optional.of(status.s).optMap(a, a + a).orValue('') == 'xx'",
    ],
)
def test_macros_behind_one_another_that_double_little_are_judged(expression: str) -> None:
    assert judged(expression, l=["x"], s="x") == "Healthy"


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


CONDITIONS = [{"type": "Seen"}, {"type": "Ready", "reason": "Done", "status": "True"}]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("current", "verdict"),
    [
        ('status.conditions.exists(c, c.reason == "Done")', "Healthy"),
        ('status.conditions.exists(c, c.reason == "Other")', "Progressing"),
        ('status.conditions.exists(c, c.reason == "Done" && c.status == "True")', "Healthy"),
        ('!status.conditions.all(c, c.reason == "Other")', "Healthy"),
        ('status.conditions.all(c, c.reason == "Done")', "Progressing"),
        ('status.conditions.all(c, !has(c.reason) || c.reason == "Done")', "Healthy"),
        ('status.conditions.exists_one(c, c.reason == "Done")', "Progressing"),
        ('status.conditions.exists_one(c, has(c.reason) && c.reason == "Done")', "Healthy"),
        ('status.conditions.filter(c, c.reason == "Done").size() == 1', "Progressing"),
        ('status.conditions.filter(c, c.type == "Ready").all(c, c.status == "True")', "Healthy"),
        ("size(status.conditions.map(c, c.reason)) == 1", "Progressing"),
        ('status.conditions.map(c, has(c.reason), c.reason) == ["Done"]', "Healthy"),
        ('status.conditions.exists(c, c.?reason.orValue("") == "Done")', "Healthy"),
        ('status.conditions.exists(c, [c].exists(d, d.reason == "Done"))', "Healthy"),
    ],
)
def test_the_order_of_a_list_decides_nothing(current: str, verdict: str, *, turned: bool) -> None:
    assert judged(current, conditions=CONDITIONS[::-1] if turned else CONDITIONS) == verdict


@pytest.mark.parametrize(
    ("current", "verdict"),
    [
        ('status.no == "x" || status.phase == "Done"', "Healthy"),
        ('status.phase == "Done" || status.no == "x"', "Healthy"),
        ('!(status.no == "x" && status.phase == "Other")', "Healthy"),
        ('status.no == "x" && status.phase == "Done"', "Progressing"),
        ("1 / 0 == 1 || true", "Healthy"),
        ("1 / 0 == 1 || status.no == 1", "Unknown|Progressing"),
        ("status.no ? true : true", "Progressing"),
        ("true ? true : status.no", "Healthy"),
        ("!has(status.no) && has(status.none) && has(status.empty)", "Healthy"),
        ("has(status.no.deeper)", "Progressing"),
        ("status.none == null", "Healthy"),
        ("!status.no", "Progressing"),
        ("status.items[7] == 1", "Progressing"),
        ("status.items[-1] == 1", "Progressing"),
        ('status.map["no"] == 1', "Progressing"),
        ("status.map.exists(key, status.map[key] == 2)", "Healthy"),
        ("status.?no.orValue(1) == 1 && status.?items[?7].orValue(2) == 2", "Healthy"),
        ("status.ready == status.replicas && status.replicas >= 2.5 && 3u == status.replicas", "Healthy"),
        ("status.replicas * 2.0 == 6.0", "Unknown"),
        ("status.phase == 1", "Progressing"),
        ("status.phase < 1", "Unknown"),
        ("9223372036854775807 + status.replicas > 0", "Unknown"),
        ('timestamp(status.at) + duration("1h") == timestamp("2026-01-02T04:04:05Z")', "Healthy"),
        ('timestamp("2026-01-02T04:34:05Z") - timestamp(status.at) == duration(status.lasts)', "Healthy"),
        ('timestamp(status.at).getHours("Europe/Berlin") == 4', "Healthy"),
        ('timestamp(status.phase) < timestamp("2026-01-02T04:34:05Z")', "Unknown"),
        ('status.list.split(",").join("-") == "a-b-c" && status.phase.lowerAscii() == "done"', "Healthy"),
        ('status.list.replace(",", "").substring(1) == "bc" && " a ".trim() == "a"', "Healthy"),
        ('"%s-%d".format([status.phase, status.replicas]) == "Done-3"', "Healthy"),
        ('status.phase.matches("^(D+)+one$") && size("é") == 1', "Healthy"),
        ('base64.decode("RG9uZQ==") == bytes(status.phase)', "Healthy"),
        ("status.replicas", "Unknown"),
        ("status", "Unknown"),
        ("status.none", "Unknown"),
        ("optional.none()", "Unknown"),
        ("no.such == 1", "Unknown"),
        ("noSuch(1)", "Unknown"),
        ("cel.bind(a, 'x', a + a) == 'xx'", "Unknown"),
        ("spec.replicas == 1", "Progressing"),
    ],
)
def test_expressions_mean_what_they_mean_in_flux(current: str, verdict: str) -> None:
    status = {
        **{"phase": "Done", "none": None, "empty": [], "items": [1], "map": {"a": 1, "b": 2}},
        **{"ready": 3.0, "replicas": 3, "at": "2026-01-02T03:04:05Z", "lasts": "1h30m", "list": "a,b,c"},
    }
    assert judged(current, **status) in verdict.split("|")


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("current", "status"),
    [
        ("status.l.all(x, status.l.exists(y, y == x))", {"l": list(range(100))}),
        ("status.l.all(x, x >= 0) && status.l.all(x, x >= 0) && status.l.all(x, x >= 0)", {"l": [1] * 4_000}),
        ('status.s.replace("x", status.s) == ""', {"s": "x" * 60_000}),
        ('status.s.replace("x", "y").replace("y", status.s) == ""', {"s": "x" * 60_000}),
        ('status.s.replace("x", "' + "y" * 900 + '") == ""', {"s": "x" * 60_000}),
        ("status.l.join(status.s) == ''", {"l": ["x"] * 4_000, "s": "y" * 60_000}),
        ('status.s.split("").join(status.s) == ""', {"s": "y" * 60_000}),
        (f"[{'status.s,' * 100}].join() == ''", {"s": "y" * 60_000}),
        ("'" + "%s" * 80 + "'.format([" + "status.s," * 80 + "]) == ''", {"s": "y" * 600_000}),
        ("[status.s + status.s].map(x, x + x) == []", {"s": "y" * 9_000_000}),
        ("status.n > 1", {"n": 2**70}),
        ("status.s == 'x'", {"s": "\ud800"}),
        ("status.d == 1", {"d": nested(300)}),
        ("has(status.d)", {"d": nested(30_000)}),
        ("status.t == 1", {"t": (1, 2)}),
        ("status.t == 1", {"t": {None: 1}}),
        ("status.t == 1", {"t": object()}),
    ],
)
def test_what_could_take_too_long_or_is_no_json_is_unknown(current: str, status: dict[str, object]) -> None:
    started = time.process_time()
    assert judged(current, **status) == "Unknown"
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("current", "says"),
    [
        ("a ===", "not a CEL expression: .*Syntax error"),
        ("a.all(x", "not a CEL expression: .*Syntax error"),
        ("status.map(1, x)", "variable name must be a simple identifier"),
        ("has(status)", "must be a field selection"),
        ("(" * 100 + "1" + ")" * 100, "not a CEL expression: .*recursion"),
        ("a" * 200_000, "not a CEL expression: .*limit"),
        ("a\0b", "not a CEL expression"),
        ("\ud800", "not a CEL expression"),
        ('timestamp(status.at).getHours("/dev/stdin") == 1', "time zone"),
        ('timestamp(status.at).getDayOfWeek("../../dev/stdin") == 1', "time zone"),
        ('timestamp(status.at).getDate("file:/dev/stdin") == 1', "time zone"),
        ("timestamp(status.at).getDate(status.zone) == 1", "time zone"),
    ],
)
def test_what_is_no_expression_is_refused_in_one_line(current: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        compile_expression(current)
    assert "\n" not in str(caught.value)
