# ruff: noqa: E501  (a trap reads best on one line)
"""More charts: dependencies, archives, schemas, functions that reach out, and growth from within."""

import gzip
import io
import os
import tarfile
from pathlib import Path

from tests.traps.repository import CANARY, CHART, ROLE, UP, Trap, chart, configmap

JOB = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: j\n  annotations: {{{}}}\nspec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: a}}]}}}}}}\n"


def data(expression: str) -> str:
    return configmap(more=f"data: {{a: {{{{ {expression} | quote }}}}}}\n")


def archive(name: str, content: bytes = b"x") -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def depends(says: str, entry: str, **more: str) -> Trap:
    return chart(says, {"Chart.yaml": f"{CHART}dependencies: [{entry}]\n", **more})


def pipe(root: Path) -> None:
    os.mkfifo(root / "apps/x/base/templates/p.yaml")


def sparse(root: Path) -> None:
    with (root / "apps/x/base/huge.bin").open("wb") as file:
        file.truncate(1 << 36)


def socket_file(root: Path) -> None:
    os.mknod(root / "apps/x/base/templates/s.yaml", 0o140644)


def ring(root: Path) -> None:
    (root / "apps/x/base/charts").mkdir()
    (root / "apps/x/base/charts/x").symlink_to("..")


def many_files(root: Path) -> None:
    for n in range(5_100):
        (root / f"apps/x/base/f{n}").touch()


