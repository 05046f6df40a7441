# ruff: noqa: E501  (a trap reads best on one line)
"""Little that costs much: what is named again and again, grows by aliases, or matches in too many ways."""

from pathlib import Path

from tests.traps.repository import Trap, chart, configmap, kustomize, plain

ENDLESS = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"


def ladder(steps: int, deep: int = 1) -> str:
    """Every step is an alias to the one before, a few levels deeper."""
    lines = ["  - &a0 [1]"]
    lines += [f"  - &a{n} {'[' * deep}*a{n - 1}{']' * deep}" for n in range(1, steps)]
    return configmap(more="ladder:\n" + "\n".join(lines) + "\n")


def ten_thousand() -> str:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 4)]
    return "\n".join(lines)


def empty_folders(root: Path) -> None:
    for n in range(10_100):
        (root / f"apps/x/e{n}").mkdir()


def many_pauses(root: Path) -> None:
    (root / "pauses").mkdir()
    for n in range(10_100):
        (root / f"pauses/p{n}.yaml").touch()


COST = {
    "yaml": {
        "ladder of aliases": plain("deeper than", ladder(150)),
        "long ladder of aliases": plain("deeper than", ladder(690)),
        "ladder of aliases in long steps": plain("deeper than", ladder(40, 80)),
    },
    "objects": {
        "ignore with blanks without end": plain(
            "towpath.dev/ignore",
            configmap("c\n  annotations: {towpath.dev/ignore: '/a" + " " * 200_000 + "~'}"),
        ),
        "ignore with blanks in many places": plain(
            "towpath.dev/ignore",
            configmap("c\n  annotations: {towpath.dev/ignore: '" + ("/a" + " " * 500 + ",") * 300 + "~'}"),
        ),
    },
    "kustomize": {
        "one resource 40,000 times": kustomize(
            "is named twice",
            f"resources: [{'a.yaml,' * 40_000}]",
            {"dev/a.yaml": "---\n{a: 1}\n" * 4_000},
        ),
        "one file of variables 40,000 times": kustomize(
            "1 MiB",
            f"configMapGenerator: [{{name: x, envs: [{'e,' * 40_000}]}}]",
            {"dev/e": "A=b\n" * 200_000},
        ),
        "one file of variables in 5,000 objects": kustomize(
            "more than 8 MiB",
            "configMapGenerator:\n" + "".join(f"- {{name: x{n}, envs: [e]}}\n" for n in range(5_000)),
            {"dev/e": "A=b\n" * 200_000},
        ),
        "400 patches of aliases": kustomize(
            "values",
            "resources: [a.yaml]\npatches:\n"
            + ("- patch: |\n    " + ten_thousand().replace("\n", "\n    ") + "\n") * 400,
            {"dev/a.yaml": configmap()},
        ),
        "100 bases of 15,000 values": kustomize(
            "values",
            f"resources: [{', '.join(f'../b{n}' for n in range(100))}]",
            {
                f"b{n}/kustomization.yaml": "images: [" + "{name: a, newName: b}," * 3_000 + "]\n"
                for n in range(100)
            },
        ),
        "annotation of 200 KB for 1,000 objects": kustomize(
            "processor time|memory|ended",
            f"commonAnnotations: {{a: {'a' * 200_000}}}\nresources: [a.yaml]",
            {"dev/a.yaml": "---\n".join(configmap(f"c{n}") for n in range(1_000))},
        ),
        "path of many backslashes": kustomize(
            "4,096", 'resources:\n- \'"kind":"Secret" "data": {' + "\\" * 400_000 + "}'\n"
        ),
    },
    "helm": {
        "loop beside 15 MB": chart(
            "processor time|memory",
            {"templates/c.yaml": ENDLESS, "a.bin": b"x" * 7_500_000, "b.bin": b"x" * 7_500_000},
        ),
        "error of a long Secret": chart(
            "does not render",
            {
                "templates/c.yaml": '{{ fail (printf "\\"kind\\":\\"Secret\\" \\"data\\": {%s}" (repeat 4000000 "\\\\")) }}'
            },
        ),
    },
    "checkout": {
        "10,000 folders beside the environment": Trap(
            "plain", "more than 10,000 entries", {"dev/a.yaml": configmap()}, more=empty_folders, at="apps/x"
        ),
        "10,000 pauses": Trap(
            "plain", "more than 10,000 entries", {"dev/a.yaml": configmap()}, more=many_pauses, at="pauses"
        ),
    },
}
