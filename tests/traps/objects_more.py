# ruff: noqa: E501  (a trap reads best on one line)
"""More objects that may not be here, and YAML that reads as something else."""

from tests.traps.repository import CANARY, ROLE, Trap, configmap, listed, plain


def annotated(text: str) -> str:
    return configmap(f"c\n  annotations: {{{text}}}")


def crd(scope: str, group: str = "example.com", kind: str = "Fleet") -> str:
    return (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        f"metadata: {{name: fleets.{group}}}\nspec: {{group: {group}, scope: {scope}, names: {{kind: {kind}, plural: fleets}}}}\n"
    )


MORE_OBJECTS = {
    **{
        f"cluster-scoped {kind}": plain(
            "cluster-scoped", f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n"
        )
        for version, kind in (
            ("rbac.authorization.k8s.io/v1beta1", "ClusterRole"),
            ("rbac.authorization.k8s.io/v1alpha1", "ClusterRoleBinding"),
            ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"),
            ("apiregistration.k8s.io/v1", "APIService"),
            ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
            ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration"),
            ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
            ("v1", "PersistentVolume"),
            ("v1", "Node"),
            ("storage.k8s.io/v1", "StorageClass"),
            ("scheduling.k8s.io/v1", "PriorityClass"),
            ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"),
            ("policy/v1beta1", "PodSecurityPolicy"),
            ("certificates.k8s.io/v1", "CertificateSigningRequest"),
            ("node.k8s.io/v1", "RuntimeClass"),
            ("networking.k8s.io/v1", "IngressClass"),
            ("cert-manager.io/v1", "ClusterIssuer"),
            ("kyverno.io/v1", "ClusterPolicy"),
        )
    },
    "cluster-scoped kind under a group that has none": plain(
        "no kind|cluster-scoped", ROLE.replace("rbac.authorization.k8s.io/v1", "v1")
    ),
    "cluster-scoped kind in a List of another kind": plain(
        "cluster-scoped", '{"apiVersion": "v1", "kind": "ConfigMapList", "items": [' + ROLE + "]}"
    ),
    "cluster-scoped kind in items of no List": plain(
        "cluster-scoped|not a kind|declares|is missing",
        '{"apiVersion": "v1", "kind": "Listing", "metadata": {"name": "a"}, "items": [' + ROLE + "]}",
    )
    if False
    else plain(
        "no kind",
        '{"apiVersion": "v1", "kind": "Listing", "metadata": {"name": "a"}, "items": [' + ROLE + "]}",
    ),
    "List with a name": plain(
        "cluster-scoped",
        '{"apiVersion": "v1", "kind": "List", "metadata": {"name": "a"}, "items": [' + ROLE + "]}",
    ),
    "List without items": plain("renders no object|no kind|metadata|items", "apiVersion: v1\nkind: List\n"),
    "List whose items are null": plain("renders no object", "apiVersion: v1\nkind: List\nitems: null\n"),
    "List of texts": plain("not a Kubernetes object", listed('"a"')),
    "kind in lower case": plain("not a kind's name", configmap().replace("ConfigMap", "configmap")),
    "kind of another group": plain("no kind", "apiVersion: v1\nkind: Deployment\nmetadata: {name: a}\n"),
    "group that no cluster has": plain(
        "extensions", "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n"
    ),
    "apiVersion in capitals": plain("`apiVersion`", configmap().replace("v1", "V1")),
    "apiVersion that is a number": plain("`apiVersion`", configmap().replace("v1", "1")),
    "kind that is a list": plain("`kind`", configmap().replace("ConfigMap", "[ConfigMap]")),
    "group that is the core's other name": plain(
        "it is in v1", configmap().replace("apiVersion: v1", "apiVersion: core/v1")
    ),
    "cluster-scoped kind of a group without a dot": plain(
        "no kind", "apiVersion: core/v1\nkind: Node\nmetadata: {name: node}\n"
    ),
    "name with two dots": plain("not a valid name", configmap("a..b")),
    "name with a dash before a dot": plain("not a valid name", configmap("a-.b")),
    "suffix in capitals": Trap(
        "plain", "small letters", {"dev/a.yaml": configmap(), "dev/b.YAML": configmap("b")}
    ),
    "name with a slash": plain("not a valid name", configmap("a/b")),
    "name that ends with a newline": plain("not a valid name", configmap('"a\\n"')),
    "name of another alphabet": plain("not a valid name", configmap("\u0430pp")),
    "name that is null": plain("`metadata.name` is missing", configmap("null")),
    "name that reads as true": plain("not a valid name", configmap("yes")),
    "namespace that is a path": plain("is for namespace", configmap("a\n  namespace: dev/../kube-system")),
    "namespace with a blank": plain("is for namespace", configmap("a\n  namespace: 'dev '")),
    "namespace in capitals": plain("is for namespace", configmap("a\n  namespace: DEV")),
    "namespace of the cluster in a hook": plain(
        "is for namespace",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: kube-system, annotations: {towpath.dev/hook: pre-sync}}\nspec: {template: {spec: {restartPolicy: Never}}}\n",
    ),
    "Namespace by a List": plain(
        "not this environment's",
        '{"apiVersion": "v1", "kind": "NamespaceList", "items": [{"metadata": {"name": "prod"}}]}',
    ),
    "smoke check that is no Job": plain("use a Job", annotated("towpath.dev/hook: smoke")),
    "hook that is a Pod": plain(
        "use a Job",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {towpath.dev/hook: pre-sync}}\nspec: {containers: [{name: a, image: a}]}\n",
    ),
    "inventory of ours": plain("Towpath's own", configmap("towpath-inventory-x")),
    "inventory of another app": plain("Towpath's own", configmap("towpath-inventory-y")),
    "label of ours": plain("marks ownership", configmap("a\n  labels: {towpath.dev/app: why}")),
    "label of ours in an annotation": plain("marks ownership", annotated("towpath.dev/inventory: why")),
    "annotation of ours that does not exist": plain("unknown annotation", annotated("towpath.dev/wawe: '1'")),
    "prune of nonsense": plain("towpath.dev/prune", annotated("towpath.dev/prune: maybe")),
    "recreate of nonsense": plain("towpath.dev/recreate", annotated("towpath.dev/recreate: always")),
    "ignore that is no pointer": plain("towpath.dev/ignore", annotated("towpath.dev/ignore: spec.replicas")),
    "ignore of everything": plain("towpath.dev/ignore", annotated("towpath.dev/ignore: '/'")),
    "wave larger than any": plain("wave", annotated("towpath.dev/wave: '99999999999999999999'")),
    "wave in other digits": plain("wave", annotated("towpath.dev/wave: '\u0661'")),
    "annotation that is a number": plain("is not a string", annotated("a: 1")),
    "annotations of a megabyte": plain(
        "262,144|annotations", configmap("c\n  annotations: {a: '" + "x" * 300_000 + "'}")
    ),
    "label of 64 signs": plain("label", configmap("a\n  labels: {a: " + "x" * 64 + "}")),
    "label with a blank": plain("label", configmap("a\n  labels: {a: 'b c'}")),
    "label whose key is a path": plain("label", configmap("a\n  labels: {a/b/c: d}")),
    "owner that does not exist": plain(
        "ownerReferences", configmap("a\n  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}]")
    ),
    "finalizers that are a text": plain("finalizers", configmap("a\n  finalizers: a")),
    "data that is a number": plain("not a string", configmap(more="data: {a: 1}\n")),
    "data that is a list": plain("not a mapping", configmap(more="data: [a]\n")),
    "data whose key is a path": plain("key", configmap(more="data: {../a: b}\n")),
    "Secret that is not base64": plain(
        "base64", f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: {{a: '{CANARY}!'}}\n"
    ),
    "Secret that is a number": plain(
        "not a string", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: 1}\n"
    ),
    "object of 1.4 MB in other letters": plain(
        "larger than", configmap(more="data: {a: '" + "\u00e9" * 800_000 + "'}\n")
    ),
    "same object by another case of its name": plain(
        "not a valid name", f"{configmap('a')}---\n{configmap('A')}"
    ),
    "same object in a List and alone": plain(
        "declared twice",
        f"{configmap('c')}---\napiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}}}\n",
    ),
    "same object in base and environment": Trap(
        "plain", "declared twice", {"base/a.yaml": configmap(), "dev/a.yaml": configmap()}
    ),
    "same object in YAML and JSON": Trap(
        "plain",
        "declared twice",
        {
            "dev/a.yaml": configmap(),
            "dev/b.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}',
        },
    ),
    "scope of a built-in kind told anew": plain(
        "cluster-scoped|CustomResourceDefinition",
        crd("Namespaced", "rbac.authorization.k8s.io", "ClusterRole"),
    ),
    "status of everything": plain(
        "cluster-scoped",
        ROLE.replace(
            '{"name": "r"}',
            '{"name": "r", "uid": "u", "resourceVersion": "1", "managedFields": []}, "status": {}',
        ),
    ),
    "a review as desired state": plain(
        "not desired state",
        "apiVersion: authorization.k8s.io/v1\nkind: SubjectAccessReview\nmetadata: {name: a}\n",
    ),
    "an eviction as desired state": plain(
        "not desired state", "apiVersion: policy/v1\nkind: Eviction\nmetadata: {name: a}\n"
    ),
    "a binding as desired state": plain(
        "not desired state", "apiVersion: v1\nkind: Binding\nmetadata: {name: a}\n"
    ),
    "an event as desired state": plain(
        "not desired state", "apiVersion: events.k8s.io/v1\nkind: Event\nmetadata: {name: a}\n"
    ),
}

