"""What ApplicationSets make of what generators give, and which Applications are one app in several places."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.foreign.definitions import URL, definitions
from towpath.foreign.application_set import Made, applications
from towpath.foreign.clusters import KnownCluster
from towpath.foreign.definition import Definition, Note

TEMPLATE = "  template:\n    metadata: {name: 'shop-%s'}\n    spec: {destination: {namespace: '%s'}}\n"
LIST = "  generators:\n  - list: {elements: [{env: dev, o: {num: 1}}, {env: prod, o: {num: 2}}]}\n"


GO = "  goTemplate: true\n"


def made_of(
    tmp_path: Path, spec: str, clusters: Sequence[KnownCluster] = ()
) -> tuple[list[Made], list[Note]]:
    text = f"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: shop}}\nspec:\n{spec}"
    (definition,), notes = definitions(tmp_path / "repo", text)
    return applications(tmp_path / "repo", definition, [URL], notes, clusters), notes


def made(tmp_path: Path, spec: str) -> tuple[list[Definition], list[Note]]:
    found, notes = made_of(tmp_path, spec)
    return [each.application for each in found], notes


@pytest.mark.parametrize(
    ("name", "inner", "go"),
    [("{{env}}", "{{ o.num }}", ""), ("{{.env}}", "{{ .o.num }}", GO), ("{{- .env -}}", "{{.o.num}}", GO)],
)
def test_a_list_gives_one_for_each_element(tmp_path: Path, name: str, inner: str, go: str) -> None:
    found, notes = made(tmp_path, LIST + go + TEMPLATE % (name, inner))
    assert [each.title for each in found] == ["Application shop-dev", "Application shop-prod"]
    assert [each.data["spec"]["destination"]["namespace"] for each in found] == ["1", "2"]
    assert found[0].line(("spec", "destination")) == (10 if go else 9)
    assert notes == []


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "{{ .env | upper }}",
            "{{none}}",
            "{{.o}}",
            "{{if .env}}x{{end}}",
            "{{index .x 0}}",
            "{{.o.num.m}}",
        ),
        *("{{.}}", "{{index .env 0}}", "{{ .env .o.num }}", "{{ index .o }}", "{{ `{{ .env }}` }}", "{{}}"),
    ],
)
@pytest.mark.parametrize("go", [GO, ""])
def test_a_template_that_is_more_is_told(tmp_path: Path, expression: str, go: str) -> None:
    found, notes = made(tmp_path, LIST + go + TEMPLATE % ("x", expression))
    assert found == []
    assert "which is not known here" in notes[0].message


def test_folders_of_the_repository(tmp_path: Path) -> None:
    for folder in ("apps/a/deep", "apps/B_2", "apps/skip", ".git/apps", "other"):
        (tmp_path / "repo" / folder).mkdir(parents=True)
    directories = "directories: [{path: apps/*}, {path: apps/skip, exclude: true}]"
    git = f"  generators:\n  - git: {{repoURL: '{URL}', revision: HEAD, {directories}}}\n"
    for go, name, folder in (
        ("", "{{path.basenameNormalized}}", "{{path}}"),
        (GO, "{{.path.basename | normalize}}", "{{.path.path}}"),
    ):
        found, notes = made(tmp_path, git + go + TEMPLATE % (name, folder))
        assert [each.name for each in found] == ["shop-b-2", "shop-a"]
        assert found[1].data["spec"]["destination"]["namespace"] == "apps/a"
        assert notes == []
    for go, step in (("", "{{path[1]}}"), (GO, "{{index .path.segments 1}}")):
        found, _ = made(tmp_path, git + go + TEMPLATE % ("x", step))
        assert found[1].data["spec"]["destination"]["namespace"] == "a"


def test_files_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "repo/clusters/eu").mkdir(parents=True)
    (tmp_path / "repo/clusters/eu/config.json").write_text('{"cluster": {"name": "eu"}}')
    (tmp_path / "repo/clusters/eu/broken.json").write_text("[{")
    git = f"  generators:\n  - git: {{repoURL: '{URL}', files: [{{path: 'clusters/**/*.json'}}]}}\n"
    found, notes = made(tmp_path, git + TEMPLATE % ("{{cluster.name}}", "{{path.basename}}"))
    assert [(each.name, each.data["spec"]["destination"]["namespace"]) for each in found] == [
        ("shop-eu", "eu")
    ]
    assert "broken.json" in notes[0].message


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        ("clusters: {selector: {a: b}}", "`spec.generators.0.clusters.selector.a` has no counterpart"),
        ("matrix: {generators: []}", "`spec.generators.0.matrix.generators` are 0"),
        ("scmProvider: {github: {}}", "scmProvider"),
        ("git: {repoURL: 'https://e.com/x', directories: [{path: a}]}", "is another repository"),
        ("list: {elements: [{env: a}]}, selector: {matchLabels: {a: b}, more: c}", "selector.more"),
        ("list: {elements: [a]}", "element 0, which is no mapping"),
        ("list: {elementsYaml: x}", "elementsYaml` is no list"),
        ("list: {elementsYaml: '{'}", "elementsYaml` is no list"),
        ("selector: {}", "has 0 generators"),
    ],
)
def test_other_generators_are_told(tmp_path: Path, generator: str, said: str) -> None:
    found, notes = made(tmp_path, f"  generators:\n  - {{{generator}}}\n" + TEMPLATE % ("x", "y"))
    assert found == []
    assert said in "".join(each.message for each in notes)


@pytest.mark.parametrize(
    ("generator", "namespace", "apps"),
    [
        ("list: {elements: [{env: dev}, {env: prod}]}", "{{env}}", ["shop", "shop"]),
        ("list: {elements: [{env: dev}, {env: prod}]}", "same", ["", ""]),
        (f"git: {{repoURL: '{URL}', directories: [{{path: apps/*}}]}}", "{{path.basename}}", ["", ""]),
    ],
)
def test_elements_of_a_list_are_places_and_folders_are_apps(
    tmp_path: Path, generator: str, namespace: str, apps: list[str]
) -> None:
    for folder in "ab":
        (tmp_path / "repo/apps" / folder).mkdir(parents=True)
    found, _ = made_of(tmp_path, f"  generators:\n  - {generator}\n{TEMPLATE % ('x', namespace)}")
    assert [each.app for each in found] == apps


CLUSTERS = [
    KnownCluster("eu", "https://eu.example.com", labels={"region": "europe"}),
    KnownCluster("us", "https://us.example.com", labels={"region": "america"}),
]


def of_clusters(tmp_path: Path, generator: str, name: str, inner: str) -> tuple[list[Definition], list[Note]]:
    spec = f"  generators:\n  - clusters: {{{generator}}}\n" + TEMPLATE % (name, inner)
    found, notes = made_of(tmp_path, spec, CLUSTERS)
    assert {each.app for each in found} <= {"shop"}
    return [each.application for each in found], notes


def test_clusters_give_one_for_each(tmp_path: Path) -> None:
    values = (
        "selector: {matchExpressions: [{key: region, operator: Exists}]},"
        " values: {of: '{{name}}-{{metadata.labels.region}}'}"
    )
    found, notes = of_clusters(tmp_path, values, "{{nameNormalized}}", "{{values.of}}")
    assert [(each.name, each.data["spec"]["destination"]["namespace"]) for each in found] == [
        ("shop-eu", "eu-europe"),
        ("shop-us", "us-america"),
    ]
    assert notes == []
    found, notes = of_clusters(tmp_path, "", "{{name}}", "{{server}}")
    assert [each.name for each in found] == ["shop-in-cluster", "shop-eu", "shop-us"]
    assert notes == []


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        ("selector: {matchLabels: {region: asia}}", "selects no cluster"),
        ("values: {of: '{{metadata.labels.none}}'}", "`spec.generators.0.clusters.values` have {{metadata"),
        ("flatList: true", "flatList` has no counterpart"),
    ],
)
def test_clusters_that_are_not_known_are_told(tmp_path: Path, generator: str, said: str) -> None:
    found, notes = of_clusters(tmp_path, generator, "{{name}}", "{{server}}")
    assert found == []
    assert [each.message for each in notes if said in each.message], notes
    assert all(each.line for each in notes)


def test_a_generator_may_have_parts_of_the_template(tmp_path: Path) -> None:
    own = "template: {metadata: {name: ''}, spec: {destination: {server: here}, project: '{{env}}'}}"
    generators = f"  generators:\n  - list: {{elements: [{{env: dev}}], {own}}}\n"
    (found,), notes = made(tmp_path, generators + TEMPLATE % ("{{env}}", "web"))
    assert found.name == "shop-dev"
    assert found.data["spec"] == {"destination": {"server": "here", "namespace": "web"}, "project": "dev"}
    assert notes == []


@pytest.mark.parametrize(("env", "names"), [("prod", ["shop-b"]), ("none", [])])
def test_what_a_generator_gives_is_selected(tmp_path: Path, env: str, names: list[str]) -> None:
    for go, name in (("", "{{app}}"), (GO, "{{.app}}")):
        elements = "[{app: a, at: {env: dev}}, {app: b, at: {env: prod}}]"
        generators = f"  generators:\n  - list: {{elements: {elements}}}\n"
        selector = f"    selector: {{matchLabels: {{at.env: {env}}}}}\n"
        found, notes = made(tmp_path, generators + selector + go + TEMPLATE % (name, "web"))
        assert ([each.name for each in found], notes) == (names, [])


@pytest.mark.parametrize(("go", "place"), [(GO, "{{.a}}"), ("", "{{a}}")])
def test_a_template_that_unfolds_to_more_text_than_any_has_is_told(
    tmp_path: Path, go: str, place: str
) -> None:
    listed = f"  generators:\n  - list: {{elements: [{{a: {'x' * 100_000}}}]}}\n"
    found, notes = made(tmp_path, listed + go + TEMPLATE % ("x", place * 10_000))
    assert found == []
    assert "(too much text)" in notes[0].message


def test_an_expression_that_is_longer_than_any_is_told_at_once(tmp_path: Path) -> None:
    begun = time.process_time()
    found, _ = made(tmp_path, LIST + GO + TEMPLATE % ("x", f"{{{{ {'a ' * 200_000} {' ' * 100_000}| b }}}}"))
    assert (found, time.process_time() - begun < 10) == ([], True)


def test_a_matrix_of_many_with_none_is_told(tmp_path: Path) -> None:
    many = "{list: {elements: [" + "{a: b}," * 2000 + "]}}"
    matrix = f"  generators:\n  - matrix: {{generators: [{many}, {{list: {{elements: []}}}}]}}\n"
    found, notes = made(tmp_path, matrix + TEMPLATE % ("x", "x"))
    assert found == []
    assert "makes more than 1,000" in notes[0].message
