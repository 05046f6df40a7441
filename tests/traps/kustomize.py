# ruff: noqa: E501  (a trap reads best on one line)
"""Kustomizations that reach out, run something, or never end."""

from tests.traps.repository import FUNCTION, ROLE, UP, Trap, bomb, configmap, kustomize

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
