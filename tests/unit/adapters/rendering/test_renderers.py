import shutil
from pathlib import Path

import pytest

from towpath.adapters.rendering.renderers import find_program, render
from towpath.config import App, Config, Environment, parse_config
from towpath.errors import ConfigError, MissingPartError
from towpath.settings import Settings

EXAMPLE = Path(__file__).parents[4] / "examples/environments"
TOOLS = Settings.load({"HOME": str(Path.home())}).tools
HELM = shutil.which("helm", path=f"{TOOLS}:/usr/local/bin:/usr/bin")
CONFIG = """
apiVersion: towpath.dev/v2
apps:
  x: {image: 127.0.0.1:5000/x, renderer: RENDERER}
environments:
  - {name: dev, namespace: dev}
"""


def config(renderer: str) -> tuple[App, Environment]:
    parsed: Config = parse_config(CONFIG.replace("RENDERER", renderer))
    return parsed.app("x"), parsed.environment("dev")


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / "apps/x" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def configmap(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"


def test_plain_reads_base_and_environment_but_not_records(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "base/a.yaml": configmap("a"),
            "dev/b.yml": f"{configmap('b')}---\n{configmap('c')}",
            "dev/deep/d.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}}',
            "dev/release.yaml": "release: {}",
            "dev/notes.txt": "x",
        },
    )
    documents = render(tmp_path, *config("plain"))
    assert [(each.value["metadata"]["name"], each.file, each.line) for each in documents] == [
        ("a", "apps/x/base/a.yaml", 1),
        ("b", "apps/x/dev/b.yml", 1),
        ("c", "apps/x/dev/b.yml", 6),
        ("d", "apps/x/dev/deep/d.json", 1),
    ]


def test_plain_refuses_a_symlink_out_of_the_checkout(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    write(root, {"dev/b.yaml": configmap("b")})
    (tmp_path / "secret").write_text("canary-1: [")
    (root / "apps/x/dev/link.yaml").symlink_to("../../../../secret")
    with pytest.raises(ConfigError, match="leads out of the repository") as caught:
        render(root, *config("plain"))
    assert "canary-1" not in str(caught.value)


def test_plain_refuses_a_kustomization(tmp_path: Path) -> None:
    write(tmp_path, {"dev/kustomization.yaml": "resources: []"})
    with pytest.raises(ConfigError, match="renderer is `plain`"):
        render(tmp_path, *config("plain"))


@pytest.mark.parametrize("renderer", ["plain", "kustomize", "helm"])
def test_a_missing_environment_folder_is_an_error(tmp_path: Path, renderer: str) -> None:
    with pytest.raises(ConfigError, match="apps/x/dev: there is no such folder"):
        render(tmp_path, *config(renderer))


def test_kustomize_builds_the_overlay_and_knows_where_objects_come_from(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "base/kustomization.yaml": "resources: [a.yaml]",
            "base/a.yaml": f"# comment\n{configmap('a')}",
            "dev/kustomization.yaml": "namespace: dev\nnamePrefix: p-\nresources: [../base]\n",
        },
    )
    (document,) = render(tmp_path, *config("kustomize"), tools=TOOLS)
    assert document.value["metadata"] == {"name": "p-a", "namespace": "dev"}
    assert (document.file, document.line) == ("apps/x/base/a.yaml", 2)


def test_kustomize_says_in_one_error_what_does_not_build(tmp_path: Path) -> None:
    files = {"dev/a.yaml": configmap("a"), "dev/b.yaml": configmap("a")}
    write(tmp_path, {"dev/kustomization.yaml": "resources: [a.yaml, b.yaml]", **files})
    with pytest.raises(ConfigError, match=r"apps/x/dev/kustomization\.yaml: does not render") as caught:
        render(tmp_path, *config("kustomize"), tools=TOOLS)
    assert str(tmp_path) not in str(caught.value)


