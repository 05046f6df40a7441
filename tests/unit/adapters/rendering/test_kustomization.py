import os
import shutil
import subprocess
from pathlib import Path

import pytest

from towpath.adapters.rendering.kustomization import scan
from towpath.adapters.rendering.sources import Sources
from towpath.errors import ConfigError
from towpath.settings import Settings

OVERLAY = "apps/x/dev"
TOOLS = str(Settings.load({"HOME": str(Path.home())}).tools)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def refused(root: Path, kustomization: str, **files: str) -> str:
    named = {name.replace("__", "/"): text for name, text in files.items()}
    write(root, {f"{OVERLAY}/kustomization.yaml": kustomization, **named})
    with pytest.raises(ConfigError) as caught:
        scan(Sources(root), OVERLAY)
    return str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "https://github.com/example/base?ref=v1",
        "http://127.0.0.1:8000/a.yaml",
        "github.com/example/base",
        "github.com/example/base//overlays?ref=main",
        "git@github.com:example/base.git",
        "git::https://example.com/base",
        "ssh://git@example.com/base",
        "file:///etc",
        "gh:example/base",
        "example.com/base.git",
        "dev.azure.com/o/p/_git/base",
        "s3::https://example.com/b",
    ],
)
@pytest.mark.parametrize("key", ["resources", "bases", "components", "crds", "configurations"])
def test_a_remote_base_is_refused(tmp_path: Path, key: str, path: str) -> None:
    message = refused(tmp_path, f"namespace: dev\n{key}:\n  - '{path}'\n")
    assert "kustomization.yaml:3" in message
    assert "remote" in message


@pytest.mark.parametrize(
    "text",
    [
        "patches: [{path: https://example.com/p.yaml}]",
        "patches: [{Path: https://example.com/p.yaml}]",
        "patchesJson6902: [{path: https://example.com/p.yaml, target: {kind: X}}]",
        "patchesStrategicMerge: [https://example.com/p.yaml]",
        "replacements: [{path: https://example.com/p.yaml}]",
        "openapi: {path: https://example.com/p.json}",
        "configMapGenerator: [{name: x, files: [a=https://example.com/p]}]",
        "configMapGenerator: [{name: x, envs: [https://example.com/p]}]",
        "secretGenerator: [{name: x, env: https://example.com/p}]",
        "transformers: [https://example.com/t.yaml]",
        "transformers: [\"apiVersion: builtin\\nkind: PatchTransformer\\nmetadata: {name: x}\\n"
        "path: https://example.com/p\"]",
        "generators: [\"apiVersion: builtin\\nkind: ConfigMapGenerator\\nmetadata: {name: x}\\n"
        "files: [https://example.com/p]\"]",
    ],
)  # fmt: skip
def test_a_remote_file_is_refused_wherever_a_path_may_stand(tmp_path: Path, text: str) -> None:
    assert "remote" in refused(tmp_path, text)


@pytest.mark.parametrize(
    "path",
    ["../../../../../etc/passwd", "../../../../etc", "/etc/passwd", "~/.ssh/id_rsa", "a/../../../../.."],
)
def test_a_path_out_of_the_checkout_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    message = refused(root, f"resources: ['{path}']")
    assert "refused" in message or "remote" in message


@pytest.mark.parametrize(
    "text",
    [
        "resources: [link.yaml]",
        "resources: [folder]",
        "patches: [{path: link.yaml}]",
        "configMapGenerator: [{name: x, files: [link.yaml]}]",
        "configMapGenerator: [{name: x, files: [folder/secret]}]",
    ],
)
def test_a_symlink_out_of_the_checkout_is_refused(tmp_path: Path, text: str) -> None:
    outside = write(tmp_path / "outside", {"secret": "canary-1: [", "kustomization.yaml": "resources: []"})
    root = tmp_path / "checkout"
    (root / OVERLAY).mkdir(parents=True)
    (root / OVERLAY / "link.yaml").symlink_to(outside / "secret")
    (root / OVERLAY / "folder").symlink_to(outside)
    message = refused(root, text)
    assert "leads out of the repository" in message
    assert "canary-1" not in message


