"""The files of a new environment repository: pure, path to text."""

import re
from collections.abc import Mapping, Sequence

from towpath.errors import RefusedError
from towpath.kube.kinds import crd_scopes, is_cluster_scoped
from towpath.release.image_ref import parse_image
from towpath.scaffold.given import KUSTOMIZATION, given_base, given_objects, images_in, listed
from towpath.yamltext.style import inline


def scaffold_repository(  # noqa: PLR0913
    app: str,
    environments: Sequence[str],
    *,
    image: str | None = None,
    manifests: Mapping[str, str] | None = None,
    port: int = 8080,
    without_image: bool = False,
) -> dict[str, str]:
    """An environment repository for one app: `towpath.yaml`, a Kustomize base, an overlay per environment.

    `image` is what runs (with or without tag); `manifests` (path -> text) become the base, else a Deployment
    and a Service are written for the image. Without `image` the manifests' only image is taken;
    `without_image` they become an app that has no releases.
    """
    if without_image:
        return _without_image(app, environments, manifests or {})
    found = images_in(manifests or {})
    written = image or _only(found)
    name = parse_image(written).name
    base = _base(app, written, port) if manifests is None else given_base(manifests)
    # In the manifests the image may be called by a short name, or by that of another registry.
    called = _called(name, found) if manifests is not None else name
    files = {"towpath.yaml": _config(app, name, environments, smoke=manifests is None)}
    files |= {f"apps/{app}/base/{path}": text for path, text in base.items()}
    for index, environment in enumerate(environments):
        folder = f"apps/{app}/{environment}"
        replicas = None if manifests is not None else 1 if index < len(environments) - 1 else 2
        files[f"{folder}/kustomization.yaml"] = _overlay(app, environment, replicas, called, name)
        files[f"{folder}/namespace.yaml"] = _NAMESPACE.format(
            environment=inline(environment), account=f"towpath-{environment}"
        )
    return files


def _without_image(app: str, environments: Sequence[str], manifests: Mapping[str, str]) -> dict[str, str]:
    """An app that is synced as Git has it, and the cluster-scoped kinds that its manifests need."""
    objects = list(given_objects(manifests))
    scopes = crd_scopes(objects)
    kinds = {
        str(each["kind"])
        for each in objects
        if is_cluster_scoped(str(each.get("apiVersion", "")), str(each.get("kind", "")), scopes)
    }
    allowed = ", ".join(["Namespace", *sorted(kinds - {"Namespace"})])
    config = _WITHOUT_IMAGE_HEAD.format(app=inline(app))
    for name in environments:
        config += f"  - name: {inline(name)}\n    namespace: {inline(name)}\n"
        config += f"    allowClusterScoped: [{allowed}]\n" if kinds - {"Namespace"} else ""
    files = {"towpath.yaml": config}
    files |= {f"apps/{app}/base/{path}": text for path, text in given_base(manifests).items()}
    for name in environments:
        files[f"apps/{app}/{name}/kustomization.yaml"] = _overlay(app, name, None, "", "")
        files[f"apps/{app}/{name}/namespace.yaml"] = _NAMESPACE.format(
            environment=inline(name), account=f"towpath-{name}"
        )
    return files


def _only(found: Sequence[str]) -> str:
    names = {parse_image(each).name for each in found}
    if len(names) == 1:
        return found[0]
    what = f"the manifests run {', '.join(sorted(names))}" if names else "the manifests run no image"
    raise RefusedError(
        f"{what}; which one is to be promoted?",
        remedy="Name it: --image REGISTRY/REPOSITORY. Or --no-image, if what is merged is synced as it is.",
    )


def _called(name: str, found: Sequence[str]) -> str:
    for each in found:
        if parse_image(each).name == name:
            return re.sub(r"(:[^/:@]+)?(@.*)?$", "", each)
    last = name.rpartition("/")[2]
    for each in found:
        if parse_image(each).name.rpartition("/")[2] == last:
            return re.sub(r"(:[^/:@]+)?(@.*)?$", "", each)
    raise RefusedError(
        f"no manifest runs {name}", remedy=f"They run {', '.join(found) or 'nothing'}: name one of these."
    )