MORE = {
    "dependency by file out of the checkout": depends(
        "leads out|not in the repository",
        "{name: sub, version: 1.0.0, repository: 'file://../../../../../outside'}",
    ),
    "dependency by an absolute file": depends(
        "leads out|not in the repository", "{name: sub, version: 1.0.0, repository: 'file:///etc'}"
    ),
    "dependency whose name is a path": depends(
        "not in the repository", "{name: ../../../outside, version: 1.0.0}"
    ),
    "dependency without a name": depends(
        "without a name", "{version: 1.0.0, repository: 'https://example.com'}"
    ),
    "dependency that is a text": depends("without a name", "sub"),
    "dependencies that are a mapping": chart(
        "does not render|dependencies", {"Chart.yaml": CHART + "dependencies: {name: sub}\n"}
    ),
    "dependencies of Helm 2": chart(
        "not in the repository",
        {
            "requirements.yaml": "dependencies: [{name: sub, version: 1.0.0, repository: 'https://example.com'}]\n"
        },
    ),
    "dependency of a dependency": chart(
        "not in the repository",
        {
            "Chart.yaml": f"{CHART}dependencies: [{{name: sub, version: 0.1.0}}]\n",
            "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\ndependencies: [{name: subsub, version: 1.0.0, repository: 'oci://e.com/x'}]\n",
        },
    ),
    "keys of Chart.yaml in another case": chart(
        "not in the repository|does not render|unknown",
        {
            "Chart.yaml": CHART
            + "Dependencies: [{Name: sub, Version: 1.0.0, Repository: 'https://example.com'}]\n"
        },
    ),
    "archive that leads out": chart(
        "archive", {"charts/sub-1.0.0.tgz": archive("../../../../../../tmp/evil")}
    ),
    "archive that is a bomb": chart("archive", {"charts/sub-1.0.0.tgz": gzip.compress(b"\0" * (64 << 20))}),
    "archive in capitals": chart("archive", {"charts/SUB-1.0.0.TGZ": b"x"}),
    "archive of a subchart": chart(
        "archive",
        {
            "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
            "charts/sub/charts/deep.tar.gz": b"x",
        },
    ),
    "archive by another name": chart(
        "archive|does not render", {"charts/sub-1.0.0": archive("sub/Chart.yaml")}
    ),
    "archive as the chart": Trap(
        "helm",
        "is a folder|not a folder|no Chart.yaml|cannot be read|Not a directory",
        {"base": archive("x/Chart.yaml"), "dev/values.yaml": ""},
    ),
    "lookup of a Secret": chart(
        "",
        {
            "templates/c.yaml": configmap(
                more='data: {a: {{ required "none" (lookup "v1" "Secret" "kube-system" "x").data }}}\n'
            )
        },
    ),
    "environment variables expanded": chart(
        "does not render", {"templates/c.yaml": data('expandenv "$HOME"')}
    ),
    "name of a host looked up": chart(
        "does not render", {"templates/c.yaml": data('required "none" (getHostByName "localhost")')}
    ),
    "file by .Files.Get, absolute": chart(
        "does not render", {"templates/c.yaml": data('required "none" (.Files.Get "/etc/passwd")')}
    ),
    "template that is made of itself": chart(
        "memory|processor time|does not render",
        {
            "templates/c.yaml": '{{- $t := "{{ .t }}" }}{{ $c := dict "t" (repeat 1000 "{{ .t }}") }}{{ range until 9 }}{{ $_ := set $c "t" (tpl $c.t $c) }}{{ end }}{{ tpl $c.t $c }}'
        },
    ),
    "list that doubles": chart(
        "memory|processor time",
        {"templates/c.yaml": '{{ $l := list "x" }}{{ range until 60 }}{{ $l = concat $l $l }}{{ end }}'},
    ),
    "text that doubles": chart(
        "memory|processor time",
        {
            "templates/c.yaml": '{{ $t := "xxxxxxxxxxxxxxxx" }}{{ range until 60 }}{{ $t = cat $t $t }}{{ end }}{{ $t }}'
        },
    ),
    "keys of RSA": chart(
        "processor time|each time",
        {"templates/c.yaml": '{{ range until 20 }}{{ $x := genPrivateKey "rsa" }}{{ end }}' + configmap()},
    ),
    "key stretched without end": chart(
        "processor time|memory",
        {
            "templates/c.yaml": '{{ range until 100 }}{{ $x := derivePassword 1 "long" "p" "u" "s" }}{{ end }}'
            + configmap()
        },
    ),
    "a loop in NOTES.txt": chart(
        "processor time|memory",
        {"templates/NOTES.txt": "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"},
    ),
    "a loop in a test": chart(
        "processor time|memory",
        {"templates/tests/t.yaml": "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"},
    ),
    "a loop in a subchart": chart(
        "processor time|memory",
        {
            "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
            "charts/sub/templates/a.yaml": "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
        },
    ),
    "division by zero": chart("does not render", {"templates/c.yaml": data("div 1 0")}),
    "error that shows a value": chart(
        "does not render",
        {"templates/c.yaml": '{{ fail (printf "no %s" .Values.password) }}'},
        values=f"password: {CANARY}\n",
    ),
    "error that shows a value in base64": chart(
        "does not render",
        {"templates/c.yaml": "{{ fail (b64enc .Values.token) }}"},
        values=f"token: {CANARY}-token\n",
    ),
    "number that shows a value": chart(
        "does not render",
        {"templates/c.yaml": "{{ int64 .Values.a }}{{ atoi .Values.a | required .Values.a | fail }}"},
        values=f"a: {CANARY}\n",
    ),
    "schema that shows a value": chart(
        "does not render",
        {"values.schema.json": '{"properties": {"a": {"pattern": "^x$"}}}'},
        values=f"a: {CANARY}\n",
    ),
    "schema that shows a value that it does not list": chart(
        "does not render",
        {"values.schema.json": '{"properties": {"a": {"enum": ["x"]}}}'},
        values=f"a: {CANARY}\n",
    ),
    "schema in the subchart that refers to a host": chart(
        "$ref",
        {
            "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
            "charts/sub/values.schema.json": '{"$ref": "https://169.254.169.254/"}',
        },
    ),
    "schema by $dynamicRef": chart(
        "$ref", {"values.schema.json": '{"allOf": [{"$dynamicRef": "file:///etc/passwd"}]}'}
    ),
    "schema by $id": chart(
        "$id|$ref",
        {
            "values.schema.json": '{"$id": "http://169.254.169.254/s", "properties": {"a": {"$ref": "#/x"}}, "$defs": {"b": {"$id": "file:///etc/", "$ref": "#y"}}}'
        },
    ),
    "schema by a relative reference": chart(
        "$ref", {"values.schema.json": '{"$ref": "../../../../../outside/secret.yaml"}'}
    ),
    "schema that never ends": chart(
        "", {"values.schema.json": '{"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}'}
    ),
    "schema with an endless pattern": chart(
        "does not render|processor time",
        {"values.schema.json": '{"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}'},
        values="a: " + "a" * 5_000 + "!\n",
    ),
    "schema that is YAML": chart(
        "does not render|$ref", {"values.schema.json": "$ref: file:///etc/passwd\n"}
    ),
    "values in two documents": chart("more than one document", {}, values="a: 1\n---\nb: 2\n"),
    "values that are a list": chart("does not render|not a mapping", {}, values="- a\n"),
    "values that are a text": chart("does not render|not a mapping", {}, values=f"{CANARY}\n"),
    "values with duplicate keys": chart("same key twice", {}, values="a: 1\na: 2\n"),
    "values with a tag": chart("tag", {}, values="a: !!python/object/apply:os.system [id]\n"),
    "values larger than a megabyte": chart(
        "larger than an API server takes",
        {"templates/c.yaml": configmap(more="data: {a: {{ .Values.a | quote }}}\n")},
        values="a: '" + "x" * 3_000_000 + "'\n",
    ),
    "chart of a future": chart(
        "does not render", {"Chart.yaml": "apiVersion: v9\nname: x\nversion: 0.1.0\n"}
    ),
    "chart whose name is a path": chart(
        "does not render|name", {"Chart.yaml": "apiVersion: v2\nname: ../../outside\nversion: 0.1.0\n"}
    ),
    "chart without a version": chart("does not render", {"Chart.yaml": "apiVersion: v2\nname: x\n"}),
    "chart for another Kubernetes": chart("does not render", {"Chart.yaml": CHART + "kubeVersion: '>=99'\n"}),
    "Chart.yaml with two documents": chart(
        "document|not in the repository|does not render",
        {"Chart.yaml": CHART + "---\ndependencies: [{name: sub, repository: 'https://example.com'}]\n"},
    ),
    "Chart.yaml with duplicate keys": chart("same key twice", {"Chart.yaml": CHART + "name: y\n"}),
    "Chart.yaml that is a link outside": Trap(
        "helm",
        "leads out",
        {"base/templates/c.yaml": configmap(), "dev/values.yaml": ""},
        {"base/Chart.yaml": f"{UP}/outside/secret.yaml"},
    ),
    "chart that contains itself": chart("link to a folder", {}, more=ring),
    "pipe as a template": chart("not a regular file", {}, more=pipe),
    "socket as a template": chart("not a regular file", {}, more=socket_file),
    "sparse file of 64 GiB in a chart": chart("larger than", {}, more=sparse),
    "chart of 5,100 files": chart("more than 5,000 files", {}, more=many_files),
    "link to a device in a chart": chart("leads out", {}, links={"base/zero": "/dev/zero"}),
    "link to a process in a chart": chart(
        "leads out", {}, links={"base/templates/e.yaml": "/proc/self/environ"}
    ),
    "another kind in crds": chart("cluster-scoped", {"crds/a.yaml": ROLE}),
    "somebody else's namespace in crds": chart(
        "kube-system", {"crds/a.yaml": configmap("a\n  namespace: kube-system")}
    ),
    "alias bomb in crds": chart(
        "aliases",
        {
            "crds/a.yaml": "\n".join(
                ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
            )
        },
    ),
    "YAML in crds that ends in the middle": chart(
        "not valid YAML|does not render", {"crds/a.yaml": "a: [1,"}, at="apps/x/base/crds/a.yaml:"
    ),
    "hook of a subchart for somebody else's namespace": chart(
        "kube-system",
        {
            "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
            "charts/sub/templates/a.yaml": JOB.format('"helm.sh/hook": pre-install').replace(
                "  name: j", "  name: j\n  namespace: kube-system"
            ),
        },
    ),
    "hook whose weight is no number": chart(
        "wave|weight",
        {"templates/c.yaml": JOB.format('"helm.sh/hook": pre-install, "helm.sh/hook-weight": "soon"')},
    ),
    "hook whose weight is larger than any": chart(
        "wave|weight",
        {"templates/c.yaml": JOB.format('"helm.sh/hook": pre-install, "helm.sh/hook-weight": "99999999999"')},
    ),
    "hook that is a list": chart(
        "does not render|not a string|hook", {"templates/c.yaml": JOB.format('"helm.sh/hook": [pre-install]')}
    ),
    "template that says where it comes from": chart(
        "cluster-scoped",
        {"templates/c.yaml": f"---\n# Source: x/../../../../outside/secret.yaml\n{ROLE}\n"},
        at="apps/x/base/templates/c.yaml",
    ),
    "document separator in a value": chart(
        "cluster-scoped",
        {"templates/c.yaml": configmap(more="data: {a: {{ .Values.a }}\n")},
        values=f"a: |\n  x}}\n\n  ---\n  {ROLE}\n",
    ),
    "cluster-scoped kind by values": chart(
        "cluster-scoped",
        {"templates/c.yaml": configmap() + "---\n{{ .Values.extra | toYaml }}\n"},
        values=f"extra: {ROLE}\n",
    ),
    "cluster-scoped kind by tpl of values": chart(
        "cluster-scoped",
        {"templates/c.yaml": configmap() + "---\n{{ tpl .Values.extra . }}\n"},
        values=f"extra: '{ROLE}'\n",
    ),
    "release namespace of somebody else": chart(
        "kube-system",
        {"templates/c.yaml": configmap('{{ .Release.Name }}\n  namespace: {{ "kube-system" }}')},
    ),
    "post-renderer": chart(
        "cluster-scoped", {"templates/c.yaml": ROLE, "plugin.yaml": "name: p\ntype: postrenderer/v1\n"}
    ),
    "helmignore that hides": chart(
        "leads out", {".helmignore": "secret\n"}, links={"base/secret": f"{UP}/outside/secret.yaml"}
    ),
    "helmignore that never ends": chart(
        "does not render|cluster-scoped|processor",
        {".helmignore": "**/[a-\n" + "*?" * 3_000 + "\n", "templates/c.yaml": ROLE},
    ),
    "template that is not text": chart(
        "does not render|UTF-8|not valid|character", {"templates/c.yaml": b"\xff\xfe\x00a: 1"}
    ),
    "template that writes a NUL": chart(
        "does not render|character", {"templates/c.yaml": 'a: "{{ printf "%c" 0 }}"'}
    ),
    "template that writes control characters": chart(
        "does not render|character|valid", {"templates/c.yaml": '{{ fail "\\x1b]0;title\\x07\\x1b[2J" }}'}
    ),
    **{
        f"changing: {name}": chart(
            "each time",
            {"templates/c.yaml": data(expression), "t.txt": "{{ uuidv4 }}"},
            values="t: '{{ randAlphaNum 20 }}'\nm: {" + ", ".join(f"k{n}: {n}" for n in range(30)) + "}\n",
        )
        for name, expression in {
            "a value evaluated": "tpl .Values.t .",
            "a file evaluated": 'tpl (.Files.Get "t.txt") .',
            "keys in no order": '(keys .Values.m | join ",")',
            "values in no order": '(join "," (values .Values.m))',
            "the day": '(now | date "2006-01-02")',
            "the second": "(now | unixEpoch)",
            "the year, in a condition": '(ternary "a" "b" (gt (now.Year) 2010))',
        }.items()
    },
    "50,000 objects of one template": chart(
        "more than|values|processor|memory|documents",
        {"templates/c.yaml": "{{ range $i := until 50000 }}---\n" + configmap("c-{{ $i }}") + "{{ end }}"},
    ),
}
