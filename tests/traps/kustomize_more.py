# ruff: noqa: E501  (a trap reads best on one line)
"""More kustomizations: every place of the format that takes a path or a program, and growth from within."""

import os
from pathlib import Path

from tests.traps.repository import CANARY, FUNCTION, UP, Trap, configmap, kustomize

OUT = f"{UP}/outside/secret.yaml"
A = {"dev/a.yaml": configmap("a")}
BUILTIN = "- |\n  apiVersion: builtin\n  kind: {}\n  metadata: {{name: x}}\n  {}\n"


def builtin(
    says: str, kind: str, fields: str, key: str = "transformers", files: dict[str, str] | None = None
) -> Trap:
    text = f"resources: [a.yaml]\n{key}:\n" + BUILTIN.format(kind, fields)
    return kustomize(says, text, {**A, **(files or {})})


def grows(op: str) -> str:
    """A JSON patch that doubles the object with every operation."""
    lines = [f'{{"op": "{op}", "from": "/data", "path": "/data/k{n}"}}' for n in range(40)]
    return "[" + ",".join(lines) + "]"


def pipe(root: Path) -> None:
    os.mkfifo(root / "apps/x/dev/a.yaml")


def sparse(root: Path) -> None:
    with (root / "apps/x/dev/a").open("wb") as file:
        file.truncate(1 << 36)


def link_chain(root: Path) -> None:
    folder = root / "apps/x/dev"
    for n in range(60):
        (folder / f"l{n}.yaml").symlink_to(f"l{n + 1}.yaml")
    (folder / "l60.yaml").symlink_to("../../../../outside/secret.yaml")


