# ruff: noqa: E501  (a trap reads best on one line)
"""Objects that may not be here."""

from tests.traps.repository import ROLE, configmap, listed, plain

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
        "marks ownership", configmap("a\n  labels: {applyset.kubernetes.io/part-of: mine}")
    ),
    "label that is no text": plain("is not a string", configmap("a\n  labels: {a: 1}")),
    "labels that are no mapping": plain("is not a mapping", configmap("a\n  labels: [a]")),
    "question as desired state": plain(
        "not desired state", "apiVersion: authentication.k8s.io/v1\nkind: TokenRequest\nmetadata: {name: a}\n"
    ),
    "wave that is no number": plain("wave", configmap("a\n  annotations: {towpath.dev/wave: soon}")),
    "hook of no phase": plain("hook", configmap("a\n  annotations: {towpath.dev/hook: sometimes}")),
}
