"""Edits by hand go back to Git where they belong: for each renderer, proved by rendering what was written."""

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from towpath.config import Config, load_config
from towpath.drift.adoption import AdoptableChange, ListItem, select_changes
from towpath.drift.model import DriftEntry
from towpath.engine.reconcile.adopt import Adoption, write_back
from towpath.engine.source.render import Rendered, render_app
from towpath.fields.managed_fields import FieldChange
from towpath.kube.diff import Difference
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.settings import Settings

TOOLS = Settings.load(os.environ).tools
CONFIG = """\
apiVersion: towpath.dev/v2
apps:
  hello: {image: r.example.com/hello, renderer: RENDERER}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  replicas: 3  # enough for Monday
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      containers:
        - name: hello
          image: r.example.com/hello@sha256:DIGEST
          args: [serve, --fast]
          env:
            - {name: GREETING, value: hello}   # said to everybody
            - {name: COLOUR, value: red}
          ports:
            - containerPort: 8080
        - name: proxy
          image: r.example.com/proxy:1
""".replace("DIGEST", "0" * 64)
SETTINGS = """\
# What operators may change.
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  LEVEL: "info"   # or debug
  MOTD: |
    hello
    world
"""
HELLO = ObjectRef("apps", "Deployment", "dev", "hello")
MAP = ObjectRef("", "ConfigMap", "dev", "settings")
MAIN = ("spec", "template", "spec", "containers", ListItem("hello"))
PROXY = ("spec", "template", "spec", "containers", ListItem("proxy"))


def change(ref: ObjectRef, address: tuple[Any, ...], git: Any, live: Any) -> AdoptableChange:
    at = "".join(f"/{step.name if isinstance(step, ListItem) else step}" for step in address)
    return AdoptableChange(ref, at, address, live, git)


REPLICAS = change(HELLO, ("spec", "replicas"), 3, 5)
LEVEL = change(MAP, ("data", "LEVEL"), "info", "debug")
MOTD = change(MAP, ("data", "MOTD"), "hello\nworld\n", "good\nbye\n")
ADDED_KEY = change(MAP, ("data", "MORE"), None, "0x1")
REMOVED_KEY = change(MAP, ("data", "LEVEL"), "info", None)
GREETING = change(HELLO, (*MAIN, "env", ListItem("GREETING"), "value"), "hello", "good bye")
NEW_ENV = change(HELLO, (*MAIN, "env", ListItem("NEW")), None, {"name": "NEW", "value": "1"})
NO_COLOUR = change(HELLO, (*MAIN, "env", ListItem("COLOUR")), {"name": "COLOUR", "value": "red"}, None)
ARGUMENT = change(HELLO, (*MAIN, "args", ListItem(index=1)), "--fast", "--slow")
GRACE = change(HELLO, ("spec", "template", "spec", "terminationGracePeriodSeconds"), None, 60)
LABEL = change(HELLO, ("metadata", "labels", "team/owner"), None, "shop")
SIDECAR = change(
    HELLO,
    ("spec", "template", "spec", "containers", ListItem("side")),
    None,
    {"name": "side", "image": "r.example.com/side:1", "imagePullPolicy": "IfNotPresent"},
)
PROXY_IMAGE = change(HELLO, (*PROXY, "image"), "r.example.com/proxy:1", "r.example.com/proxy:2")
ALL = [
    REPLICAS,
    LEVEL,
    MOTD,
    ADDED_KEY,
    GREETING,
    NEW_ENV,
    NO_COLOUR,
    ARGUMENT,
    GRACE,
    LABEL,
    SIDECAR,
    PROXY_IMAGE,
]


class Repository:
    def __init__(self, root: Path, renderer: str, files: dict[str, str]) -> None:
        self.root = root
        (root / "towpath.yaml").write_text(CONFIG.replace("RENDERER", renderer))
        for path, text in files.items():
            file = root / "apps/hello" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))

    @property
    def config(self) -> Config:
        return load_config(self.root)

    def render(self, environment: str = "dev") -> Rendered:
        return render_app(self.root, self.config, "hello", environment, tools=TOOLS)

    def adopt(self, *changes: AdoptableChange) -> Adoption:
        found = write_back(self.root, self.config, self.render(), changes, tools=TOOLS)
        for path, text in found.edits.items():
            (self.root / path).write_text(text)
        return found

    def object(self, ref: ObjectRef) -> Manifest:
        return next(each for each in self.render().objects if ref_of(each) == ref)


