"""What the tests of the schemas share: objects as YAML, judged by the newest known version."""

import textwrap
from typing import Any

from towpath.schemas.definitions import CustomKind, custom_kinds
from towpath.schemas.judge import SchemaJudge
from towpath.schemas.versions import TypeName, load_schemas
from towpath.yamltext.manifest_reader import load_document


def manifest(text: str) -> dict[str, Any]:
    loaded = load_document(textwrap.dedent(text), "test.yaml")
    assert isinstance(loaded, dict)
    return loaded


def problems(text: str, *definitions: str, version: str = "1.35") -> list[str]:
    """The messages about one object, where the cluster has these CustomResourceDefinitions."""
    custom: dict[TypeName, CustomKind] = {}
    for definition in definitions:
        custom.update(custom_kinds(manifest(definition)))
    judge = SchemaJudge(load_schemas(version), custom)
    return sorted(problem.message for problem in judge.problems(manifest(text)))


def named(api_version: str, kind: str, rest: str) -> str:
    """An object called `a`."""
    return f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: a}}, {rest}}}"


def definition(schema: str, versions: str = "") -> str:
    """A CustomResourceDefinition of Database in example.com/v1 with this `spec`."""
    indented = textwrap.indent(textwrap.dedent(schema), " " * 10)
    return f"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: databases.example.com}}
spec:
  group: example.com
  names: {{kind: Database, plural: databases}}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          status: {{type: object}}
          spec:
{textwrap.indent(indented, "  ")}
{versions}"""


def database(spec: str, version: str = "v1") -> str:
    return f"{{apiVersion: example.com/{version}, kind: Database, metadata: {{name: main}}, spec: {spec}}}"
