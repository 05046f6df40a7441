# ruff: noqa: E501  (a trap reads best on one line)
"""Repositories that somebody made to harm: each is refused by `towpath check`, in one error, and by its name.

Time and memory are measured by benchmarks/hostile.py; here a generous bound only, for machines that are busy.
"""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from towpath.engine.check import Checked, check_repository
from towpath.settings import Settings

TOOLS = Settings.load({"HOME": str(Path.home())}).tools
HELM = shutil.which("helm", path=f"{TOOLS}:{os.environ['PATH']}")
CANARY = "canary-1"
CONFIG = """\
apiVersion: towpath.dev/v1
apps:
  x: {image: 127.0.0.1:5000/x, renderer: RENDERER}
environments:
  - {name: dev, namespace: dev}
"""
CHART = "apiVersion: v2\nname: x\nversion: 0.1.0\n"


def configmap(name: str = "c", more: str = "") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{more}"


@dataclass(frozen=True)
class Trap:
    """`files` are below apps/x; `links` are symbolic links below it; `says` is part of the one finding."""

    renderer: str
    says: str
    files: dict[str, str | bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


def plain(says: str, text: str | bytes, **more: str | bytes) -> Trap:
    return Trap("plain", says, {"dev/a.yaml": text, **more})


def kustomize(says: str, text: str, files: dict[str, str] | None = None, **links: str) -> Trap:
    named = {f"dev/{name}": to for name, to in links.items()}
    return Trap("kustomize", says, {"dev/kustomization.yaml": text, **(files or {})}, named)


def helm(
    says: str,
    template: str = "",
    *,
    values: str = "a: 1\n",
    links: dict[str, str] | None = None,
    **files: str,
) -> Trap:
    base = {"base/Chart.yaml": CHART, "base/templates/c.yaml": template or configmap()}
    named = {f"base/{name.replace('__', '/')}": text for name, text in files.items()}
    return Trap("helm", says, {**base, "dev/values.yaml": values, **named}, links or {})


def bomb(levels: int = 12) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merges(levels: int = 40) -> str:
    lines = ["a0: &a0 {x: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"]
    lines += [f"a{n}: &a{n} {{l: *a{n - 1}, r: *a{n - 1}, <<: *a{n - 1}}}" for n in range(1, levels)]
    return "\n".join(lines)


def listed(items: str, levels: int = 1) -> str:
    text = items
    for _ in range(levels):
        text = f'{{"apiVersion": "v1", "kind": "List", "items": [{text}]}}'
    return text


ROLE = '{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}'
FUNCTION = "apiVersion: example.com/v1\nkind: F\nmetadata:\n  name: f\n  annotations:\n    config.kubernetes.io/function: "
UP = "../../../.."

YAML = {
    "alias bomb": plain("aliases followed", bomb()),
    "merge-key bomb": plain("aliases followed", merges()),
    "merge of a list of merges": plain("aliases followed", merges() + "\nz: {<<: [*a39, *a38]}"),
    "anchors without end": plain("anchors", "\n".join(f"- &a{n} 1" for n in range(5_000))),
    "alias to itself": plain("not (yet) there", "a: &x [*x]"),
    "duplicate key": plain("same key twice", configmap() + "kind: Secret\n"),
    "duplicate key by another type": plain("same key twice", "1: a\n'1': b"),
    "deep flow nesting": plain("deeper than", "[" * 100_000),
    "deep mapping nesting": plain("deeper than", "{a: " * 100_000),
    "deep block nesting": plain("deeper than", "- " * 100_000),
    "deep keys": plain("deeper than", "? " * 50_000),
    "deep JSON": Trap("plain", "deeper than", {"dev/a.json": '{"a":' * 50_000}),
    "huge scalar": plain(
        "larger than an API server takes", configmap(more="data: {k: '" + "x" * 3_000_000 + "'}\n")
    ),
    "huge file": plain("larger than 8 MiB", b"# " + b"x" * (9 << 20)),
    "many values": plain("values", "a: [" + "1," * 300_000 + "]"),
    "many values in many files": Trap(
        "plain", "values", {f"dev/{n}.yaml": "a: [" + "1," * 100_000 + "]" for n in range(9)}
    ),
    "many documents": plain("more than 5,000 documents", "---\na: 1\n" * 6_000),
    "many files": Trap("plain", "more than 5,000 files", {f"dev/{n}.yaml": "" for n in range(5_001)}),
    "tabs": plain("not valid YAML", "a:\n\tb: 1"),
    "NUL": plain("a character that YAML does not allow", b"a: \0"),
    "control character": plain("a character that YAML does not allow", b"a: \x07"),
    "invalid UTF-8": plain("not UTF-8", b"a: \xff\xfe"),
    "UTF-16": plain("not UTF-8", "a: 1".encode("utf-16")),
    "key that is a list": plain("not a plain value", "? [a, b]\n: 1"),
    "tag that makes an object": plain("tag", "a: !!python/object/apply:os.system [id]"),
    "tag of a language": plain("tag", "!!js/function 'x'"),
    "tag that is binary": plain("tag", "a: !!binary aGk="),
    "YAML directive of a future": plain("not valid YAML", "%YAML 9.0\n---\na: 1"),
    "number too large": plain("digits", configmap(more="data: {a: " + "9" * 5_000 + "}\n")),
    "not a number": plain("JSON cannot hold", configmap(more="data: {a: .nan}\n")),
    "infinite number": plain("JSON cannot hold", configmap(more="data: {a: 1e999}\n")),
    "end in the middle": plain("not valid YAML", "a: [1, 2"),
    "half a surrogate": plain("not valid YAML", configmap(more='data: {a: "\\ud800"}\n')),
}

OBJECTS = {
    "cluster-scoped kind": plain("cluster-scoped", ROLE),
    "cluster-scoped kind in a List": plain("cluster-scoped", listed(ROLE)),
    "cluster-scoped kind in Lists in Lists": plain("cluster-scoped", listed(ROLE, 5)),
    "Lists without end": plain("Lists nested too deep", listed(ROLE, 30)),
    "cluster-scoped kind in a typed List": plain(
        "cluster-scoped",
        '{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleList", "items": [{"metadata": {"name": "r"}}]}',
    ),
    "cluster-scoped kind in a second document": plain("cluster-scoped", f"{configmap()}---\n{ROLE}"),
    "cluster-scoped kind with our namespace": plain(
        "cluster-scoped", ROLE.replace('"name": "r"', '"name": "r", "namespace": "dev"')
    ),
    "cluster-scoped kind in a hook": plain(
        "cluster-scoped",
        ROLE.replace('"name": "r"', '"name": "r", "annotations": {"towpath.dev/hook": "pre-sync"}'),
    ),
    "somebody else's namespace": plain(
        "is for namespace 'kube-system'", configmap("a\n  namespace: kube-system")
    ),
    "somebody else's Namespace": plain(
        "not this environment's", "apiVersion: v1\nkind: Namespace\nmetadata: {name: prod}\n"
    ),
    "namespace that is no text": plain("not a string", configmap("a\n  namespace: [dev]")),
    "generateName": plain("generateName", "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n"),
    "no name": plain("`metadata.name` is missing", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"),
    "no metadata": plain("`metadata` is missing", "apiVersion: v1\nkind: ConfigMap\n"),
    "no kind": plain("`kind` is missing", "apiVersion: v1\nmetadata: {name: a}\n"),
    "kind that is a path": plain(
        "not a kind's name", "apiVersion: v1\nkind: ../Secret\nmetadata: {name: a}\n"
    ),
    "apiVersion that is a path": plain(
        "`apiVersion`", "apiVersion: ../../v1\nkind: Secret\nmetadata: {name: a}\n"
    ),
    "no apiVersion": plain("`apiVersion` is missing", "kind: ConfigMap\nmetadata: {name: a}\n"),
    "name too long": plain("not a valid name", configmap("a" * 254)),
    "name that is a path": plain("not a valid name", configmap("../../secrets/x")),
    "name with capitals": plain("not a valid name", configmap("Hello")),
    "name of a Service too long": plain(
        "not a valid name", "apiVersion: v1\nkind: Service\nmetadata: {name: " + "a" * 64 + "}\n"
    ),
    "name that is a number": plain("not a valid name", configmap("123")),
    "not an object": plain("not a Kubernetes object", "just text"),
    "a list of objects": plain("not a Kubernetes object", f"- {ROLE}"),
    "same object twice": plain("declared twice", f"{configmap()}---\n{configmap()}"),
    "same object twice by another version": plain(
        "declared twice",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\n"
        "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n",
    ),
    "same object twice, once with its namespace": plain(
        "declared twice", f"{configmap('a')}---\n{configmap('a', '  namespace: dev')}"
    ),
    "no object": plain("renders no object", "# nothing\n"),
    "an empty List": plain("renders no object", listed("")),
    "items that are no list": plain(
        "`items` is not a list", '{"apiVersion": "v1", "kind": "List", "items": {"a": 1}}'
    ),
    "ownership label": plain(
        "tells ownership", configmap("a\n  labels: {applyset.kubernetes.io/part-of: mine}")
    ),
    "label that is no text": plain("is not a string", configmap("a\n  labels: {a: 1}")),
    "labels that are no mapping": plain("is not a mapping", configmap("a\n  labels: [a]")),
    "question as desired state": plain(
        "not desired state", "apiVersion: authentication.k8s.io/v1\nkind: TokenRequest\nmetadata: {name: a}\n"
    ),
    "wave that is no number": plain("wave", configmap("a\n  annotations: {towpath.dev/wave: soon}")),
    "hook of no phase": plain("hook", configmap("a\n  annotations: {towpath.dev/hook: sometimes}")),
}

OTHER = {"other/kustomization.yaml": "resources: [a.yaml]\n", "other/a.yaml": configmap("a")}
KUSTOMIZE = {
    **{
        f"remote base {url}": kustomize("remote", f"resources: ['{url}']")
        for url in (
            "https://github.com/o/r?ref=v1",
            "http://169.254.169.254/latest",
            "github.com/o/r",
            "GitHub.com/o/r",
            "www.github.com/o/r",
            "git@example.com:o/r.git",
            "git::https://example.com/r",
            "ssh://example.com/r",
            "git://example.com/r",
            "file:///etc/passwd",
            "example.com/r.git//base",
            "example.com/o/r?ref=main",
            "hg::http://example.com/r",
            "s3::https://s3.amazonaws.com/b/k",
            "oci://example.com/r",
            "data:text/yaml,a",
            "//example.com/r",
            "\\\\host\\share",
        )
    },
    **{
        f"remote file under {key}": kustomize("remote", text)
        for key, text in {
            "components": "components: ['https://example.com/c']",
            "bases": "bases: ['https://example.com/c']",
            "crds": "crds: ['https://example.com/c.json']",
            "configurations": "configurations: ['https://example.com/c.yaml']",
            "openapi": "openapi: {path: 'https://example.com/c.json'}",
            "patches": "patches: [{path: 'https://example.com/c.json'}]",
            "patchesStrategicMerge": "patchesStrategicMerge: ['https://example.com/c.yaml']",
            "patchesJson6902": "patchesJson6902: [{path: 'https://e.com/c', target: {kind: X, name: y}}]",
            "replacements": "replacements: [{path: 'https://example.com/c.yaml'}]",
            "configMapGenerator": "configMapGenerator: [{name: x, files: ['k=https://example.com/c']}]",
            "secretGenerator": "secretGenerator: [{name: x, envs: ['https://example.com/c']}]",
            "transformers": "transformers: ['https://example.com/c']",
            "generators": "generators: ['https://example.com/c']",
            "validators": "validators: ['https://example.com/c']",
        }.items()
    },
    "keys in capitals": kustomize("remote", "RESOURCES: ['https://example.com/r']"),
    "helmCharts": kustomize("runs Helm", "helmCharts: [{name: x, repo: 'https://example.com'}]"),
    "helmChartInflationGenerator": kustomize("runs Helm", "helmChartInflationGenerator: [{chartName: x}]"),
    "helm generator by the back door": kustomize(
        "plugin",
        "generators:\n- |\n  apiVersion: builtin\n  kind: HelmChartInflationGenerator\n  metadata: {name: x}\n",
    ),
    "exec function": kustomize(
        "plugin", "transformers: [f.yaml]", {"dev/f.yaml": f"{FUNCTION}'exec: {{path: ./x}}'\n"}
    ),
    "container function": kustomize(
        "plugin", "generators: [f.yaml]", {"dev/f.yaml": f"{FUNCTION}'container: {{image: x}}'\n"}
    ),
    "function as validator": kustomize(
        "plugin", "validators: [f.yaml]", {"dev/f.yaml": f"{FUNCTION}'starlark: {{path: x}}'\n"}
    ),
    "Go plugin": kustomize(
        "plugin",
        "transformers: [f.yaml]",
        {"dev/f.yaml": "apiVersion: someteam/v1\nkind: G\nmetadata: {name: g}\n"},
    ),
    "folder of plugins": kustomize(
        "plugins", "transformers: [../other]", {"other/kustomization.yaml": "resources: [a.yaml]"}
    ),
    "file outside": kustomize("leads out", f"resources: [{UP}/outside/secret.yaml]"),
    "base outside": kustomize("leads out", f"resources: [{UP}/outside]"),
    "absolute path": kustomize("absolute", "resources: [/etc/passwd]"),
    "home folder": kustomize(
        "not a plain path", "configMapGenerator: [{name: x, files: [~/../outside/secret.yaml]}]"
    ),
    "symlink to a file outside": kustomize(
        "leads out", "configMapGenerator: [{name: x, files: [link]}]", link=f"{UP}/outside/secret.yaml"
    ),
    "symlink to a folder outside": kustomize("leads out", "resources: [link]", link=f"{UP}/outside"),
    "path through a symlinked folder": kustomize(
        "leads out", "configMapGenerator: [{name: x, files: [link/secret.yaml]}]", link=f"{UP}/outside"
    ),
    "dots after a symlinked folder": kustomize(
        "leads out",
        "configMapGenerator: [{name: x, files: [link/../../outside/secret.yaml]}]",
        link="../../..",
    ),
    "symlink to itself": kustomize("leads out", "resources: [link]", link="link"),
    "symlink into .git": kustomize(
        "`.git`", "configMapGenerator: [{name: x, files: [link]}]", link="../../../.git/config"
    ),
    "path into .git": kustomize(
        "not a plain path", "configMapGenerator: [{name: x, files: [../../../.git/config]}]"
    ),
    "envs outside": kustomize(
        "leads out", f"secretGenerator: [{{name: x, envs: [{UP}/outside/secret.yaml]}}]"
    ),
    "patch outside": kustomize("leads out", f"patches: [{{path: {UP}/outside/secret.yaml}}]"),
    "openapi outside": kustomize("leads out", f"openapi: {{path: {UP}/outside/secret.yaml}}"),
    "replacement outside": kustomize("leads out", f"replacements: [{{path: {UP}/outside/secret.yaml}}]"),
    "crds outside": kustomize("leads out", f"crds: [{UP}/outside/secret.yaml]"),
    "configurations outside": kustomize("leads out", f"configurations: [{UP}/outside/secret.yaml]"),
    "component outside": kustomize("leads out", f"components: [{UP}/outside]"),
    "built-in transformer that reads outside": kustomize(
        "leads out",
        f"transformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {{name: x}}\n  path: {UP}/outside/secret.yaml\n",
    ),
    "base that contains itself": kustomize(
        "contains itself", "resources: [../other]", {"other/kustomization.yaml": "resources: [../dev]"}
    ),
    "bomb of bases": kustomize(
        "bases",
        "resources: [../b0l, ../b0r]",
        {
            f"b{n}{side}/kustomization.yaml": f"namePrefix: {side}-\nresources: [../b{n + 1}l, ../b{n + 1}r]"
            if n < 27
            else "{}"
            for n in range(28)
            for side in "lr"
        },
    ),
    "alias bomb in the kustomization": kustomize("aliases", bomb()),
    "alias bomb in a resource": kustomize("aliases followed", "resources: [b.yaml]", {"dev/b.yaml": bomb()}),
    "alias bomb in a patch": kustomize(
        "aliases followed",
        "resources: [a.yaml]\npatches: [{path: p.yaml}]",
        {"dev/a.yaml": configmap(), "dev/p.yaml": bomb()},
    ),
    "alias bomb in an inline patch": kustomize(
        "aliases followed",
        "resources: [a.yaml]\npatches:\n- patch: |\n    " + bomb().replace("\n", "\n    "),
        {"dev/a.yaml": configmap()},
    ),
    "same object from two bases": kustomize(
        "does not render", "resources: [../other, a.yaml]", {**OTHER, "dev/a.yaml": configmap("a")}
    ),
    "names that a prefix makes alike": kustomize(
        "",
        "resources: [../one, ../two]",
        {
            "one/kustomization.yaml": "namePrefix: p-\nresources: [a.yaml]",
            "one/a.yaml": configmap("a"),
            "two/kustomization.yaml": "resources: [a.yaml]",
            "two/a.yaml": configmap("p-a"),
        },
    ),
    "somebody else's namespace": kustomize(
        "kube-system", "namespace: kube-system\nresources: [a.yaml]", {"dev/a.yaml": configmap("a")}
    ),
    "cluster-scoped kind": kustomize("cluster-scoped", "resources: [a.yaml]", {"dev/a.yaml": ROLE}),
    "generated object too large": kustomize(
        "1 MiB", "configMapGenerator: [{name: x, files: [a]}]", {"dev/a": "x" * 1_100_000}
    ),
    "no kustomization": Trap("kustomize", "no kustomization.yaml", {"dev/a.yaml": configmap()}),
    "two kustomizations": kustomize("more than one", "{}", {"dev/Kustomization": "{}"}),
    "kustomization that is not YAML": kustomize("not valid YAML", "resources: [a"),
    "unknown key": kustomize("unknown key", "exec: [./run.sh]"),
}

HELM_TRAPS = {
    "chart link to a file outside": helm("leads out", links={"base/link": f"{UP}/outside/secret.yaml"}),
    "hidden chart link to a file outside": helm(
        "leads out",
        configmap(more='data: {a: {{ .Files.Get ".link" | quote }}}\n'),
        links={"base/.link": f"{UP}/outside/secret.yaml"},
    ),
    "template link to a file outside": helm(
        "leads out", links={"base/templates/l.yaml": f"{UP}/../outside/secret.yaml"}
    ),
    "link to a folder outside": helm("leads out", links={"base/link": f"{UP}/outside"}),
    "subchart link outside": helm("leads out", links={"base/charts/sub": f"{UP}/../outside"}),
    "values link outside": Trap(
        "helm",
        "leads out",
        {"base/Chart.yaml": CHART, "base/templates/c.yaml": configmap()},
        {"dev/values.yaml": f"{UP}/outside/secret.yaml"},
    ),
    "base link outside": Trap("helm", "leads out", {"dev/values.yaml": "a: 1"}, {"base": "../../../outside"}),
    "schema that refers to a file": helm("$ref", values_schema_json='{"$ref": "file:///etc/passwd"}'),
    "schema that refers to a host": helm(
        "$ref", values_schema_json='{"properties": {"a": {"$ref": "http://169.254.169.254/"}}}'
    ),
    "schema that hides its reference": helm(
        "$ref", values_schema_json='{"$r\\u0065f": "file:///etc/passwd"}'
    ),
    "schema of a dialect elsewhere": helm("$schema", values_schema_json='{"$schema": "http://127.0.0.1/s"}'),
    "loop without end": helm(
        "processor time", "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    ),
    # Whether memory or processor time runs out first is the machine's choice.
    "list without end": helm("memory|processor time", "{{ range until 2000000000 }}x{{ end }}"),
    "text without end": helm("memory|processor time", 'a: {{ repeat 2000000000 "x" }}'),
    "output without end": helm("ended", '{{ range until 100000 }}{{ repeat 1000 "# x" }}\n{{ end }}'),
    "include of itself": helm(
        "does not render", '{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}'
    ),
    "template of itself": helm("", '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}'),
    "tpl of itself": helm("", "{{ tpl .Values.t . }}", values="t: '{{ tpl .Values.t . }}'\n"),
    "alias bomb in values": helm("aliases followed", values=bomb()),
    "alias bomb in a chart's values": helm("aliases followed", values_yaml=bomb()),
    "alias bomb in Chart.yaml": helm("aliases followed", Chart_yaml=CHART + bomb()),
    "alias bomb that a template writes": helm("excessive aliasing", bomb()),
    "random value": helm("something else each time", configmap(more='data: {a: "{{ randAlphaNum 20 }}"}\n')),
    "time": helm(
        "something else each time", configmap(more='data: {a: "{{ now | unixEpoch }}-{{ now }}"}\n')
    ),
    "generated key": helm(
        "something else each time", configmap(more='data: {a: {{ genPrivateKey "ed25519" | quote }}}\n')
    ),
    "file outside by .Files.Get": helm(
        "",
        configmap(
            more='data: {a: {{ required "none" (.Files.Get "../../../../../outside/secret.yaml") | quote }}}\n'
        ),
    ),
    "name looked up in DNS": helm(
        "", configmap(more='data: {a: {{ required "none" (getHostByName "localhost") | quote }}}\n')
    ),
    "environment variable": helm("does not render", 'a: {{ env "HOME" }}'),
    "cluster-scoped kind": helm("cluster-scoped", ROLE),
    "cluster-scoped kind in crds": helm("cluster-scoped", crds__r_yaml=ROLE),
    "cluster-scoped kind in a hook": helm(
        "cluster-scoped",
        ROLE.replace('"name": "r"', '"name": "r", "annotations": {"helm.sh/hook": "pre-install"}'),
    ),
    "hook that Helm does not know": helm(
        "renders no object", configmap("c\n  annotations: {helm.sh/hook: pre-world}")
    ),
    "hook before and after": helm(
        "both before and after", configmap("c\n  annotations: {helm.sh/hook: 'pre-install,post-install'}")
    ),
    "somebody else's namespace": helm("kube-system", configmap("c\n  namespace: kube-system")),
    "Namespace of somebody else": helm(
        "not this environment's", "apiVersion: v1\nkind: Namespace\nmetadata: {name: prod}\n"
    ),
    "archive as subchart": helm("archive", charts__sub_1_0_0_tgz="x"),
    "no chart": Trap("helm", "no Chart.yaml", {"base/a.yaml": configmap(), "dev/values.yaml": ""}),
    "no values": Trap(
        "helm", "there is no such file", {"base/Chart.yaml": CHART, "base/templates/c.yaml": configmap()}
    ),
    "library chart": helm("does not render", Chart_yaml=CHART + "type: library\n"),
    "no object": helm("renders no object", "# nothing\n"),
}
for name, repository in {
    "remote dependency": "https://charts.example.com",
    "OCI dependency": "oci://charts.example.com/x",
    "dependency by alias": "@stable",
    "dependency in a folder outside": "file://../../../../outside",
}.items():
    HELM_TRAPS[name] = helm(
        "nothing remote is fetched",
        Chart_yaml=f"{CHART}dependencies: [{{name: sub, version: 1.0.0, repository: '{repository}'}}]\n",
    )

RENAMED = {
    "base/Chart_yaml": "base/Chart.yaml",
    "base/values_yaml": "base/values.yaml",
    "base/values_schema_json": "base/values.schema.json",
    "base/crds/r_yaml": "base/crds/r.yaml",
    "base/charts/sub_1_0_0_tgz": "base/charts/sub-1.0.0.tgz",
}


def build(top: Path, trap: Trap) -> Path:
    """The repository of a trap; beside it lies a folder `outside` with a secret."""
    root = top / "checkout"
    (top / "outside").mkdir()
    (top / "outside/secret.yaml").write_text(f"password: {CANARY}\n")
    (top / "outside/kustomization.yaml").write_text("resources: [secret.yaml]\n")
    (root / ".git").mkdir(parents=True)
    (root / ".git/config").write_text(f"[{CANARY}]")
    (root / "towpath.yaml").write_text(CONFIG.replace("RENDERER", trap.renderer))
    (root / "apps/x/dev").mkdir(parents=True)
    for name, content in trap.files.items():
        path = root / "apps/x" / RENAMED.get(name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    for name, target in trap.links.items():
        path = root / "apps/x" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    return root


def judge(tmp_path: Path, trap: Trap) -> None:
    root = build(tmp_path, trap)
    begun = time.monotonic()
    checked: Checked = check_repository(root, tools=TOOLS)
    taken = time.monotonic() - begun
    said = [str(finding) for finding in checked.findings]
    assert len(said) == 1, said
    assert any(words in said[0] for words in trap.says.split("|")), said
    assert CANARY not in said[0]
    assert str(tmp_path) not in said[0]
    assert said[0].startswith("apps/x/")
    assert len(said[0]) < 1_500
    assert taken < 10


def cases(traps: dict[str, Trap]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return pytest.mark.parametrize("trap", traps.values(), ids=traps.keys())


@cases(YAML)
def test_yaml(tmp_path: Path, trap: Trap) -> None:
    judge(tmp_path, trap)


@cases(OBJECTS)
def test_objects(tmp_path: Path, trap: Trap) -> None:
    judge(tmp_path, trap)


@cases(KUSTOMIZE)
def test_kustomize(tmp_path: Path, trap: Trap) -> None:
    judge(tmp_path, trap)


@pytest.mark.skipif(not HELM, reason="needs helm")
@cases(HELM_TRAPS)
def test_helm(tmp_path: Path, trap: Trap) -> None:
    judge(tmp_path, trap)


# ---- the repository itself


def repository(tmp_path: Path) -> Path:
    return build(tmp_path, plain("", configmap()))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(bomb(), "values after aliases", id="alias bomb"),
        pytest.param("[" * 50_000, "nested deeper", id="deep nesting"),
        pytest.param(CONFIG.replace("x:", "../../outside:"), "lower-case", id="app that is a path"),
        pytest.param(
            CONFIG.replace("name: dev", "name: ../dev"), "lower-case", id="environment that is a path"
        ),
        pytest.param(CONFIG + "apps: {}\n", "duplicate key", id="duplicate key"),
        pytest.param("a: !!python/object/apply:os.system [id]", "tag", id="tag"),
        pytest.param("# " + "x" * (2 << 20), "bytes", id="huge file"),
    ],
)
def test_towpath_yaml(tmp_path: Path, text: str, says: str) -> None:
    root = repository(tmp_path)
    (root / "towpath.yaml").write_text(text.replace("RENDERER", "plain"))
    said = [str(finding) for finding in check_repository(root).findings]
    assert any(each.startswith("towpath.yaml") and says in each for each in said), said


def test_apps_times_environments_are_bounded(tmp_path: Path) -> None:
    root = repository(tmp_path)
    apps = "".join(f"  a{n}: {{image: 127.0.0.1:5000/x}}\n" for n in range(2_000))
    environments = "".join(f"  - {{name: e{n}, namespace: n{n}}}\n" for n in range(100))
    text = f"apiVersion: towpath.dev/v1\napps:\n{apps}environments:\n{environments}"
    (root / "towpath.yaml").write_text(text)
    (finding,) = check_repository(root).findings
    assert "too many" in finding.message


@pytest.mark.parametrize("name", ["apps", "apps/x", "apps/x/dev", "towpath.yaml"])
def test_a_link_out_of_the_checkout_tells_nothing_of_what_is_there(tmp_path: Path, name: str) -> None:
    root = repository(tmp_path)
    path = root / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    (tmp_path / f"outside/{CANARY}/dev").mkdir(parents=True)
    path.symlink_to(tmp_path / "outside")
    said = [str(finding) for finding in check_repository(root).findings]
    assert any("refused" in each for each in said), said
    assert CANARY not in str(said)


@pytest.mark.parametrize("name", ["apps/x/dev/release.yaml", "apps/x/quarantine.yaml"])
@pytest.mark.parametrize("text", [bomb(), "[" * 50_000, "a: \0", "a: 1\na: 2", "!!python/name:os.system x"])
def test_records_are_read_as_strictly(tmp_path: Path, name: str, text: str) -> None:
    root = repository(tmp_path)
    (root / name).write_text(text)
    (finding,) = check_repository(root).findings
    assert finding.file == name


def test_two_apps_claim_one_object(tmp_path: Path) -> None:
    root = repository(tmp_path)
    path = root / "towpath.yaml"
    path.write_text(
        path.read_text().replace("apps:\n", "apps:\n  y: {image: 127.0.0.1:5000/y, renderer: plain}\n")
    )
    shutil.copytree(root / "apps/x", root / "apps/y")
    (finding,) = check_repository(root).findings
    assert "ConfigMap dev/c is declared by app 'x' and by app 'y'" in finding.message


def test_a_secret_that_is_refused_is_not_shown(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: prod}\nstringData: {a: canary-1}\n"
    judge(tmp_path, plain("is for namespace 'prod'", secret))


@pytest.mark.skipif(not HELM, reason="needs helm")
def test_an_app_too_large_to_render_is_tried_in_one_environment_only(tmp_path: Path) -> None:
    root = build(tmp_path, HELM_TRAPS["list without end"])
    with (root / "towpath.yaml").open("a") as file:
        file.writelines(f"  - {{name: e{n}, namespace: e{n}}}\n" for n in range(9))
    for n in range(9):
        shutil.copytree(root / "apps/x/dev", root / f"apps/x/e{n}")
    assert len(check_repository(root, tools=TOOLS).findings) == 1
