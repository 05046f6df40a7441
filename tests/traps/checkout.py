# ruff: noqa: E501  (a trap reads best on one line)
"""The checkout itself as the trap: `towpath.yaml`, records, names, links, and more files than anyone reads."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.traps.repository import CANARY, CONFIG, ROLE, Trap, bomb, configmap

GOOD: dict[str, str | bytes] = {"dev/a.yaml": configmap()}
PLAIN = CONFIG.replace("RENDERER", "plain")
DIGEST = "sha256:" + "a" * 64
RELEASE = f"""\
release:
  app: x
  image: 127.0.0.1:5000/x
  digest: {DIGEST}
  commit: {"c" * 40}
  source: s
  subject: s
  author: a
  built_at: '2026-01-01T00:00:00Z'
  scan: {{status: passed}}
  flow_run: r
promoted_at: '2026-01-01T00:00:00Z'
promoted_by: me
"""
POD = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: a, image: '127.0.0.1:5000/x@{DIGEST}'}}]}}\n"
SCALER = (
    "apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: d}}\n"
    "spec: {{maxReplicas: 2, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: d}}}}\n"
)


def config(says: str, text: str, at: str = "towpath.yaml") -> Trap:
    return Trap("plain", says, dict(GOOD), more=lambda root: _write(root / "towpath.yaml", text), at=at)


def record(says: str, name: str, text: str | bytes) -> Trap:
    return Trap(
        "plain", says, {"dev/a.yaml": POD, "dev/release.yaml": RELEASE, name: text}, at=f"apps/x/{name}"
    )


def released(says: str, manifest: str, release: str = RELEASE, at: str = "apps/x/dev") -> Trap:
    return Trap("plain", says, {"dev/a.yaml": manifest, "dev/release.yaml": release}, at=at)


def done(
    says: str, act: Callable[[Path], object], at: str = "apps/x/", files: dict[str, str | bytes] | None = None
) -> Trap:
    return Trap("plain", says, files or dict(GOOD), more=lambda root: act(root) and None, at=at)


def _write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def second_app(root: Path, text: str = "", *, renderer: str = "plain") -> None:
    config = root / "towpath.yaml"
    config.write_text(
        config.read_text().replace(
            "apps:\n", f"apps:\n  y: {{image: 127.0.0.1:5000/y, renderer: {renderer}}}\n"
        )
    )
    _write(root / "apps/y/dev/a.yaml", text or configmap())


def unnamed(root: Path) -> None:
    os.close(os.open(os.fsencode(root) + b"/apps/x/dev/\xff\xfe.yaml", os.O_CREAT | os.O_WRONLY))


def many_strangers(root: Path) -> None:
    for n in range(3_000):
        (root / f"apps/z{n}").mkdir()


def huge_stranger(root: Path) -> None:
    for n in range(200):
        for m in range(30):
            _write(root / f"apps/z/{n}/{m}", "")


def replaced_by(target: str, *, folder: bool = False) -> Callable[[Path], None]:
    def act(root: Path) -> None:
        path = root / ("apps/x/dev" if folder else "towpath.yaml")
        shutil.rmtree(path) if folder else path.unlink()
        path.symlink_to(target)

    return act


def piped(name: str) -> Callable[[Path], None]:
    def act(root: Path) -> None:
        (root / name).unlink(missing_ok=True)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / name)

    return act


def long_path(root: Path) -> None:
    here = os.open(root / "apps/x/dev", os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        here, before = os.open("d" * 200, os.O_RDONLY, dir_fd=here), here
        os.close(before)
    os.close(here)


def wide_folder(root: Path) -> None:
    for n in range(20_000):
        (root / f"apps/x/dev/f{n}").touch()


def deep_git(root: Path) -> None:
    _write(root / "apps/x/dev/.git/config", f"[{CANARY}]")
    (root / "apps/x/dev/g.yaml").symlink_to(".git/config")


def bombs(root: Path, renderer: str, files: dict[str, str], number: int = 12) -> None:
    """The same app many times: each takes what one may take."""
    apps = "".join(f"  x{n}: {{image: 127.0.0.1:5000/x, renderer: {renderer}}}\n" for n in range(number))
    (root / "towpath.yaml").write_text(
        PLAIN.replace("  x: {image: 127.0.0.1:5000/x, renderer: plain}\n", apps)
    )
    shutil.rmtree(root / "apps/x")
    for n in range(number):
        for name, text in files.items():
            _write(root / f"apps/x{n}/{name}", text)


ENVIRONMENT = "  - {name: dev, namespace: dev}\n"
ONE_MORE = ENVIRONMENT + "  - {name: d2, namespace: d2}\n"

CHECKOUT = {
    "towpath.yaml with 5,000 expressions": config(
        "healthCheckExprs",
        PLAIN
        + "healthCheckExprs:\n"
        + "".join(
            f"  - {{apiVersion: e.com/v1, kind: K{n}, current: 'status.a == {n}'}}\n" for n in range(5_000)
        ),
    ),
    "expression of 900 parentheses": config(
        "CEL",
        PLAIN
        + "healthCheckExprs: [{apiVersion: e.com/v1, kind: K, current: '"
        + "(" * 450
        + "1"
        + ")" * 450
        + "'}]\n",
    ),
    "expression of nonsense": config(
        "CEL", PLAIN + "healthCheckExprs: [{apiVersion: e.com/v1, kind: K, current: 'a ==='}]\n"
    ),
    "duration larger than any": config(
        "duration", PLAIN.replace("namespace: dev}", "namespace: dev, timeout: " + "9" * 4_000 + "d}")
    ),
    "image with a tag": config("without tag", PLAIN.replace("5000/x,", "5000/x:latest,")),
    "image with a digest": config("without tag", PLAIN.replace("5000/x,", f"5000/x@{DIGEST},")),
    "image that is a path": config("REGISTRY", PLAIN.replace("127.0.0.1:5000/x", "127.0.0.1:5000/../x")),
    "image that takes long to match": config(
        "REGISTRY|at most", PLAIN.replace("127.0.0.1:5000/x", "a.b/" + "a-" * 120 + "!")
    ),
    "app called base of another": config("lower-case", PLAIN.replace("  x:", "  x/base:")),
    "app called dot dot": config("lower-case", PLAIN.replace("  x:", "  '..':")),
    "app with a newline": config("lower-case", PLAIN.replace("  x:", '  "x\\n":')),
    "app in capitals": config("lower-case", PLAIN.replace("  x:", "  X:")),
    "environment called base": config("choose another name", PLAIN.replace("name: dev", "name: base")),
    "environment called build": config("choose another name", PLAIN.replace("name: dev", "name: build")),
    "two environments of one name": config("is there twice", PLAIN + "  - {name: dev, namespace: d2}\n"),
    "namespace of the cluster itself": config(
        "lower-case", PLAIN.replace("namespace: dev", "namespace: 'kube system'")
    ),
    "renderer that does not exist": config("must be", PLAIN.replace("plain", "jsonnet")),
    "renderer that is a command": config("must be", PLAIN.replace("plain", "'sh -c id'")),
    "source context out of the repository": config(
        "inside of the repository",
        PLAIN.replace("plain}", "plain, source: {repository: ../x.git, context: ../../etc}}"),
    ),
    "kubeconfig of a relative path": config(
        "must match|kubeconfig", PLAIN.replace("namespace: dev}", "namespace: dev, kubeconfig: ../../k}")
    ),
    "number as a name": config("must be", PLAIN.replace("name: dev,", "name: 1,")),
    "null as apps": config(
        "must be", "apiVersion: towpath.dev/v2\napps: null\nenvironments: [{name: dev, namespace: dev}]\n"
    ),
    "no environments": config("environments", "apiVersion: towpath.dev/v2\napps: {}\nenvironments: []\n"),
    "configuration of a future": config("is written for", PLAIN.replace("towpath.dev/v2", "towpath.dev/v9")),
    "configuration that is empty": config("must be a mapping", ""),
    "configuration in two documents": config("document", PLAIN + "---\n" + PLAIN),
    "configuration by anchors in circles": config(
        "nested deeper|values|anchor|alias", "apiVersion: &a [*a]\n"
    ),
    "configuration with a merge key": config("unknown key|duplicate", PLAIN + "<<: {apps: {}}\n"),
    "configuration with aliases to a huge text": config(
        "of text", "a: &a " + "x" * 900_000 + "\nb: [" + "*a," * 40_000 + "]\n"
    ),
    "configuration in UTF-16": Trap(
        "plain",
        "UTF-8",
        dict(GOOD),
        more=lambda root: _write(root / "towpath.yaml", PLAIN.encode("utf-16")),
        at="towpath.yaml",
    ),
    "configuration of 200,000 signs in one line": config(
        "unknown key", PLAIN + "k" * 900 + ": '" + "x" * 200_000 + "'\n"
    ),
    "configuration in a pipe": done("not a regular file", piped("towpath.yaml"), "towpath.yaml"),
    "configuration that is a folder": done(
        "not a regular file|folder",
        lambda root: ((root / "towpath.yaml").unlink(), (root / "towpath.yaml").mkdir()),
        "towpath.yaml",
    ),
    "configuration that is a device": done("leads out", replaced_by("/dev/zero"), "towpath.yaml"),
    "configuration that links to itself": done("link to itself", replaced_by("towpath.yaml"), "towpath.yaml"),
    "no configuration": done(
        "towpath.yaml", lambda root: (root / "towpath.yaml").unlink() or True, "towpath.yaml"
    ),
    "environment folder that is a device": done(
        "leads out|no such folder", replaced_by("/dev", folder=True), "apps/x/dev"
    ),
    "environment folder that links to itself": done(
        "leads out|link to itself", replaced_by("dev", folder=True), "apps/x/dev"
    ),
    "environment folder that is a file": done(
        "no such folder",
        lambda root: (shutil.rmtree(root / "apps/x/dev"), _write(root / "apps/x/dev", "a")),
        "apps/x/dev",
    ),
    "release in a pipe": done(
        "not a regular file", piped("apps/x/dev/release.yaml"), "apps/x/dev/release.yaml"
    ),
    "quarantine in a pipe": done(
        "not a regular file", piped("apps/x/quarantine.yaml"), "apps/x/quarantine.yaml"
    ),
    "confirmation in a pipe": done(
        "not a regular file", piped("apps/x/dev/prune.yaml"), "apps/x/dev/prune.yaml"
    ),
    "manifest in a pipe": done("not a regular file", piped("apps/x/dev/p.yaml"), "apps/x/dev/p.yaml"),
    "manifest that nobody may read": done(
        "no object|cannot be read|Kubernetes|", lambda root: (root / "apps/x/dev/a.yaml").write_text("")
    ),
    "release of another app": record(
        "another app|app", "dev/release.yaml", RELEASE.replace("app: x", "app: y")
    ),
    "release of another image": record(
        "is the release of", "dev/release.yaml", RELEASE.replace("5000/x", "5000/y")
    ),
    "release by a tag": record("digest", "dev/release.yaml", RELEASE.replace(DIGEST, "latest")),
    "release of an unknown scan": record("scan", "dev/release.yaml", RELEASE.replace("passed", "skipped")),
    "release with unknown keys": record("", "dev/release.yaml", RELEASE + "extra: 1\n")
    if False
    else record(
        "promoted_at|must",
        "dev/release.yaml",
        RELEASE.replace("promoted_at: '", "promoted_at: ['").replace("Z'\npromoted_by", "Z']\npromoted_by"),
    ),
    "release that is a list": record("must be a mapping", "dev/release.yaml", "- a\n"),
    "release that is empty": record("should be an object", "dev/release.yaml", ""),
    "release that is a bomb": record("aliases", "dev/release.yaml", bomb()),
    "release of which nothing runs": released("no container runs", configmap()),
    "release, but a tag runs": released(
        "not by digest", POD.replace(f"@{DIGEST}", ":latest"), at="apps/x/dev/a.yaml:1"
    ),
    "release, but another digest runs": released(
        "release.yaml says", POD.replace(DIGEST, "sha256:" + "b" * 64), at="apps/x/dev/a.yaml:1"
    ),
    "release, but a tag and a digest run": released(
        "", POD.replace("x@", "x:latest@").replace(DIGEST, "sha256:" + "b" * 64), at="apps/x/dev/a.yaml:1"
    ),
    "release, but an initial container runs a tag": released(
        "not by digest",
        POD.replace("spec: {", "spec: {initContainers: [{name: i, image: '127.0.0.1:5000/x:v1'}], "),
        at="apps/x/dev/a.yaml:1",
    ),
    "release, but an ephemeral container runs a tag": released(
        "not by digest",
        POD.replace("spec: {", "spec: {ephemeralContainers: [{name: i, image: '127.0.0.1:5000/x:v1'}], "),
        at="apps/x/dev/a.yaml:1",
    ),
    "release, but a CronJob runs a tag": released(
        "not by digest",
        POD
        + "---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: '127.0.0.1:5000/x'}]}}}}}\n",
        at="apps/x/dev/a.yaml:6",
    ),
    "release, but a custom resource runs a tag": released(
        "not by digest",
        POD
        + "---\napiVersion: example.com/v1\nkind: Worker\nmetadata: {name: c}\nspec: {pods: {deep: [{podSpec: {containers: [{name: a, image: '127.0.0.1:5000/x:v1'}]}}]}}\n",
        at="apps/x/dev/a.yaml:6",
    ),
    "release, but an image volume is a tag": released(
        "not by digest",
        POD.replace("spec: {", "spec: {volumes: [{name: v, image: {reference: '127.0.0.1:5000/x:v1'}}], "),
        at="apps/x/dev/a.yaml:1",
    ),
    "release, but an image in capitals": released(
        "digest|no container", POD.replace(f"x@{DIGEST}", "X:v1"), at="apps/x/dev"
    ),
    "quarantine that is a mapping": record("must be a mapping that begins", "quarantine.yaml", "digest: a\n"),
    "quarantine of nonsense": record("must have", "quarantine.yaml", "- {digest: 1}\n"),
    "quarantine that is a bomb": record("aliases", "quarantine.yaml", bomb()),
    "quarantine of what is no digest": record(
        "digest", "quarantine.yaml", "- {digest: latest, reason: a, at: '2026-01-01T00:00:00Z'}\n"
    ),
    "confirmation of everything": record("must have", "dev/prune.yaml", "objects: ['*']\n"),
    "confirmation without uid": record(
        "must have", "dev/prune.yaml", "objects: [{kind: Namespace, name: dev}]\n"
    ),
    "confirmation that is a list": record(
        "must be a mapping", "dev/prune.yaml", "- {kind: Namespace, name: dev, uid: a}\n"
    ),
    "confirmation with duplicate keys": record("duplicate", "dev/prune.yaml", "objects: []\nobjects: []\n"),
    "confirmation with more keys": record(
        "must have", "dev/prune.yaml", "objects: [{kind: Namespace, name: dev, uid: a, force: true}]\n"
    ),
    "confirmation that is a bomb": record("aliases", "dev/prune.yaml", bomb()),
    "file name that is not text": done("cannot be shown", unnamed),
    "file name with a newline": done(
        "cannot be shown", lambda root: _write(root / "apps/x/dev/a\nb: 1.yaml", "a: 1")
    ),
    "file name that steers the terminal": done(
        "cannot be shown", lambda root: _write(root / "apps/x/dev/\x1b[2J.yaml", "a: 1")
    ),
    "file name that reads backwards": done(
        "cannot be shown", lambda root: _write(root / "apps/x/dev/\u202elmay.yaml", "a: 1")
    ),
    "folder called like a manifest": done(
        "kind", lambda root: _write(root / "apps/x/dev/b.yaml/c.yaml", "a: 1")
    ),
    "path of 6,000 signs": done("too long|cannot be read", long_path),
    "folder of 20,000 files": done("more than 5,000 files", wide_folder),
    "link into a folder called .git": done("`.git`", deep_git),
    "2 links in a circle": done(
        "leads out|itself",
        lambda root: (
            (root / "apps/x/dev/m.yaml").symlink_to("n.yaml"),
            (root / "apps/x/dev/n.yaml").symlink_to("m.yaml"),
        ),
    ),
    "link to a folder": done(
        "link to a folder", lambda root: (root / "apps/x/dev/link").symlink_to("../../x")
    ),
    "link to nothing": done(
        "no such file", lambda root: (root / "apps/x/dev/link.yaml").symlink_to("nothing.yaml")
    ),
    "link to a secret of this machine": done(
        "leads out", lambda root: (root / "apps/x/dev/link.yaml").symlink_to("/etc/shadow")
    ),
    "link to this process": done(
        "leads out", lambda root: (root / "apps/x/dev/link.yaml").symlink_to("/proc/self/environ")
    ),
    "link to the temporary folder": done(
        "leads out",
        lambda root: (root / "apps/x/dev/link.yaml").symlink_to(root.parent / "outside/secret.yaml"),
    ),
    "link from apps to the root of this machine": done(
        "symbolic link", lambda root: (root / "apps/z").symlink_to("/"), "apps/z"
    ),
    "stranger in apps": done("no app of this name", lambda root: (root / "apps/z").mkdir() or True, "apps/z"),
    "stranger of 6,000 files": done("no app of this name", huge_stranger, "apps/z"),
    "pauses that are a link outside": done(
        "symbolic link", lambda root: (root / "pauses").symlink_to("../outside"), "pauses"
    ),
    "pause in a pipe": done("not a regular file", piped("pauses/dev.yaml"), "pauses/dev.yaml"),
    **{
        f"source {url}": config(
            "Git URL|not allowed|refused",
            PLAIN.replace("plain}", f"plain, source: {{repository: '{url}'}}}}"),
            "towpath.yaml:3",
        )
        for url in (
            "ext::sh -c id",
            "--upload-pack=id",
            "http://example.com/x.git",
            "https://169.254.169.254/x.git",
            "ftp://example.com/x.git",
            "ssh://user:hunter2@example.com/x.git",
        )
    },
    **{
        f"branch {name}": config(
            "name of a branch",
            PLAIN.replace("plain}", f"plain, source: {{repository: ../x.git, branch: '{name}'}}}}"),
            "towpath.yaml:3",
        )
        for name in ("--upload-pack=id", "a b", "a:b", "@{-1}^", "../x")
    },
    "expression of macros without end": config(
        "run for ever",
        PLAIN
        + "healthCheckExprs: [{apiVersion: e.com/v1, kind: K, current: '[1].all(a, [1].all(b, [1].all(c, true)))'}]\n",
    ),
    "two apps claim one object": done("is declared by app", second_app, "apps/x/"),
    "two apps claim one object by two versions": done(
        "is declared by app",
        lambda root: second_app(root, SCALER.format(version="v1")),
        "apps/x/",
        {"dev/a.yaml": SCALER.format(version="v2")},
    ),
    "two apps claim one object, one inside a List": done(
        "is declared by app",
        lambda root: second_app(
            root, "apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: c}}]\n"
        ),
        "apps/x/",
    ),
    "two apps claim one cluster-scoped object": done(
        "is declared by app",
        lambda root: second_app(root, "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev}\n"),
        "apps/x/",
        {"dev/a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev, namespace: kube-system}\n"},
    ),
    "scope told by another app's definition": done(
        "cluster-scoped",
        lambda root: (
            (root / "towpath.yaml").write_text(
                PLAIN.replace("apps:\n", "apps:\n  y: {image: 127.0.0.1:5000/y, renderer: plain}\n").replace(
                    "namespace: dev}", "namespace: dev, allowClusterScoped: [CustomResourceDefinition]}"
                )
            ),
            _write(
                root / "apps/y/dev/a.yaml",
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: fleets.example.com}\n"
                "spec: {group: example.com, scope: Cluster, names: {kind: Fleet, plural: fleets}, versions: [\n"
                "  {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n",
            ),
        ),
        "apps/x/dev/a.yaml:1",
        {"dev/a.yaml": "apiVersion: example.com/v1\nkind: Fleet\nmetadata: {name: f}\n"},
    ),
}

MANY = {
    "3,000 exceptions for apps that are spelt otherwise": config(
        "no app",
        "apiVersion: towpath.dev/v2\napps:\n"
        + "".join(f"  app-{n}: {{image: a.b/x, renderer: plain}}\n" for n in range(3_000))
        + "environments: [{name: dev, namespace: dev, apps: {"
        + ",".join(f"apb-{n}: {{drift: heal}}" for n in range(3_000))
        + "}}]\n",
    ),
    "towpath.yaml with 20,000 unknown keys": config(
        "unknown key", PLAIN + "".join(f"k{n}: 1\n" for n in range(20_000))
    ),
    "towpath.yaml with 6,000 wrong apps": config(
        "lower-case",
        "apiVersion: towpath.dev/v2\napps:\n"
        + "".join(f"  A{n}: {{image: a, b: c}}\n" for n in range(6_000))
        + "environments: [{name: dev, namespace: dev}]\n",
    ),
    "12 charts without end": done(
        "processor time|memory|not rendered",
        lambda root: bombs(
            root,
            "helm",
            {
                "base/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n",
                "base/templates/c.yaml": "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
                "dev/values.yaml": "a: 1\n",
            },
        ),
        "apps/x",
    ),
    "12 charts of much memory": done(
        "processor time|memory|not rendered",
        lambda root: bombs(
            root,
            "helm",
            {
                "base/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n",
                "base/templates/c.yaml": '{{ $t := "xxxxxxxxxxxxxxxx" }}{{ range until 60 }}{{ $t = cat $t $t }}{{ end }}{{ $t }}',
                "dev/values.yaml": "a: 1\n",
            },
        ),
        "apps/x",
    ),
    "12 apps of many values": done(
        "values",
        lambda root: bombs(
            root,
            "plain",
            {"dev/a.yaml": "a: [" + "1," * 240_000 + "]", "dev/b.yaml": "a: [" + "1," * 240_000 + "]"},
        ),
        "apps/x",
    ),
    "16,000 wrong objects": done(
        "more",
        lambda root: [_write(root / f"apps/x/dev/b{n}.yaml", f"---\n{ROLE}\n" * 4_000) for n in range(4)],
    ),
}
