"""The image changes; every other byte, comment and quote stays."""

import difflib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.admission.images import image_problems
from towpath.admission.policy import AdmissionPolicy
from towpath.errors import ConfigError
from towpath.kube.image_fields import ImageRule, objects_in
from towpath.overlay.image_edit import edit_image, editable_files
from towpath.release.model import one_image
from towpath.yamltext.scalars import KUBERNETES

IMAGE = "127.0.0.1:5000/hello"
OLD = "sha256:" + "0" * 64
NEW = "sha256:" + "1" * 64
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 7))


def kustomize(text: str) -> str:
    return edit_image("kustomize", {"kustomization.yaml": text}, IMAGE, NEW).get("kustomization.yaml", text)


def helm(text: str) -> str:
    return edit_image("helm", {"values.yaml": text}, IMAGE, NEW).get("values.yaml", text)


def plain(text: str, container: str | None = None) -> str:
    return edit_image("plain", {"d.yaml": text}, IMAGE, NEW, container=container)["d.yaml"]


def changed(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


# ---- kustomize


def test_an_overlay_without_images_gets_them_at_its_end() -> None:
    before = "# mine\nkind: Kustomization\nresources:   [../base]  # base\n# the end\n"
    assert kustomize(before) == before + f"images:\n  - name: {IMAGE}\n    digest: {NEW}\n"


def test_a_file_without_a_last_line_end_gets_one() -> None:
    assert kustomize("kind: Kustomization").startswith("kind: Kustomization\nimages:\n")


def test_line_ends_of_windows_stay() -> None:
    after = kustomize("kind: Kustomization\r\nresources: []\r\n")
    assert after.count("\r\n") == after.count("\n") == 5


def test_a_document_end_mark_stays_last() -> None:
    assert kustomize("kind: Kustomization\n...\n").endswith(f"digest: {NEW}\n...\n")


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_the_digest_is_replaced_with_its_quotes_and_comment(quote: str) -> None:
    other = "images:\n- name: other\n  digest: x\n"
    before = f"{other}- name: {IMAGE}  # ours\n  digest: {quote}{OLD}{quote} # d\nx: 1\n"
    assert kustomize(before) == before.replace(OLD, NEW)


def test_an_entry_is_found_by_its_new_name() -> None:
    before = f"images:\n  - digest: {OLD}\n    name: hello\n    newName: {IMAGE}\n"
    assert kustomize(before) == before.replace(OLD, NEW)


@pytest.mark.parametrize(
    "names",
    [
        [("app", IMAGE), ("app-migrate", IMAGE)],
        [("app", IMAGE), (IMAGE, None)],
        [("other", "127.0.0.1:5000/other"), (IMAGE, None), ("b", IMAGE), ("c", IMAGE)],
        [(IMAGE, "mirror.example.com/hello"), ("other", None)],
    ],
)
def test_every_entry_that_stands_for_the_image_gets_the_digest(names: list[tuple[str, str | None]]) -> None:
    entries = [{"name": name, "newName": new} if new else {"name": name} for name, new in names]
    after = yaml.safe_load(kustomize(yaml.safe_dump({"images": entries})))["images"]
    for entry, (name, new) in zip(after, names, strict=True):
        assert entry.get("digest") == (NEW if IMAGE in (name, new) else None)


@pytest.mark.parametrize(
    ("spelt", "image"),
    [
        ("acme/shop", "docker.io/acme/shop"),
        ("docker.io/acme/shop", "acme/shop"),
        ("index.docker.io/acme/shop", "docker.io/acme/shop"),
        ("docker.io/library/nginx", "nginx"),
        ("nginx", "docker.io/library/nginx"),
        ("Registry.example.com:443/shop", "registry.example.com/shop"),
    ],
)
def test_an_entry_is_found_under_each_spelling_of_the_image(spelt: str, image: str) -> None:
    before = f"images:\n  - name: {spelt}\n    newTag: '1'\n"
    edited = edit_image("kustomize", {"kustomization.yaml": before}, image, NEW)["kustomization.yaml"]
    assert edited == f"images:\n  - name: {spelt}\n    digest: '{NEW}'\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "image: {registry: '127.0.0.1:5000', repository: hello, digest: ''}",
            f"image: {{registry: '127.0.0.1:5000', repository: hello, digest: '{NEW}'}}",
        ),
        (
            "image:\n  registry: docker.io\n  repository: acme/old",
            f"image:\n  registry: 127.0.0.1:5000\n  repository: hello\n  digest: {NEW}",
        ),
        (
            "image: {registry: '', repository: hello}",
            f"image: {{registry: '', repository: {IMAGE}, digest: {NEW}}}",
        ),
    ],
)
def test_a_chart_that_splits_the_name_gets_it_split(before: str, after: str) -> None:
    assert yaml.safe_load(helm(before)) == yaml.safe_load(after)


