import pytest

from towpath.yamltext.lines import ValueLines

TEXT = """\
# a comment
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    <<: &merged
      hostIPC: n
    containers:
      - name: a

      - {name: b,
         image: c}
---
kind: List
items:
  - kind: Service
    metadata: {name: x}
  - kind: Service
    metadata: {name: y}
    spec: {}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("spec", "replicas"), 5),
        (("spec", "template", "containers", 1), 12),
        (("spec", "template", "containers", 1, "image"), 13),
        (("spec", "template", "containers", 1, "absent", "below"), 12),
        (("spec", "template", "hostIPC"), 8),
        (("spec", "template", "containers", 7), 9),
    ],
)
def test_the_line_of_a_value_or_of_the_nearest_one_above(path: tuple[str | int, ...], line: int) -> None:
    assert ValueLines(TEXT).line(2, path, {"kind": "Deployment", "name": "web"}) == line


def test_an_object_in_a_list_has_its_own_lines() -> None:
    lines = ValueLines(TEXT)
    assert lines.line(15, ("spec",), {"kind": "Service", "name": "y"}) == 21
    assert lines.line(15, ("absent",), {"kind": "Service", "name": "y"}) == 19


def test_json_has_lines_too() -> None:
    assert ValueLines('{\n "kind": "Pod",\n "spec": {\n  "a": 1}}').line(1, ("spec", "a"), {}) == 4


def test_a_text_that_cannot_be_read_has_the_documents_line() -> None:
    assert ValueLines("a: [").line(7, ("a",), {}) == 7