def test_an_overlay_that_is_a_symlink_out_of_the_checkout_is_refused(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"kustomization.yaml": "resources: []"})
    root = tmp_path / "checkout"
    (root / "apps/x").mkdir(parents=True)
    (root / OVERLAY).symlink_to(outside)
    with pytest.raises(ConfigError, match="leads out of the repository"):
        scan(Sources(root), OVERLAY)


def test_a_path_into_the_git_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {".git/config": "[remote]"})
    (tmp_path / OVERLAY).mkdir(parents=True)
    (tmp_path / OVERLAY / "c").symlink_to(tmp_path / ".git/config")
    assert "`.git`" in refused(tmp_path, "configMapGenerator: [{name: x, files: [c]}]")


def test_a_named_pipe_is_refused_without_reading_it(tmp_path: Path) -> None:
    (tmp_path / OVERLAY).mkdir(parents=True)
    os.mkfifo(tmp_path / OVERLAY / "pipe.yaml")
    assert "not a regular file" in refused(tmp_path, "resources: [pipe.yaml]")


@pytest.mark.parametrize("key", ["helmCharts", "helmChartInflationGenerator", "HELMCHARTS"])
def test_helm_inside_kustomize_is_refused(tmp_path: Path, key: str) -> None:
    assert "runs Helm" in refused(tmp_path, f"{key}: [{{name: x, repo: https://example.com}}]")


@pytest.mark.parametrize(
    "plugin",
    [
        "apiVersion: example.com/v1\nkind: Exec\nmetadata: {name: x}\n",
        "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\n",
        "apiVersion: builtin\nkind: LabelTransformer\nmetadata:\n  name: x\n  annotations:\n"
        "    config.kubernetes.io/function: 'exec: {path: ./x}'\n",
        "kind: X\n",
    ],
)
def test_exec_plugins_and_functions_are_refused(tmp_path: Path, plugin: str) -> None:
    message = refused(tmp_path, "transformers: [p.yaml]", apps__x__dev__p=plugin)
    assert "no such file" in message
    (tmp_path / OVERLAY / "p.yaml").write_text(plugin)
    assert "plugin" in refused(tmp_path, "transformers: [p.yaml]")
    assert "plugin" in refused(tmp_path, f"generators:\n- |\n  {plugin.replace(chr(10), chr(10) + '  ')}")


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    assert "did you mean `resources`" in refused(tmp_path, "namespace: dev\nresource: []\n")


@pytest.mark.parametrize(
    "text", ["resources: [a]\nresources: [b]", "resources: [{a: 1}]", "[]", "a: &x [*x]"]
)
def test_a_malformed_kustomization_is_refused(tmp_path: Path, text: str) -> None:
    assert "kustomization.yaml:" in refused(tmp_path, text)


def test_bases_that_contain_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"apps/x/base/kustomization.yaml": "resources: [../dev]"})
    assert "contains itself" in refused(tmp_path, "resources: [../base]")


def test_a_bomb_of_bases_is_refused(tmp_path: Path) -> None:
    for level in range(28):
        name, following = f"b{level}", f"b{level + 1}"
        for side in "lr":
            text = f"namePrefix: {side}-\nresources: [../{following}l, ../{following}r]"
            write(tmp_path, {f"apps/x/{name}{side}/kustomization.yaml": text if level < 27 else "{}"})
    assert "more than 500 bases" in refused(tmp_path, "resources: [../b0l, ../b0r]")


def test_an_alias_bomb_in_a_resource_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    write(tmp_path, {f"{OVERLAY}/bomb.yaml": "\n".join(lines)})
    assert "aliases followed" in refused(tmp_path, "resources: [bomb.yaml]")


def test_a_generated_object_too_large_to_store_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {f"{OVERLAY}/big.txt": "x" * 600_000})
    assert "1 MiB" in refused(tmp_path, "configMapGenerator: [{name: x, files: [a=big.txt, b=big.txt]}]")