def test_kustomize_keeps_to_the_checkout_although_the_file_stands_beside_the_base(tmp_path: Path) -> None:
    write(
        tmp_path, {"dev/kustomization.yaml": "resources: [../other/a.yaml]", "other/a.yaml": configmap("a")}
    )
    with pytest.raises(ConfigError, match="does not render"):
        render(tmp_path, *config("kustomize"), tools=TOOLS)


def test_rendering_is_bounded_in_time(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "kustomize").write_text("#!/bin/sh\nwhile :; do :; done\n")
    (tools / "kustomize").chmod(0o755)
    write(tmp_path, {"dev/kustomization.yaml": "resources: []"})
    with pytest.raises(ConfigError, match="did not end within"):
        render(tmp_path, *config("kustomize"), tools=tools, timeout=0.3)


def test_the_renderer_sees_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    script = "#!/bin/sh\necho 'text: |'\nexport -p | while read -r line; do echo \"  $line\"; done\n"
    (tools / "kustomize").write_text(script)
    (tools / "kustomize").chmod(0o755)
    monkeypatch.setenv("TOWPATH_CANARY", "canary-1")
    write(tmp_path, {"dev/kustomization.yaml": "resources: []"})
    (document,) = render(tmp_path, *config("kustomize"), tools=tools)
    assert "canary-1" not in str(document.value)
    assert "HTTPS_PROXY" in str(document.value)


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="helm"):
        find_program("helm", None)
    write(tmp_path, {"dev/kustomization.yaml": "resources: []"})
    with pytest.raises(MissingPartError, match="neither `kustomize` nor `kubectl`"):
        render(tmp_path, *config("kustomize"))


@pytest.mark.skipif(not HELM, reason="needs helm")
def test_helm_renders_the_chart_of_the_base(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "base/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n",
            "base/values.yaml": "greeting: base\n",
            "base/templates/c.yaml": configmap("c") + "data: {g: {{ .Values.greeting }}}\n",
            "dev/values.yaml": "greeting: dev\n",
        },
    )
    (document,) = render(tmp_path, *config("helm"), tools=TOOLS)
    assert document.value["data"] == {"g": "dev"}
    assert document.file == "apps/x/base/templates/c.yaml"


def test_helm_refuses_a_schema_that_refers_elsewhere(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "base/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n",
            "base/values.schema.json": '{"$ref": "file:///etc/passwd"}',
            "dev/values.yaml": "a: 1\n",
        },
    )
    with pytest.raises(ConfigError, match=r"\$ref"):
        render(tmp_path, *config("helm"), tools=TOOLS)


