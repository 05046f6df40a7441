"""Whatever surrounds it, only the image changes: the expected text is known, byte by byte.

Each file is made of lines with a hole where the image stands; the hole's old and new content are all that
may differ. Comments, quotes, indentation, line ends, key order and odd values are drawn at random.
"""

from dataclasses import dataclass

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.overlay.image_edit import edit_image

IMAGE = "registry.example.com/team/app"
OTHER = "registry.example.com/team/app-sidecar"
OLD = "sha256:" + "0" * 64
NEW = "sha256:" + "1" * 64

comments = st.sampled_from(["", " # why", "  # image: {a: [", "   # 'quoted\" # twice", " # ü 🚀"])
quotes = st.sampled_from(["", "'", '"'])
newlines = st.sampled_from(["\n", "\r\n"])
spaces = st.sampled_from([" ", "  ", "     "])
keys = st.lists(
    st.text("abcdefghijklm", min_size=1, max_size=6).filter(lambda key: key != "image"),
    max_size=4,
    unique=True,
)
values = st.sampled_from(
    [
        "1",
        "'1'",
        "~",
        "[a, b]",
        "{image: x}",
        f'"{IMAGE}"',
        "|\n    image: x\n    # no comment\n",
        "0644",
        "yes",
        "",
    ]
)
fillers = st.lists(st.sampled_from(["", "# image: x", "   ", "# -----"]), max_size=2)


@dataclass(frozen=True)
class Case:
    before: str
    after: str


def pairs(draw: st.DrawFn, names: list[str], indent: str = "") -> list[str]:
    lines = []
    for name in names:
        value = draw(values).replace("\n", f"\n{indent}").rstrip(" ")
        comment = draw(comments) if "\n" not in value else ""
        lines.append(f"{indent}{name}:{draw(spaces)}{value}{comment}".rstrip("\n"))
        lines += draw(fillers)
    return lines


@st.composite
def kustomizations(draw: st.DrawFn) -> Case:
    quote, comment, space, newline = draw(quotes), draw(comments), draw(spaces), draw(newlines)
    indent = draw(st.sampled_from(["", "  ", "    "]))
    names = draw(keys)
    cut = draw(st.integers(0, len(names)))
    others = [f"{indent}- {{name: {OTHER}, digest: {OLD}}}{draw(comments)}"] * draw(st.integers(0, 2))
    key = draw(st.sampled_from(["digest", "newTag"]))
    old = OLD if key == "digest" else "v1.0"
    entry = [f"{indent}-   name:{space}{IMAGE}{draw(comments)}"]
    hole = f"{indent}    KEY:{space}{quote}VALUE{quote}{comment}"
    order = draw(st.booleans())
    lines = [*pairs(draw, names[:cut]), f"images:{draw(comments)}", *(others if order else [])]
    lines += [*entry, *draw(fillers), hole, *([] if order else others), *pairs(draw, names[cut:])]
    text = newline.join("\n".join(lines).split("\n")) + draw(st.sampled_from(["", newline]))
    return Case(
        text.replace("KEY", key).replace("VALUE", old), text.replace("KEY", "digest").replace("VALUE", NEW)
    )


@st.composite
def helm_values(draw: st.DrawFn) -> Case:
    newline, space, quote = draw(newlines), draw(spaces), draw(quotes)
    names = draw(keys)
    cut = draw(st.integers(0, len(names)))
    form = draw(st.sampled_from(["block", "flow", "text"]))
    if form == "text":
        image = [f"image:{space}{quote}TEXT{quote}{draw(comments)}"]
    elif form == "flow":
        image = [
            "image: {pullPolicy: Always, repository: REPOSITORY, "
            f"digest:{space}{quote}DIGEST{quote}}}{draw(comments)}"
        ]
    else:
        fields = [
            f"  repository: {quote}REPOSITORY{quote}{draw(comments)}",
            f"  digest:{space}DIGEST{draw(comments)}",
        ]
        fields += [f"  pullPolicy: Always{draw(comments)}", "  # a comment"]
        image = [f"image:{draw(comments)}", *draw(st.permutations(fields))]
    text = "\n".join([*pairs(draw, names[:cut]), *image, *pairs(draw, names[cut:])])
    text = newline.join(text.split("\n")) + newline
    before = text.replace("REPOSITORY", "old.example.com/app").replace("DIGEST", OLD).replace("TEXT", "old:1")
    after = text.replace("REPOSITORY", IMAGE).replace("DIGEST", NEW).replace("TEXT", f"{IMAGE}@{NEW}")
    return Case(before, after)


@st.composite
def manifests(draw: st.DrawFn) -> Case:
    newline = draw(newlines)
    documents = []
    for number in range(draw(st.integers(1, 3))):
        lines = [f"# document {number}", "apiVersion: apps/v1", "kind: Deployment", *pairs(draw, draw(keys))]
        lines += ["spec:", "  template:", "    spec:"]
        lines.append(f"      {draw(st.sampled_from(['containers', 'initContainers']))}:{draw(comments)}")
        for place in range(draw(st.integers(1, 3))):
            what = "HOLE" if place == 0 else draw(st.sampled_from(["HOLE", OTHER, f"{OTHER}:1.0", "nginx:1"]))
            quote = draw(quotes)
            if draw(st.booleans()):
                lines.append(
                    f"        - {{name: c{place}, image: {quote}{what}{quote}, tty: true}}{draw(comments)}"
                )
            else:
                lines.append(f"        - name: c{place}{draw(comments)}")
                lines += draw(fillers)
                lines.append(f"          image:{draw(spaces)}{quote}{what}{quote}{draw(comments)}")
        documents.append("\n".join(lines))
    text = newline.join("\n---\n".join(documents).split("\n")) + newline
    old = draw(st.sampled_from([IMAGE, f"{IMAGE}:1.0", f"{IMAGE}@{OLD}", f"{IMAGE}:1.0@{OLD}"]))
    return Case(text.replace("HOLE", old), text.replace("HOLE", f"{IMAGE}@{NEW}"))


def check(renderer: str, file: str, case: Case) -> None:
    files = {file: case.before}
    edited = edit_image(renderer, files, IMAGE, NEW)
    assert edited == {file: case.after}
    list(yaml.compose_all(case.after, Loader=yaml.SafeLoader))
    assert edit_image(renderer, edited, IMAGE, NEW) == {}, "a second time there is nothing to do"


@settings(max_examples=150, deadline=None)
@given(kustomizations())
def test_a_kustomization_changes_only_in_the_digest(case: Case) -> None:
    check("kustomize", "kustomization.yaml", case)


@settings(max_examples=150, deadline=None)
@given(helm_values())
def test_values_change_only_in_the_image(case: Case) -> None:
    check("helm", "values.yaml", case)


@settings(max_examples=150, deadline=None)
@given(manifests())
def test_manifests_change_only_in_the_images_of_the_app(case: Case) -> None:
    check("plain", "deployment.yaml", case)