def test_a_tag_gives_way_to_the_digest() -> None:
    before = f'images:\n  - name: {IMAGE}\n    newTag: "1.0" # old\n'
    assert kustomize(before) == f'images:\n  - name: {IMAGE}\n    digest: "{NEW}" # old\n'


def test_an_entry_without_digest_gets_one_in_its_own_style() -> None:
    assert kustomize(f"images:\n    -   name: {IMAGE} # x\n\n# y\nz: 1\n") == (
        f"images:\n    -   name: {IMAGE} # x\n        digest: {NEW}\n\n# y\nz: 1\n"
    )
    assert kustomize(f"images: [{{name: '{IMAGE}'}}] # z\n") == (
        f"images: [{{name: '{IMAGE}', digest: {NEW}}}] # z\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "images:\n- name: x # y\n\n# z\na: 1\n",
            "images:\n- name: x # y\n{0}- name: I\n  digest: D\n\n# z\na: 1\n",
        ),
        ("images:\n  - name: x\n", "images:\n  - name: x\n  - name: I\n    digest: D\n"),
        ("images: [{name: x}]\n", "images: [{name: x}, {name: I, digest: D}]\n"),
        ("images: [] # none\na: 1\n", "images: # none\n  - name: I\n    digest: D\na: 1\n"),
        ("images:\na: 1\n", "images:\n  - name: I\n    digest: D\na: 1\n"),
        ("{kind: Kustomization}\n", "{kind: Kustomization, images: [{name: I, digest: D}]}\n"),
        ("{images: []}\n", "{images: [{name: I, digest: D}]}\n"),
    ],
)
def test_an_entry_is_appended_in_the_style_of_the_list(before: str, after: str) -> None:
    wanted = (
        after.replace("{0}", "").replace("name: I", f"name: {IMAGE}").replace("digest: D", f"digest: {NEW}")
    )
    assert kustomize(before) == wanted


def test_a_block_text_becomes_a_plain_one() -> None:
    before = f"images:\n- name: {IMAGE}\n  digest: |\n    {OLD}\nx: 1\n"
    assert kustomize(before) == f"images:\n- name: {IMAGE}\n  digest: {NEW}\nx: 1\n"


def test_doing_it_again_changes_nothing() -> None:
    once = kustomize("kind: Kustomization\n")
    assert edit_image("kustomize", {"kustomization.yaml": once}, IMAGE, NEW) == {}


