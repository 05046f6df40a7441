"""Generators that combine others give what they give in Argo CD, or are told with the reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.foreign.definitions import URL, definitions
from towpath.foreign.application_set import Made, applications
from towpath.foreign.clusters import KnownCluster
from towpath.foreign.definition import Note

EU = KnownCluster("eu", "https://eu.example.com", labels={"stage": "prod", "a.example.com/at": "west"})
US = KnownCluster("us", "https://us.example.com", labels={"stage": "dev", "a.example.com/at": "east"})
LABEL = '{{ index .metadata.labels "a.example.com/at" }}'


def folders(names: str, **more: Any) -> dict[str, Any]:
    return {"git": {"repoURL": URL, "directories": [{"path": names}], **more}}


def files(names: str, **more: Any) -> dict[str, Any]:
    return {"git": {"repoURL": URL, "files": [{"path": names}], **more}}


def elements(*listed: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"list": {"elements": [*listed]}, **more}


def clusters(**more: Any) -> dict[str, Any]:
    return {"clusters": {"selector": {"matchExpressions": [{"key": "stage", "operator": "Exists"}]}, **more}}


def matrix(*generators: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"matrix": {"generators": [*generators]}, **more}


def merge(keys: list[str], *generators: Mapping[str, Any]) -> dict[str, Any]:
    return {"merge": {"mergeKeys": keys, "generators": [*generators]}}


def made(
    root: Path, generator: Mapping[str, Any], name: str, namespace: str = "web", *, go: bool = True
) -> tuple[list[Made], list[Note]]:
    """What a set with one generator makes of a repository with folders, files and two clusters."""
    for path, text in {
        "addons/logs/a.yaml": "",
        "addons/proxy/a.yaml": "",
        "apps/shop.json": '{"app": "shop", "parts": [{"part": "web"}, {"part": "db"}]}',
        "at/shop/one.json": '{"region": "one"}',
        "at/shop/two.json": '{"region": "two"}',
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    spec = {
        "goTemplate": go,
        "generators": [generator],
        "template": {
            "metadata": {"name": name},
            "spec": {
                "destination": {"server": "{{.server}}" if go else "{{server}}", "namespace": namespace}
            },
        },
    }
    if "server" not in yaml.safe_dump(generator) and "clusters" not in yaml.safe_dump(generator):
        del spec["template"]["spec"]["destination"]["server"]
    head = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\n"
    (definition,), notes = definitions(root, head + yaml.safe_dump({"spec": spec}, sort_keys=False))
    return applications(root, definition, [URL], notes, [EU, US]), notes


def names(
    root: Path, generator: Mapping[str, Any], name: str, namespace: str = "web", *, go: bool = True
) -> list[str]:
    """Names of the Applications, when nothing is told."""
    found, notes = made(root, generator, name, namespace, go=go)
    assert notes == []
    return [each.application.name for each in found]


def told(root: Path, generator: Mapping[str, Any], name: str = "x", *, go: bool = True) -> str:
    found, notes = made(root, generator, name, go=go)
    assert found == []
    assert all(each.line > 1 for each in notes)
    return "".join(str(each) for each in notes)


def test_a_matrix_combines_each_with_each(tmp_path: Path) -> None:
    both = matrix(folders("addons/*"), clusters())
    found = names(tmp_path, both, "{{.path.basename}}-{{.name}}")
    assert found == ["logs-eu", "logs-us", "proxy-eu", "proxy-us"]
    assert names(tmp_path, both, "{{path.basename}}-{{name}}", go=False) == found


def test_folders_are_apps_and_clusters_are_their_places(tmp_path: Path) -> None:
    for generators, name in (
        ([folders("addons/*"), clusters()], "{{.path.basename}}-{{.name}}"),
        ([clusters(), folders("addons/*")], "on-{{.name}}-{{.path.basename}}"),
    ):
        found, _ = made(tmp_path, matrix(*generators), name)
        assert {each.app.removeprefix("on-") for each in found} == {"logs", "proxy"}
    found, _ = made(tmp_path, matrix(elements({"app": "a"}, {"app": "b"}), clusters()), "{{.app}}-{{.name}}")
    assert [each.app for each in found] == ["a", "a", "b", "b"]
    found, _ = made(tmp_path, matrix(clusters(), elements({"env": "dev"}, {"env": "prod"})), "{{.env}}")
    assert [each.app for each in found] == ["dev", "prod", "dev", "prod"]
    listed = [elements({"app": "a"}, {"app": "b"}), elements({"env": "dev"}, {"env": "prod"})]
    found, _ = made(tmp_path, matrix(*listed), "{{.app}}-{{.env}}", "{{.app}}-{{.env}}")
    assert {each.app for each in found} == {""}


def test_parameters_of_the_first_stand_in_the_second(tmp_path: Path) -> None:
    paths = {"pathParamPrefix": "from"}, {"pathParamPrefix": "to"}
    both = matrix(files("apps/*.json", **paths[0]), files("at/{{.app}}/*.json", **paths[1]))
    name = "{{.app}}-{{.region}}-{{.to.path.filename | normalize}}"
    assert names(tmp_path, both, name) == ["shop-one-one.json", "shop-two-two.json"]
    both = matrix(files("apps/*.json", **paths[0]), files("at/{{app}}/*.json", **paths[1]))
    name = "{{app}}-{{region}}-{{to.path[1]}}-{{to.path.filenameNormalized}}"
    assert names(tmp_path, both, name, go=False) == ["shop-one-shop-one.json", "shop-two-shop-two.json"]
    chosen = {"clusters": {"selector": {"matchLabels": {"stage": "{{.stage}}"}}}}
    assert names(tmp_path, matrix(elements({"stage": "prod"}), chosen), "{{.name}}") == ["eu"]
    text = {"list": {"elementsYaml": "{{ .parts | toJson }}"}}
    assert names(tmp_path, matrix(files("apps/*"), text), "{{.app}}-{{.part}}") == ["shop-web", "shop-db"]


def test_values_of_a_generator_are_templates_too(tmp_path: Path) -> None:
    both = matrix(elements({"env": "dev"}), clusters(values={"of": "{{name}}-{{metadata.labels.stage}}"}))
    assert names(tmp_path, both, "{{env}}-{{values.of}}", go=False) == ["dev-eu-prod", "dev-us-dev"]
    one = folders("addons/*", values={"at": "{{.path.basename}}"})
    assert names(tmp_path, one, "{{.values.at}}") == ["logs", "proxy"]


@pytest.mark.parametrize("go", [True, False])
def test_what_both_of_a_matrix_give(tmp_path: Path, *, go: bool) -> None:
    name = "{{.a}}-{{.b}}-{{.o.one}}-{{.o.two}}" if go else "{{a}}-{{b}}-{{o.one}}-{{o.two}}"
    first = elements({"a": "1", "o": {"one": "1"}})
    assert names(tmp_path, matrix(first, elements({"b": "2", "o": {"two": "2"}})), name, go=go) == ["1-2-1-2"]
    second = elements({"a": "3", "b": "2", "o": {"one": "3", "two": "2"}})
    if go:
        assert names(tmp_path, matrix(first, second), name) == ["1-2-1-2"]
    else:
        assert "give `a` two values, which Argo CD refuses" in told(tmp_path, matrix(first, second), go=go)


def test_a_matrix_in_a_matrix(tmp_path: Path) -> None:
    inner = matrix(folders("addons/*"), elements({"env": "dev"}, {"env": "prod"}))
    found, notes = made(
        tmp_path, matrix(inner, clusters()), "{{.path.basename}}-{{.env}}-{{.name}}", "{{.env}}"
    )
    assert notes == []
    assert len(found) == 8
    assert {each.app for each in found} == {"logs", "proxy"}
    too_deep = matrix(matrix(matrix(folders("*"), clusters()), clusters()), clusters())
    assert "is nested more than 2 deep" in told(tmp_path, too_deep)


@pytest.mark.parametrize("go", [True, False])
def test_a_merge_overrides_what_has_the_same_keys(tmp_path: Path, *, go: bool) -> None:
    base = clusters(values={"kafka": "yes", "redis": "no"})
    of_label = {"clusters": {"selector": {"matchLabels": {"stage": "dev"}}, "values": {"kafka": "no"}}}
    more = {"server": EU.server, **({"values": {"redis": "yes"}} if go else {"values.redis": "yes"})}
    three = merge(["server"], base, of_label, elements(more, {"server": "https://none.example.com"}))
    name = "{{.name}}-{{.values.kafka}}-{{.values.redis}}"
    name = name if go else name.replace("{{.", "{{")
    assert names(tmp_path, three, name, go=go) == ["eu-yes-yes", "us-no-no"]


def test_a_merge_by_a_value_that_both_make(tmp_path: Path) -> None:
    at = clusters(values={"at": "{{metadata.labels.a.example.com/at}}"})
    listed = elements({"values": {"at": "west"}, "size": "big"})
    assert names(tmp_path, merge(["values.at"], at, listed), "{{name}}-{{values.at}}", go=False) == [
        "eu-west",
        "us-east",
    ]
    go = clusters(values={"at": LABEL})
    assert names(tmp_path, merge(["values.at"], go, listed), "{{.name}}-{{.values.at}}")[0] == "eu-west"


def test_selectors_hold_at_every_level(tmp_path: Path) -> None:
    selector = {"matchLabels": {"env": "prod"}}
    two = elements({"env": "dev"}, {"env": "prod"}, selector=selector)
    assert names(tmp_path, matrix(two, clusters()), "{{.env}}-{{.name}}") == ["prod-eu", "prod-us"]
    assert names(tmp_path, matrix(matrix(two, folders("addons/*")), clusters()), "{{.env}}")[0] == "prod"
    by_path = matrix(
        folders("addons/*"), clusters(), selector={"matchLabels": {"path.basename": "logs", "name": "us"}}
    )
    assert names(tmp_path, by_path, "{{.path.basename}}-{{.name}}") == ["logs-us"]


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        (matrix(folders("*")), "are 1, and Argo CD asks for exactly two"),
        (matrix(folders("*"), clusters(), clusters()), "are 3, and Argo CD asks for exactly two"),
        (matrix({**folders("*"), **clusters()}, clusters()), "has 2 generators, and Argo CD asks for one"),
        (matrix(folders("*"), {"scmProvider": {"github": {}}}), "scmProvider"),
        (matrix(folders("*"), {"clusters": {"selector": {"matchLabels": {"a": "{{.b}}"}}}}), "has {{.b}}"),
        (matrix(clusters(), {"git": {"repoURL": "https://e.com/x", "files": []}}), "is another repository"),
        (matrix(folders("*"), clusters(flatList=True)), "flatList"),
        (matrix(*[elements(*({"a": n} for n in range(50)))] * 2), "makes more than 1,000"),
        (merge(["a"], folders("*")), "are 1, and Argo CD asks for two or more"),
        (merge([], clusters(), clusters()), "`spec.generators.0.merge.mergeKeys` are missing"),
        (merge(["none"], clusters(), clusters()), "two elements of one generator, which Argo CD refuses"),
    ],
)
def test_what_argo_refuses_or_is_not_known_is_told(
    tmp_path: Path, generator: Mapping[str, Any], said: str
) -> None:
    message = told(tmp_path, generator)
    assert said in message
    assert message.startswith("apps.yaml:")


def test_a_template_in_a_nested_generator_counts_for_nothing(tmp_path: Path) -> None:
    inner = elements({"env": "dev"})
    inner["list"]["template"] = {"metadata": {"name": "other"}}
    assert names(tmp_path, matrix(inner, clusters()), "{{.env}}-{{.name}}") == ["dev-eu", "dev-us"]
