"""The CEL rules of CustomResourceDefinitions, on objects in Git."""

import pytest

from tests.unit.schemas.judging import database, definition, problems

SCHEMA = """\
type: object
x-kubernetes-validations:
  - {{rule: "{rule}", message: "{message}"}}
properties:
  low: {{type: integer}}
  high: {{type: integer, default: 5}}
  name: {{type: string}}
  start: {{type: string, format: date-time}}
  note: {{type: string, nullable: true}}
  parts:
    type: array
    items:
      type: object
      x-kubernetes-validations: [{{rule: "self.a < self.b"}}]
      properties: {{a: {{type: integer, default: 0}}, b: {{type: integer}}}}
  by:
    type: object
    additionalProperties: {{type: string, x-kubernetes-validations: [{{rule: "self.startsWith('x')"}}]}}
"""


def found(rule: str, spec: str, message: str = "broken") -> list[str]:
    return problems(database(spec), definition(SCHEMA.format(rule=rule, message=message)))


@pytest.mark.parametrize(
    ("rule", "spec"),
    [
        ("self.low <= self.high", "{low: 6}"),
        ("self.low <= self.high", "{low: 3, high: 2}"),
        ("has(self.low) || has(self.name)", "{}"),
        ("!has(self.parts) || self.parts.all(p, p.b < 9)", "{parts: [{b: 1}, {b: 10}]}"),
        ("self.name.matches('^[a-z]+$')", "{name: A}"),
        ("self.name.size() < 3", "{name: äöü}"),
        ("!(has(self.low) && has(self.name))", "{low: 1, name: a}"),
        ("self.name in ['a', 'b']", "{name: c}"),
        ("self.low < 1", "{}"),
        ("self.parts.exists_one(p, p.a == 0)", "{parts: [{b: 1}, {b: 2}]}"),
    ],
)
def test_a_broken_rule_is_found(rule: str, spec: str) -> None:
    assert found(rule, spec) == ["`spec`: broken"]


@pytest.mark.parametrize(
    ("rule", "spec"),
    [
        ("self.low <= self.high", "{low: 5}"),
        ("self.high == 5", "{high: null}"),
        ("self.low == oldSelf.low", "{low: 1}"),
        ("self.start > timestamp('2030-01-01T00:00:00Z')", "{start: '2026-01-01T00:00:00Z'}"),
        ("self.name == quantity('1')", "{name: a}"),
        ("isURL(self.name)", "{name: a}"),
        ("this is no CEL", "{name: a}"),
        ("self.name.size()", "{name: a}"),
        ("has(self.note)", "{note: null}"),
        ("self.parts.all(p, self.parts.all(q, self.parts.all(r, false)))", "{parts: [{b: 1}]}"),
    ],
)
def test_a_rule_that_holds_or_cannot_be_judged_is_no_finding(rule: str, spec: str) -> None:
    assert found(rule, spec) == []


def test_rules_of_items_and_values_are_told_with_their_place() -> None:
    text = "{parts: [{b: 1}, {a: 2, b: 1}], by: {k: yes-x, l: x}}"
    assert found("true", text) == [
        "`spec.by.k`: must satisfy self.startsWith('x')",
        "`spec.parts[1]`: must satisfy self.a < self.b",
    ]


def test_rules_are_judged_only_when_the_schema_is_satisfied() -> None:
    assert found("false", "{low: a}") == ["`spec.low` is a string; an integer is expected (without quotes)"]


def test_a_rule_that_could_grow_without_bound_is_not_run() -> None:
    assert found("['x']" + ".map(a, a + a)" * 100 + " == []", "{name: a}") == []
    assert found("['x'].map(a, a + a) == ['x']", "{name: a}") == ["`spec`: broken"]


def test_a_large_value_is_not_given_to_macros() -> None:
    parts = ", ".join("{b: 1}" for _ in range(2000))
    assert found("self.parts.all(p, self.parts.all(q, false))", f"{{parts: [{parts}]}}") == []
