import pytest

from tests.unit.schemas.judging import database, definition, problems
from towpath.schemas.judge import UnknownKindError

SPEC = """
    type: object
    required: [size, mode]
    properties:
      size: {type: integer, minimum: 1, exclusiveMinimum: true}
      mode: {type: string, default: fast}
      port: {x-kubernetes-int-or-string: true}
      free: {type: object, x-kubernetes-preserve-unknown-fields: true}
      note: {type: string, nullable: true}
      text: {type: string}
      limits: {type: object, additionalProperties: {type: integer}}
      template:
        {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
"""


@pytest.mark.parametrize(
    "spec",
    [
        "{size: 2}",
        "{size: 2, port: 80}",
        "{size: 2, port: http}",
        "{size: 2, free: {a: [b]}, note: null}",
        "{size: 2, limits: {a: 1}, mode: null}",
        "{size: 2, template: {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {}}}",
    ],
)
def test_what_the_definition_allows(spec: str) -> None:
    assert problems(database(spec), definition(SPEC)) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{sise: 2, size: 2}", "`spec.sise` is an unknown field; did you mean `size`?"),
        ("{size: '2'}", "`spec.size` is a string; an integer is expected (without quotes)"),
        ("{size: 1}", "`spec.size` must be more than 1"),
        ("{}", "`spec.size` is missing"),
        ("{size: 2, port: [1]}", "`spec.port` is a list; an integer or a string is expected"),
        ("{size: 2, text: null}", "`spec.text` is null; a string is expected"),
        ("{size: 2, limits: {a: b}}", "`spec.limits.a` is a string; an integer is expected (without quotes)"),
        ("{size: 2, template: {kind: Pod}}", "`spec.template.apiVersion` is missing"),
    ],
)
def test_what_the_definition_refuses(spec: str, expected: str) -> None:
    assert problems(database(spec), definition(SPEC)) == [expected]


def test_metadata_of_custom_objects_are_those_of_all_objects() -> None:
    text = "{apiVersion: example.com/v1, kind: Database, metadata: {name: a, label: {}}, spec: {size: 2}}"
    assert problems(text, definition(SPEC)) == [
        "`metadata.label` is an unknown field; did you mean `labels`?"
    ]


def test_a_version_that_the_definition_does_not_serve() -> None:
    other = "  - {name: v1alpha1, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}\n"
    for version in ("v1alpha1", "v2"):
        (found,) = problems(database("{}", version), definition(SPEC, other))
        assert found == f"example.com/{version} is not served; served is example.com/v1"


@pytest.mark.parametrize(
    "wrong", ["pattern: '('", "pattern: '(?=a)b'", "minimum: a", "enum: 5", "maxLength: -1"]
)
def test_a_definition_that_cannot_be_compiled_judges_nothing(wrong: str) -> None:
    schema = f"{{type: object, properties: {{a: {{type: string, {wrong}}}}}}}"
    with pytest.raises(UnknownKindError):
        problems(database("{a: b}"), definition(schema))


def test_a_definition_names_no_other_schema() -> None:
    schema = "{type: object, properties: {a: {$ref: 'https://example.com/schema.json'}}}"
    assert problems(database("{a: b}"), definition(schema)) == []
