# ruff: noqa: E501  (a trap reads best on one line)
"""Charts that reach out, run something, or never end."""

from tests.traps.repository import CHART, ROLE, UP, Trap, bomb, configmap, helm

HELM = {
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
        "both before and after",
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: j\n  annotations: {helm.sh/hook: 'pre-install,post-install'}\n",
    ),
    "hook that is a Pod": helm(
        "use a Job",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {helm.sh/hook: pre-install}}\n",
    ),
    "hook that is no Job for somebody else's namespace": helm(
        "is for namespace", configmap("c\n  namespace: prod\n  annotations: {helm.sh/hook: pre-install}")
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
    HELM[name] = helm(
        "nothing remote is fetched",
        Chart_yaml=f"{CHART}dependencies: [{{name: sub, version: 1.0.0, repository: '{repository}'}}]\n",
    )
