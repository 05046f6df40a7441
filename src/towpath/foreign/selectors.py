"""Selectors of labels in definitions of Argo CD."""

from collections.abc import Iterator, Mapping, Sequence

from towpath.foreign.definition import Fields

Rule = tuple[str, str, tuple[str, ...]]
"""Key, operator, values."""
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def read_selector(selector: Fields) -> list[Rule] | None:
    """All rules of a selector; None, and a note, for one that is not known."""
    rules, known = [*_labels(selector), *_expressions(selector)], len(selector.notes)
    selector.tell_rest()
    if None in rules:
        selector.tell("matchExpressions", "has an operator that is not known; it is not carried over")
    if len(selector.notes) > known:
        return None
    return [rule for rule in rules if rule]


def matches(labels: Mapping[str, str], rules: Sequence[Rule]) -> bool:
    """Whether labels satisfy all rules."""
    return all(_matches(labels, *rule) for rule in rules)


def _labels(selector: Fields) -> Iterator[Rule]:
    labels = selector.take("matchLabels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        yield str(key), "In", (str(value),)


def _expressions(selector: Fields) -> Iterator[Rule | None]:
    for each in selector.items("matchExpressions"):
        key, operator, values = each.text("key"), each.text("operator"), each.texts("values")
        yield (key, operator, values) if operator in _OPERATORS else None


def _matches(labels: Mapping[str, str], key: str, operator: str, values: tuple[str, ...]) -> bool:
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) == (operator == "Exists")
    return (labels.get(key) in values) == (operator == "In")
