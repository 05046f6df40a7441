"""Repositories that somebody made to harm: what they are made of, and how one is built on disk."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CANARY = "canary-1"
CONFIG = """\
apiVersion: towpath.dev/v2
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
    more: Callable[[Path], None] | None = None
    """What else is done to the checkout, given its top."""
    at: str = "apps/x/"
    """How the finding begins: file, and line where it is known."""


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


def chart(says: str, files: dict[str, str | bytes], values: str = "a: 1\n", **more: Any) -> Trap:
    """`files` are below the chart."""
    base: dict[str, str | bytes] = {"Chart.yaml": CHART, "templates/c.yaml": configmap(), **files}
    placed = {f"base/{name}": text for name, text in base.items()}
    return Trap("helm", says, {**placed, "dev/values.yaml": values}, **more)


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
FUNCTION = """\
apiVersion: example.com/v1
kind: F
metadata:
  name: f
  annotations:
    config.kubernetes.io/function: """
UP = "../../../.."

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
    if trap.more:
        trap.more(root)
    return root