@pytest.mark.parametrize(
    "text",
    [
        f"a: &d {OLD}\nimages:\n- name: {IMAGE}\n  digest: *d\n",
        f"images:\n- &e\n  name: {IMAGE}\n  digest: {OLD}\nother: *e\n",
        f"images:\n- name: {IMAGE}\n  newTag: x\n  digest: {OLD}\n",
        "images: hello\n",
        "- a\n",
        "a: 1\n---\nb: 1\n",
        "a: [\n",
        "a: &a [*a]\n",
        BOMB,
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"kustomization\.yaml"):
        kustomize(text)


def test_an_overlay_without_kustomization() -> None:
    with pytest.raises(ConfigError, match=r"no kustomization\.yaml"):
        edit_image("kustomize", {"x.yaml": ""}, IMAGE, NEW)


# ---- helm


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "image:\n  repository: I\n  digest: D\n"),
        ("# only a comment\n", "# only a comment\nimage:\n  repository: I\n  digest: D\n"),
        ("replicas: 2 # two\n", "replicas: 2 # two\nimage:\n  repository: I\n  digest: D\n"),
        (
            "image:\n  repository: x # r\n  digest: '' # d\n",
            "image:\n  repository: I # r\n  digest: 'D' # d\n",
        ),
        ("image:\n    repository: I\n    # tag\n    tag: a\nb: 1\n", None),
        ("image:\n  digest:\n  repository: I\n", "image:\n  digest: D\n  repository: I\n"),
        ('image: {repository: I, digest: "x"}\n', 'image: {repository: I, digest: "D"}\n'),
        ("image: {}\n", "image: {repository: I, digest: D}\n"),
        ('image: "x:1" # i\n', 'image: "I@D" # i\n'),
    ],
)
def test_helm_values(before: str, after: str | None) -> None:
    before = before.replace("repository: I", f"repository: {IMAGE}")
    if after is None:
        after = before.replace("    tag: a\n", "    tag: a\n    digest: D\n")
    after = after.replace("I@D", f"{IMAGE}@{NEW}").replace("repository: I\n", f"repository: {IMAGE}\n")
    after = after.replace("repository: I,", f"repository: {IMAGE},").replace(
        "repository: I ", f"repository: {IMAGE} "
    )
    after = after.replace("digest: D", f"digest: {NEW}").replace("'D'", f"'{NEW}'").replace('"D"', f'"{NEW}"')
    assert helm(before) == after


# ---- plain

DEPLOYMENT = """\
# two documents
apiVersion: v1
kind: ConfigMap
data: {image: 127.0.0.1:5000/hello}
---
kind: Deployment
spec:
  template:
    spec:
      initContainers:
        - {name: init, image: "127.0.0.1:5000/hello:1.0"}
      containers:
        - name: hello
          image: 127.0.0.1:5000/hello:1.0   # ours
        - name: sidecar
          image: 127.0.0.1:5000/hello-sidecar:1.0
"""


def test_plain_changes_every_container_that_runs_the_image() -> None:
    reference = f"{IMAGE}@{NEW}"
    assert changed(DEPLOYMENT, plain(DEPLOYMENT)) == [
        '-         - {name: init, image: "127.0.0.1:5000/hello:1.0"}',
        f'+         - {{name: init, image: "{reference}"}}',
        "-           image: 127.0.0.1:5000/hello:1.0   # ours",
        f"+           image: {reference}   # ours",
    ]


def test_plain_changes_only_the_container_that_is_named() -> None:
    after = plain(DEPLOYMENT, container="sidecar")
    assert changed(DEPLOYMENT, after)[1:] == [f"+           image: {IMAGE}@{NEW}"]


def test_plain_without_such_a_container_says_so() -> None:
    with pytest.raises(ConfigError, match="no manifest has a container that runs"):
        plain("kind: ConfigMap\n")
    with pytest.raises(ConfigError, match="a container called web"):
        plain(DEPLOYMENT, container="web")


def test_only_files_that_changed_are_returned() -> None:
    files = {"a.yaml": DEPLOYMENT, "b.yaml": "kind: ConfigMap\n"}
    assert list(edit_image("plain", files, IMAGE, NEW)) == ["a.yaml"]


def test_files_that_matter_by_renderer() -> None:
    names = ["release.yaml", "values.yaml", "kustomization.yaml", "d.yml", "README.md"]
    assert editable_files("kustomize", names) == ["kustomization.yaml"]
    assert editable_files("helm", names) == ["values.yaml"]
    assert editable_files("plain", names) == ["d.yml", "kustomization.yaml", "values.yaml"]


# ---- any file at all


def is_text_for_kubectl(text: str) -> bool:
    """PyYAML, which writes the examples, has no quotes for `1E9` and `y`."""
    try:
        return isinstance(KUBERNETES.resolve(text), str)
    except ValueError:
        return False


text = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=8).filter(
    is_text_for_kubectl
)
scalars = st.none() | st.booleans() | st.integers() | text
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
)
others = text.filter(lambda key: key != "images")
entry = st.fixed_dictionaries({"name": st.sampled_from(["other", IMAGE])}, optional={"digest": st.just(OLD)})


@settings(max_examples=150, deadline=None)
@given(
    before=st.dictionaries(others, data, max_size=4),
    images=st.none() | st.lists(entry, max_size=3),
    after=st.dictionaries(others, data, max_size=2),
    flow=st.sampled_from([None, False]),
    comment=st.sampled_from(["", "# a comment: [x\n"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_any_kustomization_keeps_all_but_the_image(
    before: dict[str, Any], images: Any, after: dict[str, Any], flow: bool | None, comment: str, newline: str
) -> None:
    content = {**before, **({} if images is None else {"images": images}), **after}
    source = yaml.safe_dump(content, default_flow_style=flow, allow_unicode=True, sort_keys=False) + comment
    source = source.replace("\n", newline)
    result = kustomize(source)
    loaded = yaml.safe_load(result)
    found = [item for item in loaded["images"] if item["name"] == IMAGE]
    assert found[0]["digest"] == NEW
    rest = [item for item in images or [] if item["name"] != IMAGE]
    assert [item for item in loaded["images"] if item["name"] != IMAGE] == rest
    assert {k: v for k, v in loaded.items() if k != "images"} == {
        k: v for k, v in yaml.safe_load(source).items() if k != "images"
    }
    # All that was there is still there, in its order, but for one digest.
    kept = iter(result.replace(NEW, "").replace("digest", ""))
    assert all(
        char in kept
        for char in source.replace(OLD, "").replace("digest", "").replace("[]", "").replace(" ", "")
    )
    assert kustomize(result) == result


@pytest.mark.parametrize(
    "before", ["image:\n", "image: null\n", "image:\n  # tag: 1\nx: 1\n", "image: ~ # later\n"]
)
def test_a_chart_value_image_that_is_null_becomes_a_mapping(before: str) -> None:
    assert yaml.safe_load(helm(before))["image"] == {"repository": IMAGE, "digest": NEW}


# ---- plain: every place that is judged is edited

VOLUME = "volumes: [{name: files, image: {reference: '127.0.0.1:5000/hello:1'}}]"
PLACES = {
    "image volume": f"apiVersion: v1\nkind: Pod\nspec:\n  {VOLUME}\n",
    "image volume of a CronJob": "apiVersion: batch/v1\nkind: CronJob\nspec:\n  jobTemplate:\n    spec:\n"
    f"      template:\n        spec:\n          {VOLUME}\n",
    "ephemeral container": "apiVersion: v1\nkind: Pod\nspec:\n  ephemeralContainers:\n"
    "  - name: debug\n    image: 127.0.0.1:5000/hello:1 # for a look\n",
    "custom resource": "apiVersion: a.b/v1\nkind: Engine\nspec:\n  image: '127.0.0.1:5000/hello:1'\n",
    "list of images": "apiVersion: a.b/v1\nkind: Engine\nspec:\n  images: [a, '127.0.0.1:5000/hello:1']\n",
    "List": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: a.b/v1\n  kind: Engine\n"
    "  spec: {sidecarImage: '127.0.0.1:5000/hello:1'}\n",
    "rule": "apiVersion: a.b/v1\nkind: Engine\nspec:\n  run: '127.0.0.1:5000/hello:1'\n",
    "rule in a typed list": "apiVersion: a.b/v1\nkind: EngineList\nitems:\n"
    "- spec: {run: '127.0.0.1:5000/hello'}\n",
}
RULES = (ImageRule("Engine.a.b", "/spec/run"),)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_of_an_image_is_edited_and_then_taken_by_the_judge(place: str) -> None:
    before = PLACES[place]
    after = edit_image("plain", {"d.yaml": before}, IMAGE, NEW, image_rules=RULES)["d.yaml"]
    assert after == before.replace(f"{IMAGE}:1", f"{IMAGE}@{NEW}").replace(f"'{IMAGE}'", f"'{IMAGE}@{NEW}'")
    for text, number in ((before, 1), (after, 0)):
        policy = AdmissionPolicy("dev", images=one_image("app", IMAGE, NEW), image_rules=RULES)
        problems = [
            problem
            for _, manifest in objects_in(yaml.safe_load(text))
            for problem in image_problems({**manifest, "metadata": {"name": "x"}}, policy)
        ]
        assert len(problems) == number


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{repository: '127.0.0.1:5000/hello', tag: v1, digest: ''}", "digest: '{NEW}'}}"),
        ("{registry: '127.0.0.1:5000', name: hello, digest: }", "digest: {NEW}}}"),
        (f"{{repository: '127.0.0.1:5000/hello', tag: 'v1@{OLD}'}}", "tag: 'v1@{NEW}'}}"),
        (f"{{repository: '127.0.0.1:5000/hello@{OLD}'}}", "hello@{NEW}'}}"),
    ],
)
def test_an_image_in_parts_gets_the_digest_where_it_has_one(before: str, after: str) -> None:
    text = f"apiVersion: a.b/v1\nkind: Engine\nmetadata: {{name: x}}\nspec:\n  image: {before}\n"
    edited = plain(text)
    assert edited.endswith(after.format(NEW=NEW) + "\n")
    policy = AdmissionPolicy("dev", images=one_image("app", IMAGE, NEW))
    assert not list(image_problems(yaml.safe_load(edited), policy))