def value(manifest: Any, address: tuple[Any, ...]) -> Any:
    for step in address:
        if isinstance(step, ListItem) and step.name:
            manifest = next((each for each in manifest if each["name"] == step.name), None)
        elif isinstance(step, ListItem):
            manifest = manifest[step.index]
        else:
            manifest = manifest.get(step) if manifest else None
    return manifest


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    return Repository(
        tmp_path, "plain", {"dev/deployment.yaml": DEPLOYMENT, "dev/more/settings.yaml": SETTINGS}
    )


@pytest.fixture
def kustomize(tmp_path: Path) -> Repository:
    return Repository(
        tmp_path,
        "kustomize",
        {
            "base/kustomization.yaml": "resources: [deployment.yaml, settings.yaml]\n",
            "base/deployment.yaml": DEPLOYMENT,
            "base/settings.yaml": SETTINGS,
            "dev/kustomization.yaml": """\
                # dev
                namespace: dev
                resources:
                  - ../base
                """,
        },
    )


@pytest.mark.parametrize("each", [*ALL, REMOVED_KEY], ids=str)
def test_plain_files_get_exactly_the_live_value(plain: Repository, each: AdoptableChange) -> None:
    others = {ref_of(o): o for o in plain.render().objects if ref_of(o) != each.ref}
    found = plain.adopt(each)
    assert (found.adopted, found.not_adopted) == ((each,), ())
    assert value(plain.object(each.ref), each.address) == each.live
    assert {ref_of(o): o for o in plain.render().objects if ref_of(o) != each.ref} == others
    [text] = found.edits.values()
    assert "# enough for Monday" in text or "# What operators may change." in text


def test_plain_keeps_every_other_byte(plain: Repository) -> None:
    found = plain.adopt(REPLICAS, GREETING, LEVEL)
    assert found.edits == {
        "apps/hello/dev/deployment.yaml": DEPLOYMENT.replace("replicas: 3", "replicas: 5").replace(
            "value: hello}", "value: good bye}"
        ),
        "apps/hello/dev/more/settings.yaml": SETTINGS.replace('"info"', '"debug"'),
    }


def test_what_other_environments_share_is_left(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        "plain",
        {"base/deployment.yaml": DEPLOYMENT, "dev/settings.yaml": SETTINGS, "prod/x.yaml": SETTINGS},
    )
    found = repository.adopt(REPLICAS, LEVEL)
    assert found.adopted == (LEVEL,)
    [left] = found.not_adopted
    assert left.reason == "it is in apps/hello/base, which other environments share"


@pytest.mark.parametrize("each", [*ALL, REMOVED_KEY], ids=str)
def test_kustomize_gets_a_patch_in_the_overlay(kustomize: Repository, each: AdoptableChange) -> None:
    found = kustomize.adopt(each)
    assert (found.adopted, found.not_adopted) == ((each,), ())
    assert value(kustomize.object(each.ref), each.address) == each.live
    assert all(path.startswith("apps/hello/dev/") for path in found.edits)
    assert "# dev" in found.edits["apps/hello/dev/kustomization.yaml"]


def test_kustomize_takes_all_of_them_at_once(kustomize: Repository) -> None:
    found = kustomize.adopt(*ALL)
    assert (found.adopted, found.not_adopted) == (tuple(ALL), ())
    for each in ALL:
        assert value(kustomize.object(each.ref), each.address) == each.live


def test_kustomize_edits_what_is_there_already(tmp_path: Path) -> None:
    patch = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  LEVEL: warn # dev\n"
    kustomization = """\
        namespace: dev
        resources: [../base, settings.yaml]
        patches:
          - path: level.yaml   # louder
        replicas:
          - name: hello
            count: 3
        """
    repository = Repository(
        tmp_path,
        "kustomize",
        {
            "base/kustomization.yaml": "resources: [deployment.yaml]\n",
            "base/deployment.yaml": DEPLOYMENT,
            "dev/settings.yaml": SETTINGS,
            "dev/level.yaml": patch,
            "dev/kustomization.yaml": kustomization,
        },
    )
    level = change(MAP, ("data", "LEVEL"), "warn", "debug")
    found = repository.adopt(REPLICAS, level, MOTD, ADDED_KEY)
    assert len(found.adopted) == 4
    assert found.edits == {
        "apps/hello/dev/kustomization.yaml": textwrap.dedent(kustomization).replace("count: 3", "count: 5"),
        "apps/hello/dev/level.yaml": patch.replace("warn", "debug"),
        "apps/hello/dev/settings.yaml": SETTINGS.replace("hello\n    world", "good\n    bye")
        + '  MORE: "0x1"\n',
    }