def _config(app: str, image: str, environments: Sequence[str], *, smoke: bool) -> str:
    parts = [_CONFIG_HEAD.format(app=inline(app), folder=app, image=inline(image))]
    if smoke:
        parts.append(_SMOKE.format(service=inline(_service(app))))
    parts.append(
        "\n# In promotion order. Each one wants the release verified in the one before it.\nenvironments:\n"
    )
    for index, name in enumerate(environments):
        parts.append(f"  - name: {inline(name)}\n    namespace: {inline(name)}\n")
        if index == len(environments) - 1 and index:
            parts.append(_APPROVALS)
    parts.append("\nscan:\n  scanners: [secret, vuln]\n  block: [CRITICAL, HIGH]\n")
    return "".join(parts)


def _base(app: str, image: str, port: int) -> dict[str, str]:
    return {
        "kustomization.yaml": _BASE.format(kustomization=KUSTOMIZATION, app=inline(app)),
        "deployment.yaml": _DEPLOYMENT.format(app=inline(app), image=inline(image), port=port),
        "service.yaml": _SERVICE.format(service=inline(_service(app))),
    }


def _service(app: str) -> str:
    """The name of its Service, which must begin with a letter."""
    return app if app[0].isalpha() else f"app-{app}"


def _overlay(app: str, environment: str, replicas: int | None, called: str, image: str) -> str:
    resources = listed(["namespace.yaml", "../base"])
    text = f"{KUSTOMIZATION}namespace: {inline(environment)}\n\nresources:\n{resources}"
    if replicas is not None:
        text += f"\nreplicas:\n  - name: {inline(app)}\n    count: {replicas}\n"
    if called != image:
        text += "\n# A promotion adds the digest.\nimages:\n"
        text += f"  - name: {inline(called)}\n    newName: {inline(image)}\n"
    return text


_CONFIG_HEAD = """\
# What is delivered, where to, in which order, and which policies hold there.
# `towpath check` finds mistakes before a commit does; `towpath check --schema` is for editors.
apiVersion: towpath.dev/v2

apps:
  {app}:
    # A promotion writes a digest of this repository, never a tag, into an overlay.
    image: {image}
    # To build it here, name its code; relative to this repository's own URL:
    # source: {{repository: ../{folder}.git, branch: main}}
    renderer: kustomize
"""
_WITHOUT_IMAGE_HEAD = """\
# What is synced, where to, and which policies hold there.
# `towpath check` finds mistakes before a commit does; `towpath check --schema` is for editors.
apiVersion: towpath.dev/v2

apps:
  {app}:
    renderer: kustomize
    # A merged change enters an environment at once (merge), or when the same change was verified in the
    # environment before (manifests).
    promote: manifests

# In this order.
environments:
"""
_SMOKE = """\
    # Asked once every object is healthy.
    smoke:
      - {{service: {service}, port: 80, path: /, status: 200}}
"""
_APPROVALS = """\
    # gate:
    #   approvals: {required: 1, from: [alice, bob]}
"""
_BASE = """\
{kustomization}
labels:
  - pairs:
      app.kubernetes.io/name: {app}
    includeSelectors: true
    includeTemplates: true

resources:
  - deployment.yaml
  - service.yaml
"""
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
spec:
  # A roll-out that makes no progress for this long has failed: verification stops waiting then.
  progressDeadlineSeconds: 60
  template:
    spec:
      containers:
        - name: {app}
          image: {image}
          ports:
            - name: http
              containerPort: {port}
          readinessProbe:
            httpGet: {{path: /, port: http}}
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {service}
spec:
  ports:
    - name: http
      port: 80
      targetPort: http
"""
_NAMESPACE = """\
# With these two in Git a deleted namespace is rebuilt by the next reconcile: the namespace first,
# then Towpath's own right to work in it, then everything else.
apiVersion: v1
kind: Namespace
metadata:
  name: {environment}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: towpath
  annotations:
    towpath.dev/wave: "-1"
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: towpath-environment
subjects:
  - kind: ServiceAccount
    name: {account}
    namespace: towpath-system
"""