def test_an_image_in_parts_without_a_digest_is_refused() -> None:
    text = "a: 1\n---\napiVersion: a.b/v1\nkind: Engine\nspec:\n"
    text += "  image: {repository: '127.0.0.1:5000/hello', tag: a}\n"
    with pytest.raises(ConfigError, match=r"d\.yaml:3: /spec/image runs .* by a tag and has no `digest`"):
        plain(text)


@pytest.mark.parametrize("spelt", ["acme/shop", "docker.io/acme/shop", "index.docker.io/acme/shop"])
def test_plain_keeps_the_spelling_of_the_image(spelt: str) -> None:
    text = f"kind: Pod\nspec: {{containers: [{{name: a, image: '{spelt}:1'}}]}}\n"
    edited = edit_image("plain", {"d.yaml": text}, "docker.io/acme/shop", NEW)["d.yaml"]
    assert edited == text.replace(f"{spelt}:1", f"{spelt}@{NEW}")


def test_image_pull_secrets_are_no_images() -> None:
    pod = "kind: Pod\nspec: {imagePullSecrets: [{name: shop}], containers: [{name: a, image: shop}]}\n"
    edited = edit_image("plain", {"d.yaml": pod}, "docker.io/library/shop", NEW)["d.yaml"]
    assert edited == pod.replace("image: shop", f"image: shop@{NEW}")


JSON = [
    '{"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "IMAGE:1"}]}}',
    '{\n  "kind" : "Pod",\n  "spec":{"volumes":[{"name":"v","image":{"reference":"IMAGE"}}]}\n}\n',
    '{\r\n    "kind": "Pod",\r\n    "spec": {"containers": [\r\n'
    '      {"image": "IMAGE:1", "name": "\\u00e4"}]}}\r\n',
    '{"kind": "List", "items": [{"kind": "Job", "spec": {"containers": [{"image": "IMAGE:2"}]}}]}',
    '{"metadata": {"annotations": {"a": "{\\"image\\": \\"IMAGE:1\\"} \\/ # no comment"}},\n'
    ' "kind": "Pod", "spec": {"containers": [{"image":"IMAGE:1"}]}}\n',
    '{"kind": "Engine", "spec": {"image": {"repository": "IMAGE", "digest": null}}}',
    '{\n\t"kind": "Pod",\n\t"spec": {\n\t\t"containers": [\n\t\t\t{"image":\t"IMAGE:1"}\n\t\t]\n\t}\n}\n',
    '\ufeff{"kind": "Pod",\r\n "spec": {"containers": [{"image": "IMAGE"}]}}',
    '{"kind": "Pod", "x": "\\ud83d\\ude00", "spec": {"containers": [{"image": "IMAGE"}]}}',
]