CHART = {
    "base/Chart.yaml": "apiVersion: v2\nname: hello\nversion: 1.0.0\n",
    "base/values.yaml": "replicas: 3\nlevel: info\ngreeting: hello\nother: hello\ntwice: {a: x, b: x}\n",
    "base/templates/all.yaml": """\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data:
          LEVEL: {{ .Values.level | quote }}
          GREETING: {{ .Values.greeting | quote }}
          SHOUT: {{ .Values.other | upper | quote }}
          FIXED: x
          TWICE: {{ .Values.twice.a | quote }}
          AGAIN: {{ .Values.twice.b | quote }}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: count}
        data: {"N": "{{ .Values.replicas }}"}
        """,
    "dev/values.yaml": "# dev\nlevel: warn  # louder\n",
}


@pytest.fixture
def helm(tmp_path: Path) -> Repository:
    return Repository(tmp_path, "helm", CHART)


def test_helm_sets_the_one_value_that_gives_the_field(helm: Repository) -> None:
    level = change(MAP, ("data", "LEVEL"), "warn", "debug")
    count = change(ObjectRef("", "ConfigMap", "dev", "count"), ("data", "N"), "3", "5")
    greeting = change(MAP, ("data", "GREETING"), "hello", "good bye")
    twice = change(MAP, ("data", "TWICE"), "x", "z")
    found = helm.adopt(level, count, greeting, twice)
    assert (found.adopted, found.not_adopted) == ((level, count, greeting, twice), ())
    assert found.edits == {
        "apps/hello/dev/values.yaml": "# dev\nlevel: debug  # louder\nreplicas: 5\ngreeting: good bye\n"
        "twice:\n  a: z\n"
    }
    assert value(helm.object(MAP), ("data", "GREETING")) == "good bye"


@pytest.mark.parametrize(
    "each",
    [
        change(MAP, ("data", "FIXED"), "x", "y"),
        change(MAP, ("data", "SHOUT"), "HELLO", "BYE"),
        change(MAP, ("data", "NEW"), None, "1"),
        change(MAP, ("data", "LEVEL"), "warn", None),
    ],
    ids=str,
)
def test_helm_lists_what_no_value_gives(helm: Repository, each: AdoptableChange) -> None:
    found = helm.adopt(each)
    assert (found.adopted, found.edits) == ((), {})
    assert found.not_adopted[0].reason == "no value of values.yaml gives exactly this field"


LIVE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "hello", "namespace": "dev"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "hello",
                        "image": "r.example.com/hello:x",
                        "env": [{"name": "DB_PASSWORD", "value": "canary"}],
                    },
                    {"name": "proxy", "env": [{"name": "A", "value": "2"}]},
                ]
            }
        }
    },
}


def entry(ref: ObjectRef, *differences: Difference, kind: str = "modified") -> DriftEntry:
    who = FieldChange("T", "kubectl-edit", "Update")
    return DriftEntry("hello", ref, kind, differences, (who,), blame=tuple(who for _ in differences))


@pytest.mark.parametrize(
    ("drift", "reason"),
    [
        (
            entry(ObjectRef("", "Secret", "dev", "token"), Difference("/data/T", "***", "***")),
            "never written to Git",
        ),
        (entry(HELLO, kind="deleted"), "deleted by hand"),
        (entry(MAP, kind="extra"), "nobody declared it"),
        (entry(HELLO), "no field differs"),
        (entry(MAP, Difference("/data/x", "1", "2")), "changed meanwhile"),
        (
            entry(HELLO, Difference("/spec/template/spec/containers/0/image", "r.example.com/hello:x", "y")),
            "comes by a promotion only",
        ),
        (
            entry(HELLO, Difference("/spec/template/spec/containers/0/env/0/value", "canary", None)),
            "looks like a credential",
        ),
        (
            entry(
                HELLO,
                Difference(
                    "/spec/template/spec/containers/0/env",
                    [{"name": "DB_PASSWORD", "value": "canary"}],
                    None,
                ),
            ),
            "looks like a credential",
        ),
        (entry(HELLO, Difference("/metadata/labels/towpath.dev~1app", "other", "hello")), "Towpath's own"),
    ],
)
def test_what_must_not_be_adopted_is_listed_with_its_reason(drift: DriftEntry, reason: str) -> None:
    changes, left = select_changes([drift], {HELLO: LIVE}, {HELLO: LIVE}, ("r.example.com/hello",))
    assert changes == ()
    assert reason in left[0].reason
    assert "canary" not in str(left[0])


def test_a_change_names_list_items_and_who_made_it() -> None:
    at = "/spec/template/spec/containers/1/env/0/value"
    [one], left = select_changes(
        [entry(HELLO, Difference(at, "2", "1"))], {HELLO: LIVE}, {HELLO: LIVE}, ("r",)
    )
    assert left == ()
    assert one.address == (*PROXY, "env", ListItem("A"), "value")
    assert str(one) == f'Deployment dev/hello {at}: "1" -> "2" (kubectl-edit (Update, T))'