MORE_YAML = {
    "alias across documents": plain("not (yet) there", f"a: &x 1\n---\n{configmap()}data: *x\n"),
    "alias as a key": plain("not a plain value|not (yet)", "a: &x [1]\n*x : 2\n"),
    "anchor twice": plain("kind", "a: &x 1\nb: &x 2\nc: *x\n"),
    "duplicate key by quotes": plain("same key twice", "'a': 1\n\"a\": 2\n"),
    "duplicate key by escapes": plain("same key twice", 'ab: 1\n"\\x61b": 2\n'),
    "duplicate key by a number's form": plain("same key twice", "10: 1\n0xa: 2\n"),
    "duplicate key by true and yes": plain("same key twice", "true: 1\nyes: 2\n"),
    "duplicate key by null": plain("not a plain value|same key", "~: 1\nnull: 2\n"),
    "duplicate key far below": plain(
        "same key twice", configmap(more="data:\n  a: {b: {c: {d: 1, d: 2}}}\n")
    ),
    "duplicate key in JSON": Trap("plain", "same key twice", {"dev/a.json": '{"kind": "A", "kind": "B"}'}),
    "merge of a text": plain("does not name a mapping", "a: {<<: text}"),
    "merge of itself": plain("not (yet) there", "a: &x {<<: *x}"),
    "two merge keys": plain("same key twice|kind", "a: &x {b: 1}\nc: {<<: *x, <<: *x}\n"),
    "set": plain("tag", "!!set {a, b}"),
    "ordered map": plain("tag", "!!omap [a: 1]"),
    "pairs": plain("tag", "!!pairs [a: 1]"),
    "timestamp": plain("tag", "a: !!timestamp 2001-01-01"),
    "tag by a long name": plain("tag", "a: !<tag:yaml.org,2002:python/object/new:os.system> [id]"),
    "tag by a directive": plain(
        "tag|valid", "%TAG !e! tag:yaml.org,2002:python/\n---\na: !e!name:os.system x"
    ),
    "tag that is a module": plain("tag", "!!python/module:os"),
    "tag of an import": plain("tag", "a: !include /etc/passwd"),
    "tag of a CloudFormation": plain("tag", "a: !Sub '${x}'"),
    "octal of nothing": plain("kind", "a: 0o\nb: 08\n"),
    "sexagesimal": plain("kind", "a: 12:30:45\n"),
    "infinite number by exponents": plain("kind", "a: 1e99999999\n"),
    "number of a million digits": plain("digits", "a: 0x" + "f" * 1_000_000),
    "floating number of a million digits": plain("digits|JSON", "a: 1." + "1" * 1_000_000),
    "number of underscores": plain("kind|digits", "a: 1" + "_" * 30 + "\n"),
    "key that is a float": plain("kind", "1.5: a\n"),
    "key that is not a number": plain("JSON cannot hold", ".nan: a\n"),
    "key that is null": plain("not a plain value|kind", "? \n: 1\n"),
    "key of a megabyte": plain("not valid YAML|kind", "? " + "k" * 1_000_000 + "\n: 1\n"),
    "line of 7 MB": plain("larger than an API server takes|kind", "a: " + "x" * 7_000_000),
    "byte order mark in the middle": plain("not valid YAML|kind", "a: 1\n\ufeffb: 2\n"),
    "UTF-32": plain("not UTF-8", "a: 1".encode("utf-32")),
    "UTF-16 without a mark": plain("not UTF-8|character", "a: 1\n".encode("utf-16-le")),
    "overlong UTF-8": plain("not UTF-8", b"a: \xc0\xaf"),
    "surrogates in UTF-8": plain("not UTF-8", b"a: \xed\xa0\x80"),
    "returns without newlines": plain("kind|not valid", "a: 1\rb: 2\r"),
    "next line of Unicode": plain("kind|not valid|character", "a: 1\x85b: 2\u2028c: 3"),
    "separator in a text": plain("kind", "a: |\n  ---\n  kind: Secret\n"),
    "end of document in the middle": plain("kind|not valid", "a: 1\n...\nb: 2\n...\n")
    if False
    else plain("not valid YAML", "a: 1\n... x\n"),
    "document after its end": plain("cluster-scoped", f"{configmap()}...\n---\n{ROLE}\n"),
    "JSON after YAML": plain("cluster-scoped", f"{configmap()}---\n{ROLE}"),
    "JSON lines": Trap("plain", "not valid YAML|cluster-scoped", {"dev/a.json": f"{ROLE}\n{ROLE}\n"}),
    "JSON with comments": Trap("plain", "kind", {"dev/a.json": '{"a": 1 // x\n}'}),
    "comments only, 7 MB": plain("renders no object", "# x\n" * 1_700_000),
    "empty documents": plain("renders no object", "---\n" * 4_000),
    "100,000 empty documents": plain("more than 5,000 documents", "---\n" * 100_000),
    "flow without end": plain("not valid YAML|deeper", "{[" * 50_000),
    "brackets of 90 levels, often": plain(
        "values|kind|not a Kubernetes", ("- " + "[" * 90 + "]" * 90 + "\n") * 2_000
    ),
    "question marks": plain("deeper|not valid|plain value", "? ? ? ?" * 1_000),
    "anchors and aliases of one value": plain(
        "kind|values|Kubernetes", "a: &a x\nb: [" + "*a," * 100_000 + "]"
    ),
    "alias to a huge text": plain(
        "aliases|larger|bytes", "a: &a " + "x" * 1_000_000 + "\nb: [" + "*a," * 5_000 + "]"
    ),
    "key by an alias to a huge text": plain(
        "", "a: &a " + "x" * 100_000 + "\nb: [" + "{*a : 1}," * 5_000 + "]"
    ),
    "Windows file name": plain("not a valid name", configmap("CON.yaml\\..\\a")),
}