@pytest.mark.parametrize("text", JSON)
def test_a_json_manifest_is_edited_and_stays_json(text: str) -> None:
    before = text.replace("IMAGE", IMAGE)
    edited = edit_image("plain", {"d.json": before}, IMAGE, NEW)["d.json"]
    json.loads(edited.removeprefix("\ufeff"))
    assert edited[0] == before[0]
    assert sum(line[0] == "+" for line in changed(before, edited)) == 1
    assert f'"{NEW}"' in edited or f'"{IMAGE}@{NEW}"' in edited


def test_json_is_among_the_files_of_a_plain_app_and_records_are_not() -> None:
    names = ["d.json", "release.yaml", "quarantine.yaml", "prune.yaml", "e.yaml"]
    assert editable_files("plain", names) == ["d.json", "e.yaml"]


# ---- kustomize compares names as texts: the entry gets the spelling of the base

HUB = "docker.io/acme/shop"


@pytest.mark.parametrize(
    ("runs", "before", "after"),
    [
        (["docker.io/acme/shop:1"], "- name: acme/shop", "- name: docker.io/acme/shop\n  digest: D"),
        (["acme/shop"], "- name: docker.io/acme/shop # ours", "- name: acme/shop # ours\n  digest: D"),
        (["acme/shop:1"], "- name: acme/shop\n  newTag: '2'", "- name: acme/shop\n  digest: 'D'"),
        (["acme/shop:1"], "- name: x", "- name: x\n- name: acme/shop\n  digest: D"),
        (
            ["acme/shop:1", "index.docker.io/acme/shop"],
            "- name: 'docker.io/acme/shop'\n  newTag: a",
            "- name: 'acme/shop'\n  digest: D\n- name: index.docker.io/acme/shop\n  digest: D",
        ),
        (
            ["acme/shop:1"],
            "- name: docker.io/acme/shop\n  newTag: a\n- name: acme/shop\n  digest: old",
            "- name: docker.io/acme/shop\n  newTag: a\n- name: acme/shop\n  digest: D",
        ),
        (
            ["shop:latest"],
            "- name: shop\n  newName: acme/shop",
            "- name: shop\n  newName: acme/shop\n  digest: D",
        ),
        (
            ["docker.io/acme/shop:1"],
            "- name: acme/shop\n  newName: docker.io/acme/shop",
            "- name: docker.io/acme/shop\n  newName: docker.io/acme/shop\n  digest: D",
        ),
        ([f"acme/shop:1@{OLD}"], "- name: acme/shop:1", "- name: acme/shop:1\n  digest: D"),
        (["other"], "- name: acme/shop", "- name: acme/shop\n  digest: D"),
    ],
)
def test_an_entry_gets_the_name_that_the_base_uses(runs: list[str], before: str, after: str) -> None:
    text = f"images:\n{before}\n"
    files = {"kustomization.yaml": text}
    edited = edit_image("kustomize", files, HUB, NEW, runs=frozenset(runs))["kustomization.yaml"]
    assert edited == f"images:\n{after}\n".replace("D", NEW)
    again = edit_image("kustomize", {"kustomization.yaml": edited}, HUB, NEW, runs=frozenset(runs))
    assert again == {}


def test_without_entries_each_spelling_of_the_base_gets_one() -> None:
    runs = frozenset({"nginx:1", "docker.io/library/nginx", "busybox"})
    files = {"kustomization.yaml": "resources: [../base]\n"}
    edited = edit_image("kustomize", files, "docker.io/library/nginx", NEW, runs=runs)["kustomization.yaml"]
    names = [entry["name"] for entry in yaml.safe_load(edited)["images"]]
    assert names == ["docker.io/library/nginx", "nginx"]
