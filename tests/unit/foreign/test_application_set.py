"""What ApplicationSets make, by list, git and cluster generators; other generators and templates are told."""

from pathlib import Path

import pytest

from tests.unit.foreign.definitions import URL, definitions
from towpath.foreign.application_set import applications, is_one_app
from towpath.foreign.clusters import KnownCluster
from towpath.foreign.definition import Definition, Note

TEMPLATE = "  template:\n    metadata: {name: 'shop-%s'}\n    spec: {destination: {namespace: '%s'}}\n"
LIST = "  generators:\n  - list: {elements: [{env: dev, o: {num: 1}}, {env: prod, o: {num: 2}}]}\n"


def made(tmp_path: Path, spec: str) -> tuple[list[Definition], list[Note]]:
    text = f"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: shop}}\nspec:\n{spec}"
    (definition,), notes = definitions(tmp_path / "repo", text)
    return applications(tmp_path / "repo", definition, [URL], notes), notes


@pytest.mark.parametrize(
    ("name", "inner"),
    [("{{env}}", "{{o.num}}"), ("{{.env}}", "{{ .o.num }}"), ("{{- .env -}}", "{{.o.num}}")],
)
def test_a_list_gives_one_for_each_element(tmp_path: Path, name: str, inner: str) -> None:
    found, notes = made(tmp_path, LIST + TEMPLATE % (name, inner))
    assert [each.title for each in found] == ["Application shop-dev", "Application shop-prod"]
    assert [each.data["spec"]["destination"]["namespace"] for each in found] == ["1", "2"]
    assert found[0].line(("spec", "destination")) == 9
    assert notes == []


@pytest.mark.parametrize(
    "expression",
    ["{{ .env | upper }}", "{{none}}", "{{.o}}", "{{if .env}}x{{end}}", "{{index .x 0}}", "{{.o.num.m}}"],
)
def test_a_template_that_is_more_is_told(tmp_path: Path, expression: str) -> None:
    found, notes = made(tmp_path, LIST + TEMPLATE % ("{{env}}", expression))
    assert found == []
    assert "which is not known here" in notes[0].message


def test_folders_of_the_repository(tmp_path: Path) -> None:
    for folder in ("apps/a/deep", "apps/B_2", "apps/skip", ".git/apps", "other"):
        (tmp_path / "repo" / folder).mkdir(parents=True)
    directories = "directories: [{path: apps/*}, {path: apps/skip, exclude: true}]"
    git = f"  generators:\n  - git: {{repoURL: '{URL}', revision: HEAD, {directories}}}\n"
    for name, folder in (
        ("{{path.basenameNormalized}}", "{{path}}"),
        ("{{.path.basenameNormalized}}", "{{.path.path}}"),
    ):
        found, notes = made(tmp_path, git + TEMPLATE % (name, folder))
        assert [each.name for each in found] == ["shop-b-2", "shop-a"]
        assert found[1].data["spec"]["destination"]["namespace"] == "apps/a"
        assert notes == []
    found, _ = made(tmp_path, git + TEMPLATE % ("x", "{{path[1]}}"))
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
        ("matrix: {generators: []}", "`spec.generators.0.matrix`"),
        ("scmProvider: {github: {}}", "scmProvider"),
        ("git: {repoURL: 'https://e.com/x', directories: [{path: a}]}", "is another repository"),
        ("list: {elements: [{env: a}]}, selector: {matchLabels: {a: b}}", "selects or changes"),
        ("list: {elementsYaml: x}", "elementsYaml"),
    ],
)
def test_other_generators_are_told(tmp_path: Path, generator: str, said: str) -> None:
    found, notes = made(tmp_path, f"  generators:\n  - {{{generator}}}\n" + TEMPLATE % ("x", "y"))
    assert found == []
    assert said in "".join(each.message for each in notes)


@pytest.mark.parametrize(
    ("generator", "namespace", "one"),
    [
        ("list: {elements: [{env: dev}, {env: prod}]}", "{{env}}", True),
        ("list: {elements: [{env: dev}, {env: prod}]}", "same", False),
        (f"git: {{repoURL: '{URL}', directories: [{{path: apps/*}}]}}", "{{path.basename}}", False),
    ],
)
def test_elements_of_a_list_are_places_and_folders_are_apps(
    tmp_path: Path, generator: str, namespace: str, *, one: bool
) -> None:
    for folder in "ab":
        (tmp_path / "repo/apps" / folder).mkdir(parents=True)
    spec = f"  generators:\n  - {generator}\n{TEMPLATE % ('x', namespace)}"
    text = f"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: shop}}\nspec:\n{spec}"
    (definition,), notes = definitions(tmp_path / "repo", text)
    found = applications(tmp_path / "repo", definition, [URL], notes)
    assert len(found) == 2
    assert is_one_app(definition, found) is one


CLUSTERS = [
    KnownCluster("eu", "https://eu.example.com", labels={"region": "europe"}),
    KnownCluster("us", "https://us.example.com", labels={"region": "america"}),
]


def of_clusters(tmp_path: Path, generator: str, name: str, inner: str) -> tuple[list[Definition], list[Note]]:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: shop}\nspec:\n"
        f"  generators:\n  - clusters: {{{generator}}}\n" + TEMPLATE % (name, inner)
    )
    (definition,), notes = definitions(tmp_path / "repo", text)
    found = applications(tmp_path / "repo", definition, [URL], notes, CLUSTERS)
    assert is_one_app(definition, found)
    return found, notes


def test_clusters_give_one_for_each(tmp_path: Path) -> None:
    values = (
        "selector: {matchExpressions: [{key: region, operator: Exists}]},"
        " values: {of: '{{name}}-{{metadata.labels.region}}'}"
    )
    found, notes = of_clusters(tmp_path, values, "{{.nameNormalized}}", "{{values.of}}")
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
    _, notes = of_clusters(tmp_path, generator, "{{name}}", "{{server}}")
    assert [each.message for each in notes if said in each.message], notes
    assert all(each.line for each in notes)