def test_helm_refuses_a_symlink_out_of_the_checkout(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    write(root, {"base/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n", "dev/values.yaml": "a: 1\n"})
    (root / "apps/x/base/secret").symlink_to("/etc/passwd")
    with pytest.raises(ConfigError, match="leads out of the repository"):
        render(root, *config("helm"), tools=TOOLS)


@pytest.fixture
def counting(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with a `kustomize` and a `helm` that note each start, and the notes."""
    tools, notes = tmp_path / "tools", tmp_path / "notes"
    tools.mkdir()
    for name in ("kustomize", "helm"):
        script = f"#!/bin/sh\necho {name} >> {notes}\nprintf 'kind: A\\nmetadata: {{name: a}}\\n'\n"
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    return tools, notes


@pytest.mark.parametrize("renderer", ["kustomize", "helm"])
@pytest.mark.parametrize(
    ("change", "renders"),
    [
        ({}, 1),
        ({"dev/release.yaml": "who: me"}, 1),
        ({"../y/dev/a.yaml": "a: 1"}, 1),
        ({"prod/kustomization.yaml": "{}", "prod/values.yaml": "a: 2"}, 1),
        ({"dev/kustomization.yaml": "resources: [../base/a.yaml] # more", "dev/values.yaml": "a: 2"}, 2),
        ({"base/a.yaml": configmap("b")}, 2),
    ],
)
def test_what_has_not_changed_is_not_rendered_again(
    tmp_path: Path, counting: tuple[Path, Path], renderer: str, change: dict[str, str], renders: int
) -> None:
    tools, notes = counting
    root = tmp_path / "checkout"
    files = {
        "base/Chart.yaml": "name: x",
        "base/a.yaml": configmap("a"),
        "dev/kustomization.yaml": "resources: [../base/a.yaml]",
        "dev/values.yaml": "a: 1",
    }
    write(root, files)
    first = render(root, *config(renderer), tools=tools, cache=tmp_path / "cache")
    write(root, change)
    second = render(root, *config(renderer), tools=tools, cache=tmp_path / "cache")
    assert first == second
    assert notes.read_text().count(renderer) == renders


def test_another_program_renders_again(tmp_path: Path, counting: tuple[Path, Path]) -> None:
    tools, notes = counting
    write(tmp_path, {"dev/kustomization.yaml": "{}"})
    render(tmp_path, *config("kustomize"), tools=tools, cache=tmp_path / "cache")
    with (tools / "kustomize").open("a") as file:
        file.write("# newer\n")
    render(tmp_path, *config("kustomize"), tools=tools, cache=tmp_path / "cache")
    assert notes.read_text().count("kustomize") == 2


@pytest.mark.skipif(not HELM, reason="needs helm")
def test_helm_renders_crds_hooks_and_subcharts_the_same_each_time(tmp_path: Path) -> None:
    crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: xs.e.com}\n"
    hook = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {}\n  annotations: {{helm.sh/hook: {}}}\n"
    account = hook.replace("batch/v1", "v1").replace("Job", "ServiceAccount")
    write(
        tmp_path,
        {
            "base/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n"
            "dependencies: [{name: sub, version: 0.1.0, repository: https://charts.example.com}]\n",
            "base/crds/x.yaml": crd,
            "base/templates/pre.yaml": hook.format("pre", "pre-upgrade"),
            "base/templates/test.yaml": hook.format("test", "test"),
            "base/templates/account.yaml": account.format("account", '"pre-install,post-install"'),
            "base/templates/gone.yaml": hook.format("gone", "pre-delete"),
            "base/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
            "base/charts/sub/templates/c.yaml": configmap("{{ .Release.Name }}-{{ .Values.greeting }}"),
            "dev/values.yaml": "sub: {greeting: hello}\n",
        },
    )
    documents = render(tmp_path, *config("helm"), tools=TOOLS)
    assert {each.value["metadata"]["name"]: each.file for each in documents} == {
        "xs.e.com": "apps/x/base/crds/x.yaml",
        "x-hello": "apps/x/base/charts/sub/templates/c.yaml",
        "pre": "apps/x/base/templates/pre.yaml",
        "account": "apps/x/base/templates/account.yaml",
    }
    by_name = {each.value["metadata"]["name"]: each.value["metadata"] for each in documents}
    assert by_name["pre"]["annotations"]["towpath.dev/hook"] == "pre-sync"
    assert by_name["account"]["annotations"]["towpath.dev/hook"] == "pre-sync"
    assert render(tmp_path, *config("helm"), tools=TOOLS) == documents


@pytest.mark.skipif(not HELM, reason="needs helm")
def test_a_cached_result_is_of_one_namespace(tmp_path: Path) -> None:
    chart = {
        "base/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n",
        "base/templates/a.yaml": configmap("in-{{ .Release.Namespace }}"),
        "dev/values.yaml": "{}\n",
    }
    write(tmp_path / "checkout", chart)
    for namespace in ("dev", "other"):
        app, _ = config("helm")
        parsed = parse_config(
            CONFIG.replace("RENDERER", "helm").replace("namespace: dev", f"namespace: {namespace}")
        )
        (document,) = render(
            tmp_path / "checkout", app, parsed.environment("dev"), tools=TOOLS, cache=tmp_path / "cache"
        )
        assert document.value["metadata"]["name"] == f"in-{namespace}"
