"""An environment repository is made of another one: its files, and notes on all that is not carried over."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.engine.imports.foreign_repositories import ARGO_URL, argo, flux, write
from towpath.config import parse_config
from towpath.engine.imports.assemble import Imported, assemble, environment_names
from towpath.engine.imports.collect import collect
from towpath.foreign.deployment import Destination
from towpath.vendor.model import parse_vendor_file


def imported(root: Path) -> Imported:
    deployments, notes = collect(root, [ARGO_URL])
    return assemble(root, deployments, notes)


def read(made: Imported, path: str) -> Any:
    return yaml.safe_load(made.files[path])


def application(name: str, source: str, namespace: str = "web") -> str:
    return (
        f"---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\n"
        f"spec: {{source: {{{source}}}, destination: {{namespace: '{namespace}'}},"
        " syncPolicy: {automated: {prune: true, selfHeal: true}}}\n"
    )


def test_a_repository_of_argo(tmp_path: Path) -> None:
    made = imported(argo(tmp_path))
    assert (made.apps, made.environments) == (("guestbook", "maps", "shop"), ("dev", "prod"))
    config = parse_config(made.files["towpath.yaml"].decode())
    assert {name: app.renderer for name, app in config.apps.items()} == {
        "guestbook": "kustomize",
        "maps": "plain",
        "shop": "helm",
    }
    assert config.environment("dev").apps["guestbook"].take_over == ("argocd-controller",)
    overlay = read(made, "apps/guestbook/prod/kustomization.yaml")
    assert overlay["resources"] == ["../../../sources/guestbook/overlays/prod"]
    assert "sources/guestbook/base/map.yaml" in made.files
    assert made.files["apps/shop/dev/values.yaml"] == b"size: 2 # small\n"
    assert {"apps/maps/dev/map.yaml", "apps/maps/prod/map.yaml"} == {
        each for each in made.files if each.startswith("apps/maps")
    }
    assert made.notes == ()


def test_a_repository_of_flux(tmp_path: Path) -> None:
    made = imported(flux(tmp_path))
    assert (made.apps, made.environments, made.vendored) == (("maps", "podinfo"), ("web",), ("podinfo",))
    (entry,) = parse_vendor_file(made.files["vendor.yaml"].decode()).vendor
    assert (entry.path, entry.version) == ("apps/podinfo/base", "^6")
    assert entry.chart is not None
    assert entry.chart.repository == "https://charts.example.com/podinfo"
    assert read(made, "apps/podinfo/web/values.yaml") == {"replicaCount": 2}
    assert read(made, "sources/infra/maps/kustomization.yaml")["resources"] == ["map.yaml"]
    (note,) = made.notes
    assert str(note).startswith("fleet/sync.yaml:9: Kustomization maps: `spec.postBuild` has no counterpart")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (application("a", f"repoURL: '{ARGO_URL}', path: none"), "there is no such folder"),
        (
            application("a", f"repoURL: '{ARGO_URL}', path: empty, plugin: {{name: cmp}}"),
            "`spec.source.plugin`",
        ),
        (application("a", f"repoURL: '{ARGO_URL}', path: ../out"), "no such folder|leads out"),
        (application("a", f"repoURL: '{ARGO_URL}', path: remote"), "remote"),
        (
            application("a", "repoURL: 'https://u:hunter2hunter2@e.com/c', chart: x"),
            "must not have credentials",
        ),
        (application("a", "repoURL: https://e.com/c, chart: x, targetRevision: newest"), "must be a version"),
        (application("a", f"repoURL: '{ARGO_URL}', path: empty"), "has no manifests"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: a}\n", "`allowClusterScoped`"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\n", "has no counterpart"),
    ],
)
def test_what_cannot_be_carried_over_is_told_and_leaves_nothing(tmp_path: Path, text: str, said: str) -> None:
    files = {"a.yaml": text, "remote/kustomization.yaml": "resources: [https://e.com/x]\n", "empty/a.txt": ""}
    made = imported(write(tmp_path, files))
    assert (made.apps, made.files) == ((), {})
    assert any(any(part in each.message for part in said.split("|")) for each in made.notes), made.notes
    assert all(each.file and each.line for each in made.notes)
    assert "hunter2" not in str(made.notes)


def test_one_app_of_two_charts_or_renderers_is_told(tmp_path: Path) -> None:
    chart = "repoURL: https://e.com/c, chart: x, targetRevision: %s"
    files = {
        "a.yaml": application("a", chart % "1.0.0", "one")
        + application("a", chart % "2.0.0", "two")
        + application("a", f"repoURL: '{ARGO_URL}', path: plain", "three")
        + application("a", chart % "1.0.0", "one")
        + application("b", chart % "1.0.0", "one"),
        "plain/map.yaml": "a: b\n",
    }
    made = imported(write(tmp_path, files))
    assert made.environments == ("one", "two")
    told = " ".join(each.message for each in made.notes)
    for said in ("has another version or place", "is of plain, and a is of helm", "a is in one already"):
        assert said in told
    assert parse_config(made.files["towpath.yaml"].decode()).apps.keys() == {"a", "b"}, "b is in one alone"


def test_a_folder_is_read_as_deep_as_argo_does(tmp_path: Path) -> None:
    files = {"plain/a.yaml": "a: b\n", "plain/deep/b.json": "{}", "plain/release.yaml": "a: b\n"}
    flat = application("flat", f"repoURL: '{ARGO_URL}', path: plain")
    deep = application("deep", f"repoURL: '{ARGO_URL}', path: plain, directory: {{recurse: true}}")
    made = imported(write(tmp_path, {**files, "plain/c.txt": "", "apps.yaml": flat + deep}))
    assert {each for each in made.files if each.startswith("apps/")} == {
        "apps/flat/web/a.yaml",
        "apps/flat/web/manifest-release.yaml",
        "apps/deep/web/a.yaml",
        "apps/deep/web/deep/b.json",
        "apps/deep/web/manifest-release.yaml",
    }


def test_values_are_merged_as_helm_does(tmp_path: Path) -> None:
    names = "[a.yaml, /more/b.yaml, $ref/c.yaml, https://e.com/d.yaml, ../../../x]"
    helm = f"helm: {{valueFiles: {names}, valuesObject: {{c: {{z: 9}}}}}}"
    files = {
        "charts/x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n",
        "charts/x/a.yaml": "a: 1\nc: {x: 1, list: [1, 2]}\n",
        "more/b.yaml": "c: {list: [3]}\n",
        "apps.yaml": application("x", f"repoURL: '{ARGO_URL}', path: charts/x, {helm}"),
    }
    made = imported(write(tmp_path, files))
    assert read(made, "apps/x/web/values.yaml") == {"a": 1, "c": {"x": 1, "list": [3], "z": 9}}
    assert sum("are not carried over" in each.message for each in made.notes) == 3


def test_places_get_names_that_differ() -> None:
    places = [
        Destination("", "web"),
        Destination("https://eu.example.com:6443", "web"),
        Destination("", "base"),
    ]
    assert list(environment_names(places).values()) == ["web", "eu-example-com-6443-web", "base-1"]
    assert len(set(environment_names([Destination("a", "b-c"), Destination("a-b", "c")]).values())) == 2


def test_an_app_of_apps_is_none_itself_and_a_namespace_may_be_in_the_files(tmp_path: Path) -> None:
    files = {
        "root.yaml": application("root", f"repoURL: '{ARGO_URL}', path: apps", "argocd"),
        "apps/maps.yaml": application("maps", f"repoURL: '{ARGO_URL}', path: maps", ""),
        "maps/a.yaml": "kind: ConfigMap\nmetadata: {namespace: web}\n",
        "apps/other.yaml": application("other", f"repoURL: '{ARGO_URL}', path: other", ""),
        "other/a.yaml": "kind: ClusterRole\nmetadata: {name: a}\n",
    }
    made = imported(write(tmp_path, files))
    assert (made.apps, made.environments) == (("maps",), ("web",))
    (note,) = made.notes
    assert str(note) == "apps/other.yaml:5: Application other: names no namespace; it is not carried over"


def test_what_flux_waits_for_is_waited_for_in_one_environment(tmp_path: Path) -> None:
    release = (
        "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: %s, namespace: %s}\n"
        "spec:\n  dependsOn: [%s]\n  chart: {spec: {chart: x, version: 1.0.0, sourceRef: {name: c,"
        " kind: HelmRepository}}}\n"
    )
    head = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: c}\n"
    text = head + "spec: {url: 'https://e.com/c'}\n"
    text += release % ("web", "shop", "{name: db}, {name: cache, readyExpr: a}")
    text += release % ("db", "shop", "{name: web}, {name: far, namespace: other}")
    text += release % ("cache", "shop", "{name: db}") + release % ("far", "other", "")
    made = imported(write(tmp_path, {"apps.yaml": text}))
    apps = parse_config(made.files["towpath.yaml"].decode()).apps
    waits = {name: app.depends_on for name, app in apps.items()}
    assert waits == {"cache": ("db",), "db": ("web",), "far": (), "web": ()}
    told = " ".join(str(each) for each in made.notes)
    assert "HelmRelease db: waits for far, which is no app in shop here" in told
    assert "HelmRelease web: waits for db, which waits for it" in told
    assert "readyExpr` has no counterpart" in told


def test_an_app_is_called_as_its_release_unless_another_one_is(tmp_path: Path) -> None:
    chart = "repoURL: https://e.com/c, chart: x, targetRevision: 1.0.0"
    named = chart + ", helm: {releaseName: %s}"
    text = application("team.shop", named % "shop", "one") + application("cache-a", named % "cache", "one")
    text += application("cache-b", named % "cache", "two") + application("db", chart, "one")
    text += application("old-db", named % "db", "two") + application("odd", named % "a.b", "one")
    made = imported(write(tmp_path, {"apps.yaml": text}))
    assert made.apps == ("cache-a", "cache-b", "db", "odd", "old-db", "shop")
    told = {str(each.message).partition(":")[0] for each in made.notes if "release is called" in each.message}
    assert told == {f"Application {name}" for name in ("cache-a", "cache-b", "old-db", "odd")}


def test_a_folder_without_kustomization_is_taken_as_flux_does(tmp_path: Path) -> None:
    kustomization = (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: all}\n"
        "spec: {path: ./all, prune: true, targetNamespace: web,"
        " sourceRef: {kind: GitRepository, name: flux-system}}\n"
    )
    files = {
        "clusters/one/all.yaml": kustomization,
        "all/a.yaml": "a: b\n",
        "all/deep/b.yaml": "a: b\n",
        "all/built/kustomization.yaml": "resources: [c.yaml]\n",
        "all/built/c.yaml": "a: b\n",
        "all/built/not-named.yaml": "a: b\n",
        "all/.hidden/d.yaml": "a: b\n",
    }
    made = imported(write(tmp_path, files))
    assert made.environments == ("web",)
    assert read(made, "sources/all/kustomization.yaml")["resources"] == ["a.yaml", "built", "deep/b.yaml"]
    assert "sources/all/built/c.yaml" in made.files
    assert "sources/all/built/not-named.yaml" not in made.files
    second = {"clusters/two/all.yaml": kustomization}
    assert imported(write(tmp_path, second)).environments == ("one-web", "two-web")


def test_a_path_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.yaml").write_text("secret: hunter2\n")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/link").symlink_to(tmp_path / "out")
    paths = ("../out", "link", "/../out", "x/../../out")
    text = "".join(
        application(f"a{index}", f"repoURL: '{ARGO_URL}', path: '{path}'") for index, path in enumerate(paths)
    )
    chart = application("c", f"repoURL: '{ARGO_URL}', path: ../out, helm: {{valueFiles: [a.yaml]}}")
    made = imported(write(tmp_path / "repo", {"apps.yaml": text + chart}))
    assert made.files == {}
    assert len(made.notes) == 5


def test_clusters_of_argo_are_environments_by_their_names(tmp_path: Path) -> None:
    secret = (
        "apiVersion: v1\nkind: Secret\n"
        "metadata: {name: %s, labels: {argocd.argoproj.io/secret-type: cluster, tier: %s}}\n"
        "stringData: {name: %s, server: 'https://%s.example.com', config: 'hunter2hunter2'}\n---\n"
    )
    one = (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: maps}\nspec:\n"
        "  generators: [{clusters: {selector: {matchLabels: {tier: prod}}}}]\n"
        "  template:\n    metadata: {name: 'maps-{{name}}'}\n    spec:\n"
        f"      source: {{repoURL: '{ARGO_URL}', path: maps}}\n"
        "      destination: {server: '{{server}}', namespace: web}\n"
        "      syncPolicy: {automated: {prune: true, selfHeal: true}}\n"
    )
    files = {
        "sets/a.yaml": one,
        "clusters.yaml": "".join(
            secret % (name, tier, name, name)
            for name, tier in (("eu", "prod"), ("us", "prod"), ("dev", "dev"))
        ),
        "maps/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "byname.yaml": application("other", f"repoURL: '{ARGO_URL}', path: maps").replace(
            "{namespace: 'web'}", "{name: eu, namespace: web}"
        ),
    }
    made = imported(write(tmp_path, files))
    assert (made.apps, made.environments) == (("maps", "other"), ("eu-web", "us-web"))
    assert parse_config(made.files["towpath.yaml"].decode()).environment("us-web").namespace == "web"
    told = [each for each in made.notes if "credentials are not carried over" in each.message]
    assert [(each.file, each.line) for each in told] == [
        ("clusters.yaml", 1),
        ("clusters.yaml", 6),
        ("clusters.yaml", 11),
    ]
    assert not any(b"hunter2" in content or b"kubeconfig" in content for content in made.files.values())
    assert "hunter2" not in str(made.notes)


@pytest.mark.parametrize(
    "source",
    [
        r'path: "a\0b"',
        f"path: {'x' * 5000}",
        "path: kust, kustomize: {patches: 5}",
        "path: kust, kustomize: {patches: [5]}",
    ],
)
def test_what_no_path_or_patch_can_be_is_told(tmp_path: Path, source: str) -> None:
    write(tmp_path, {"apps.yaml": application("odd", f"repoURL: '{ARGO_URL}', {source}")})
    write(tmp_path, {"kust/kustomization.yaml": "resources: []\n"})
    made = imported(tmp_path)
    assert any("there is no such folder" in str(note) or "`patches`" in str(note) for note in made.notes)


def test_an_application_set_without_a_template_is_told(tmp_path: Path) -> None:
    text = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s}\nspec: {generators: "
    write(tmp_path, {"set.yaml": text + "[{list: {elements: [{a: b}]}}]}\n"})
    made = imported(tmp_path)
    assert made.apps == ()
    assert "`spec.source.repoURL` is missing" in str(made.notes[0])
