"""Repositories of Argo CD and of Flux, written for the tests."""

from collections.abc import Mapping
from pathlib import Path

ARGO_URL = "https://git.example.com/team/gitops.git"
_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {from: %s}\n"
_SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: %s, namespace: argocd}
spec:
  goTemplate: true
  generators:
  - list: {elements: [{env: dev}, {env: prod}]}
  template:
    metadata: {name: "%s-{{.env}}"}
    spec:
      project: default
      source: {repoURL: %s, targetRevision: HEAD, path: "%s"%s}
      destination: {server: https://kubernetes.default.svc, namespace: "{{.env}}"}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
---
"""


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def argo(folder: Path) -> Path:
    """ApplicationSets of overlays, of a chart and of plain manifests, each in dev and prod."""
    helm = ', helm: {releaseName: shop, valueFiles: ["values-{{.env}}.yaml"]}'
    apps = _SET % ("guestbook", "guestbook", ARGO_URL, "guestbook/overlays/{{.env}}", "")
    apps += _SET % ("shop", "shop", ARGO_URL, "charts/shop", helm)
    apps += _SET % ("maps", "maps", ARGO_URL, "maps", "")
    return write(
        folder,
        {
            "apps/all.yaml": apps,
            "guestbook/base/kustomization.yaml": "resources: [map.yaml]\n",
            "guestbook/base/map.yaml": _MAP % ("guestbook", "base"),
            "guestbook/overlays/dev/kustomization.yaml": "resources: [../../base]\nnamePrefix: dev-\n",
            "guestbook/overlays/prod/kustomization.yaml": "resources: [../../base]\nnamePrefix: prod-\n",
            "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
            "charts/shop/values.yaml": "size: 1\n",
            "charts/shop/values-dev.yaml": "size: 2 # small\n",
            "charts/shop/values-prod.yaml": "size: 3\n",
            "charts/shop/templates/map.yaml": _MAP % ("{{ .Release.Name }}", "'{{ .Values.size }}'"),
            "maps/map.yaml": _MAP % ("plain", "here"),
            "maps/deep/other.yaml": _MAP % ("other", "here"),
        },
    )


def flux(folder: Path) -> Path:
    """A HelmRelease of a chart from elsewhere, and a folder of manifests, in one namespace."""
    release = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: podinfo, namespace: web}
spec:
  interval: 5m
  chart: {spec: {chart: podinfo, version: ^6, sourceRef: {kind: HelmRepository, name: podinfo}}}
  values: {replicaCount: 2}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: podinfo, namespace: web}
spec: {interval: 5m, url: https://charts.example.com/podinfo}
"""
    kustomization = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: %s, namespace: flux-system}
spec: {interval: 10m, path: %s, prune: true, sourceRef: {kind: GitRepository, name: flux-system}%s}
---
"""
    apps = kustomization % ("apps", "./apps", "")
    maps = kustomization % ("maps", "./infra/maps", ", targetNamespace: web, postBuild: {substitute: {a: b}}")
    return write(
        folder,
        {
            "fleet/sync.yaml": apps + maps,
            "apps/kustomization.yaml": "resources: [podinfo.yaml]\n",
            "apps/podinfo.yaml": release,
            "infra/maps/map.yaml": _MAP % ("plain", "flux"),
        },
    )