def test_a_local_base_is_read_whole(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            f"{OVERLAY}/kustomization.yaml": "resources: [../base, own.yaml]\n"
            "patches: [{path: p.yaml}, {patch: '[{op: add, path: /a, value: 1}]', target: {kind: X}}]\n"
            "configMapGenerator: [{name: c, files: [k=data.txt]}]\n"
            "transformers: ['apiVersion: builtin\n\n  kind: PrefixTransformer\n\n  metadata: {name: x}']\n",
            f"{OVERLAY}/own.yaml": "kind: Own",
            f"{OVERLAY}/p.yaml": "kind: P",
            f"{OVERLAY}/data.txt": "x",
            "apps/x/base/kustomization.yaml": "resources: [b.yaml]",
            "apps/x/base/b.yaml": "kind: B\n---\nkind: C",
        },
    )
    sources = Sources(tmp_path)
    resources = scan(sources, OVERLAY)
    assert [(each.value["kind"], each.file, each.line) for each in resources] == [
        ("B", "apps/x/base/b.yaml", 1),
        ("C", "apps/x/base/b.yaml", 3),
        ("Own", f"{OVERLAY}/own.yaml", 1),
    ]
    assert f"{OVERLAY}/data.txt" in sources.files


_LISTS = [
    *("resources", "bases", "components", "crds", "configurations", "transformers", "generators"),
    *("validators", "patches", "patchesJson6902", "patchesStrategicMerge", "replacements"),
    *("configMapGenerator", "secretGenerator", "images", "labels", "replicas", "vars", "buildMetadata"),
    "helmCharts",
]
_MAPPINGS = ["metadata", "commonLabels", "generatorOptions", "sortOptions", "openapi", "helmGlobals"]
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"


@pytest.mark.parametrize("key", [*_LISTS, *_MAPPINGS])
def test_a_key_whose_entries_are_all_comments_counts_as_absent(tmp_path: Path, key: str) -> None:
    files = {f"{OVERLAY}/kustomization.yaml": f"namePrefix: a-\n{key}:\n  # - later.yaml\n"}
    assert scan(Sources(write(tmp_path, files)), OVERLAY) == []


@pytest.mark.parametrize("key", ["files", "envs", "env", "literals", "options"])
@pytest.mark.parametrize("generator", ["configMapGenerator", "secretGenerator"])
def test_a_null_field_of_a_generator_counts_as_absent(tmp_path: Path, generator: str, key: str) -> None:
    files = {f"{OVERLAY}/kustomization.yaml": f"{generator}:\n- name: x\n  {key}:\n"}
    assert scan(Sources(write(tmp_path, files)), OVERLAY) == []


@pytest.mark.parametrize("key", ["transformers", "generators", "validators"])
@pytest.mark.parametrize("entry", ["null", "''"])
def test_empty_entries_of_plugins_are_passed_over(tmp_path: Path, key: str, entry: str) -> None:
    files = {f"{OVERLAY}/kustomization.yaml": f"{key}: [{entry}]\n"}
    assert scan(Sources(write(tmp_path, files)), OVERLAY) == []


@pytest.mark.parametrize(
    "key",
    ["resources", "bases", "components", "crds", "patches", "patchesJson6902", "patchesStrategicMerge"],
)
def test_an_empty_entry_of_another_list_is_refused(tmp_path: Path, key: str) -> None:
    message = refused(tmp_path, f"namePrefix: a-\n{key}:\n-\n")
    assert "kustomization.yaml:3" in message
    assert "expected here" in message


@pytest.mark.skipif(not shutil.which("kustomize", path=TOOLS), reason="needs kustomize")
@pytest.mark.parametrize("key", [*_LISTS, *_MAPPINGS])
def test_kustomize_takes_a_null_key_for_absent(tmp_path: Path, key: str) -> None:
    second = "" if key == "resources" else "resources: [c.yaml]\n"
    first = "generatorOptions: {labels: {a: b}}\nnamePrefix: a-\n" if key == "resources" else ""
    files = {"kustomization.yaml": f"{first}{second}{key}:\n  # - later.yaml\n", "c.yaml": CONFIG_MAP}
    answer = subprocess.run(
        ["kustomize", "build", str(write(tmp_path, files))],
        env={"PATH": TOOLS},
        capture_output=True,
        text=True,
        check=False,
    )
    if key == "resources":
        assert "cannot unmarshal" not in answer.stderr
    else:
        assert answer.returncode == 0, answer.stderr
        assert "kind: ConfigMap" in answer.stdout