MORE = {
    **{
        f"remote base {url}": kustomize(
            "remote|leads out|no such file|absolute|not a plain", f"resources: ['{url}']"
        )
        for url in (
            "git@github.com:o/r",
            "git@github.com:o/r.git//base?ref=v1.0.0",
            "org-1234@github.com:o/r",
            "gh:o/r",
            "https://user:hunter2@example.com/o/r.git",
            "git::git@example.com:o/r",
            "git::ssh://git@example.com/o/r",
            "git::file:///etc",
            "file://localhost/etc/passwd",
            "FILE:///etc/passwd",
            "bitbucket.org/o/r",
            "gitlab.com/o/r",
            "dev.azure.com/o/p/_git/r",
            "example.com/o/r//base?timeout=1h&submodules=true",
            "gcs::https://www.googleapis.com/storage/v1/b/k",
            "ftp://example.com/r",
            "http:example.com",
            " https://example.com/r",
            "https:/example.com/r",
            "ext::sh -c id",
            "--upload-pack=id",
            "./-x",
            "$(id).yaml",
            "`id`.yaml",
            "%2e%2e/%2e%2e/outside",
            "..\\..\\outside",
            "../../../../outside/.",
            "/proc/self/environ",
            "/dev/zero",
        )
    },
    "base beside the checkout by a name that begins alike": kustomize(
        "leads out", f"resources: [{UP}/checkout-2]"
    ),
    "Helm charts inside of Kustomize, by a plugin's file": kustomize(
        "plugin",
        "generators: [g.yaml]",
        {
            "dev/g.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: x\nrepo: https://e.com\n"
        },
    ),
    "helmGlobals": kustomize("runs Helm", "helmGlobals: {chartHome: ../../../../outside}"),
    "Helm in a component": kustomize(
        "runs Helm",
        "components: [../c]",
        {
            "c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nhelmCharts: [{name: x}]\n"
        },
    ),
    "exec function in a base": kustomize(
        "plugin",
        "resources: [../b]",
        {
            "b/kustomization.yaml": "transformers: [f.yaml]\n",
            "b/f.yaml": f"{FUNCTION}'exec: {{path: ./x}}'\n",
        },
    ),
    "exec function under a key of another case": kustomize(
        "plugin", "Transformers: [f.yaml]", {"dev/f.yaml": f"{FUNCTION}'exec: {{path: ./x}}'\n"}
    ),
    "exec function in the second document": kustomize(
        "plugin",
        "transformers: [f.yaml]",
        {
            "dev/f.yaml": f"apiVersion: builtin\nkind: LabelTransformer\nmetadata: {{name: a}}\n---\n{FUNCTION}'exec: {{path: ./x}}'\n"
        },
    ),
    "exec function by the old annotation": kustomize(
        "plugin",
        "generators: [f.yaml]",
        {
            "dev/f.yaml": "apiVersion: v1\nkind: F\nmetadata: {name: f, annotations: {config.k8s.io/function: 'exec: {path: ./x}'}}\n"
        },
    ),
    "exec function in a List": kustomize(
        "plugin",
        "transformers: [f.yaml]",
        {
            "dev/f.yaml": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: e.com/v1\n  kind: F\n  metadata: {name: f}\n"
        },
    ),
    "inline plugin on one line": kustomize(
        "plugin|no such file|remote|plain path",
        "transformers: ['{apiVersion: e.com/v1, kind: F, metadata: {name: f}}']",
    ),
    "kustomization of another kind": kustomize(
        "", "apiVersion: example.com/v1\nkind: Kustomisation\nresources: [a.yaml]", A
    ),
    "files with a key that leads out": kustomize(
        "leads out", f"configMapGenerator: [{{name: x, files: ['k={OUT}']}}]"
    ),
    "files with many signs of equality": kustomize(
        "no such file|leads out", f"configMapGenerator: [{{name: x, files: ['a=b={OUT}']}}]"
    ),
    "files by an absolute path": kustomize("absolute", "secretGenerator: [{name: x, files: [/etc/shadow]}]"),
    "files of a process": kustomize(
        "absolute", "secretGenerator: [{name: x, files: [k=/proc/self/environ]}]"
    ),
    "env, the old key, outside": kustomize("leads out", f"configMapGenerator: [{{name: x, env: {OUT}}}]"),
    "folder as a file of a generator": kustomize(
        "is a folder", "configMapGenerator: [{name: x, files: [../base]}]", {"base/a": "1"}
    ),
    "link chain to a file outside": Trap(
        "kustomize", "leads out", {"dev/kustomization.yaml": "resources: [l0.yaml]"}, more=link_chain
    ),
    "links that lead in a circle": kustomize(
        "leads out|link to itself", "resources: [one]", one="two", two="one"
    ),
    "link to a process's root": kustomize(
        "leads out", "resources: [link/etc/passwd]", link="/proc/self/root"
    ),
    "link to the checkout from a folder of it": kustomize(
        "contains itself", "resources: [link]", link="../dev"
    ),
    "kustomization that is a link outside": Trap(
        "kustomize", "leads out", {}, {"dev/kustomization.yaml": f"{UP}/outside/kustomization.yaml"}
    ),
    "kustomization that is a folder": Trap("kustomize", "is a folder", {"dev/kustomization.yaml/a": "x"}),
    "pipe as a resource": Trap(
        "kustomize", "not a regular file", {"dev/kustomization.yaml": "resources: [a.yaml]"}, more=pipe
    ),
    "device as a resource": kustomize("leads out", "resources: [link.yaml]", **{"link.yaml": "/dev/zero"}),
    "sparse file of 64 GiB": Trap(
        "kustomize",
        "larger than",
        {"dev/kustomization.yaml": "configMapGenerator: [{name: x, files: [a]}]"},
        more=sparse,
    ),
    "NUL in a path": kustomize("not a plain path|YAML", 'resources: ["a\\0.yaml"]'),
    "newline in a path": kustomize("not a plain path|no such", 'resources: ["a\\nb.yaml"]'),
    "path of 100,000 signs": kustomize("no such|too long|plain path", f"resources: [{'a' * 100_000}]"),
    "path of 50,000 folders": kustomize("no such|leads out|too long", f"resources: ['{'a/' * 50_000}b']"),
    "path of 50,000 ways up": kustomize("too long", f"resources: ['{'../' * 50_000}etc/passwd']"),
    "path that is a number": kustomize("a path is expected", "resources: [1]"),
    "path that is null": kustomize("a path is expected", "resources: [null]"),
    "path that is a mapping": kustomize("a path is expected", "resources: [{path: a.yaml}]"),
    "path that is empty": kustomize("a path is expected", "resources: ['']"),
    "path that is a list": kustomize("a path is expected", "configMapGenerator: [{name: x, files: [[a]]}]"),
    "file name of another Unicode form": kustomize(
        "no such file", "resources: ['caf\u00e9.yaml']", {"dev/cafe\u0301.yaml": configmap()}
    ),
    "file name of another case": kustomize("no such file", "resources: [A.yaml]", A),
    "keys in long s": kustomize("remote", "re\u017fources: ['https://example.com/r']"),
    "resources twice, by case": kustomize(
        "remote", "resources: [a.yaml]\nResources: ['https://example.com/r']", A
    ),
    "resources under an anchor": kustomize("remote", "x: &a ['https://example.com/r']\nresources: *a")
    if False
    else kustomize("remote", "components: &a ['https://example.com/r']\nresources: *a"),
    "resources by a merge key": kustomize(
        "unknown key|duplicate|remote", "<<: {resources: ['https://example.com/r']}"
    ),
    "resources in the second document": kustomize(
        "document", "resources: [a.yaml]\n---\nresources: ['https://example.com/r']", A
    ),
    "kustomization in UTF-16": Trap(
        "kustomize", "not UTF-8", {"dev/kustomization.yaml": "resources: ['https://e.com']".encode("utf-16")}
    ),
    "kustomization that is a list": kustomize("not a mapping", "- resources: [a.yaml]", A),
    "kustomization that is empty": kustomize("not a mapping|renders no object", ""),
    "patch from a device": kustomize("absolute", "resources: [a.yaml]\npatches: [{path: /dev/zero}]", A),
    "built-in ConfigMapGenerator that reads outside": builtin(
        "leads out", "ConfigMapGenerator", f"files: [k={OUT}]", "generators"
    ),
    "built-in SecretGenerator that reads outside": builtin(
        "leads out", "SecretGenerator", f"envs: [{OUT}]", "generators"
    ),
    "built-in PatchJson6902Transformer that reads outside": builtin(
        "leads out", "PatchJson6902Transformer", f"target: {{kind: ConfigMap, name: a}}\n  path: {OUT}"
    ),
    "built-in PatchStrategicMergeTransformer that reads outside": builtin(
        "leads out", "PatchStrategicMergeTransformer", f"paths: [{OUT}]"
    ),
    "built-in ReplacementTransformer that reads outside": builtin(
        "leads out", "ReplacementTransformer", f"replacements: [{{path: {OUT}}}]"
    ),
    "built-in generator of a remote file": builtin(
        "remote", "ConfigMapGenerator", "files: ['k=https://example.com/c']", "generators"
    ),
    "built-in transformer in a file that reads outside": kustomize(
        "leads out",
        "resources: [a.yaml]\ntransformers: [sub/t.yaml]",
        {
            **A,
            "dev/sub/t.yaml": f"apiVersion: builtin\nkind: PatchTransformer\nmetadata: {{name: x}}\npath: {UP}/outside/secret.yaml\n",
        },
    ),
    "patch that grows by copying": kustomize(
        "memory|processor time|does not render|ended",
        "resources: [a.yaml]\npatches: [{path: p.json, target: {kind: ConfigMap, name: a}}]",
        {"dev/a.yaml": configmap("a", "data: {k: xxxxxxxxxx}\n"), "dev/p.json": grows("copy")},
    ),
    "replacements that grow": kustomize(
        "memory|processor time|does not render|ended|larger",
        "resources: [a.yaml]\nreplacements:\n"
        + "".join(
            f"- source: {{kind: ConfigMap, name: a, fieldPath: data.k{n}}}\n  targets: [{{select: {{kind: ConfigMap, name: a}}, fieldPaths: [data.k{n + 1}], options: {{create: true, delimiter: ',', index: {i}}}}}]\n"
            for n in range(60)
            for i in (0, 9)
        ),
        {
            "dev/a.yaml": configmap(
                "a", "data: {k0: '" + "x" * 1000 + "', " + ", ".join(f"k{n}: y" for n in range(1, 62)) + "}\n"
            )
        },
    ),
    "patch that shows what it cannot parse": kustomize(
        "does not render",
        "resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: |\n    - op: nonsense\n      path: /data\n      value: "
        + CANARY,
        A,
    ),
    "patch of a Secret for nothing": kustomize(
        "does not render",
        f"resources: [a.yaml]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: Secret\n    metadata: {{name: s}}\n    stringData: {{k: {CANARY}}}\n",
        A,
    ),
    "literal that is no pair": kustomize(
        "does not render", f"secretGenerator: [{{name: x, literals: [{CANARY}]}}]"
    ),
    "envs that are no pairs": kustomize(
        "not KEY=value", "secretGenerator: [{name: x, envs: [e]}]", {"dev/e": f"A=1\n=1 {CANARY}\n"}
    ),
    "envs that read the environment": kustomize(
        "not KEY=value", "secretGenerator: [{name: x, envs: [e]}]", {"dev/e": "A=1\n# HOME\nHOME\n"}
    ),
    "envs with a key that is not one": kustomize(
        "key", "secretGenerator: [{name: x, envs: [e]}]", {"dev/e": f"A={CANARY}\n\u0000{CANARY}=\n"}
    ),
    "image by a pattern": kustomize(
        "crashed",
        "resources: [a.yaml]\nimages: [{name: '(((a*)*)*)*[', newName: b}]",
        {
            "dev/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'a:b'}]}\n"
        },
    ),
    "name prefix that is a path": kustomize(
        "not a valid name|valid name|does not render", "namePrefix: ../\nresources: [a.yaml]", A
    ),
    "namespace that is a path": kustomize(
        "is for namespace|does not render", "namespace: ../kube-system\nresources: [a.yaml]", A
    ),
    "cluster-scoped kind by a patch": kustomize(
        "cluster-scoped",
        'resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  options: {allowKindChange: true}\n  patch: \'[{"op": "replace", "path": "/kind", "value": "ClusterRole"}, {"op": "replace", "path": "/apiVersion", "value": "rbac.authorization.k8s.io/v1"}]\'',
        A,
    ),
    "somebody else's namespace by a patch": kustomize(
        "kube-system",
        'resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: \'[{"op": "add", "path": "/metadata/namespace", "value": "kube-system"}]\'',
        A,
    ),
    "crds that are not YAML": kustomize(
        "not valid YAML", "resources: [a.yaml]\ncrds: [c.yaml]", {**A, "dev/c.yaml": "a: ["}
    ),
    "openapi that is a list": kustomize("", "resources: [a.yaml]\nopenapi: [https://example.com]", A),
    "sortOptions of nonsense": kustomize(
        "does not render|renders", "resources: [a.yaml]\nsortOptions: {order: nonsense}", A
    ),
}
