"""Repositories that somebody made to harm (tests/traps): each is refused by `towpath check`, by its name.

Time and memory are measured by `benchmarks/check.py --traps`; here only that the limits are in force.
"""

import os
import shutil
from pathlib import Path

import pytest

from tests.traps import GROUPS, MANY
from tests.traps.helm import HELM as HELM_TRAPS
from tests.traps.repository import CANARY, CONFIG, Trap, bomb, build, configmap, plain
from towpath.engine.check.repository import MAX_FINDINGS, check_repository
from towpath.settings import Settings

TOOLS = Settings.load({"HOME": str(Path.home())}).tools
HELM = shutil.which("helm", path=f"{TOOLS}:{os.environ['PATH']}")


def judge(tmp_path: Path, trap: Trap) -> None:
    root = build(tmp_path, trap)
    said = [str(finding) for finding in check_repository(root, tools=TOOLS).findings]
    assert len(said) == 1, said
    assert any(words in said[0] for words in trap.says.split("|")), said
    assert CANARY not in said[0]
    assert str(tmp_path) not in said[0]
    assert said[0].startswith(trap.at)
    assert len(said[0]) < 1_500


@pytest.mark.parametrize(
    "trap",
    [
        pytest.param(
            trap,
            id=f"{group}: {name}",
            marks=[pytest.mark.skipif(trap.renderer == "helm" and not HELM, reason="needs helm")],
        )
        for group, traps in GROUPS.items()
        for name, trap in traps.items()
    ],
)
def test_trap(tmp_path: Path, trap: Trap) -> None:
    judge(tmp_path, trap)


@pytest.mark.parametrize("trap", MANY.values(), ids=MANY.keys())
def test_many_traps_cost_no_more_than_one_for_each_thread(tmp_path: Path, trap: Trap) -> None:
    said = [str(finding) for finding in check_repository(build(tmp_path, trap), tools=TOOLS).findings]
    assert 1 < len(said) <= MAX_FINDINGS + 2, len(said)
    assert any(word in each for each in said for word in ("not judged", " more problems", " more findings"))
    assert any(words in each for each in said for words in trap.says.split("|")), said[:5]


# ---- the repository itself


def repository(tmp_path: Path) -> Path:
    return build(tmp_path, plain("", configmap()))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(bomb(), "values, aliases followed", id="alias bomb"),
        pytest.param("[" * 50_000, "nested deeper", id="deep nesting"),
        pytest.param(CONFIG.replace("x:", "../../outside:"), "lower-case", id="app that is a path"),
        pytest.param(
            CONFIG.replace("name: dev", "name: ../dev"), "lower-case", id="environment that is a path"
        ),
        pytest.param(CONFIG + "apps: {}\n", "duplicate key", id="duplicate key"),
        pytest.param("a: !!python/object/apply:os.system [id]", "tag", id="tag"),
        pytest.param("# " + "x" * (2 << 20), "bytes", id="huge file"),
    ],
)
def test_towpath_yaml(tmp_path: Path, text: str, says: str) -> None:
    root = repository(tmp_path)
    (root / "towpath.yaml").write_text(text.replace("RENDERER", "plain"))
    said = [str(finding) for finding in check_repository(root).findings]
    assert any(each.startswith("towpath.yaml") and says in each for each in said), said


def test_apps_times_environments_are_bounded(tmp_path: Path) -> None:
    root = repository(tmp_path)
    apps = "".join(f"  a{n}: {{image: 127.0.0.1:5000/x}}\n" for n in range(2_000))
    environments = "".join(f"  - {{name: e{n}, namespace: n{n}}}\n" for n in range(100))
    text = f"apiVersion: towpath.dev/v2\napps:\n{apps}environments:\n{environments}"
    (root / "towpath.yaml").write_text(text)
    (finding,) = check_repository(root).findings
    assert "too many" in finding.message


@pytest.mark.parametrize("name", ["apps", "apps/x", "apps/x/dev", "towpath.yaml"])
def test_a_link_out_of_the_checkout_tells_nothing_of_what_is_there(tmp_path: Path, name: str) -> None:
    root = repository(tmp_path)
    path = root / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    (tmp_path / f"outside/{CANARY}/dev").mkdir(parents=True)
    path.symlink_to(tmp_path / "outside")
    said = [str(finding) for finding in check_repository(root).findings]
    assert any("refused" in each for each in said), said
    assert CANARY not in str(said)


@pytest.mark.parametrize("name", ["apps/x/dev/release.yaml", "apps/x/quarantine.yaml"])
@pytest.mark.parametrize("text", [bomb(), "[" * 50_000, "a: \0", "a: 1\na: 2", "!!python/name:os.system x"])
def test_records_are_read_as_strictly(tmp_path: Path, name: str, text: str) -> None:
    root = repository(tmp_path)
    (root / name).write_text(text)
    (finding,) = check_repository(root).findings
    assert finding.file == name


def test_two_apps_claim_one_object(tmp_path: Path) -> None:
    root = repository(tmp_path)
    path = root / "towpath.yaml"
    path.write_text(
        path.read_text().replace("apps:\n", "apps:\n  y: {image: 127.0.0.1:5000/y, renderer: plain}\n")
    )
    shutil.copytree(root / "apps/x", root / "apps/y")
    (finding,) = check_repository(root).findings
    assert "ConfigMap dev/c is declared by app 'x' and by app 'y'" in finding.message


def test_a_secret_that_is_refused_is_not_shown(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: prod}\nstringData: {a: canary-1}\n"
    judge(tmp_path, plain("is for namespace 'prod'", secret))


@pytest.mark.skipif(not HELM, reason="needs helm")
def test_an_app_too_large_to_render_is_tried_in_one_environment_only(tmp_path: Path) -> None:
    root = build(tmp_path, HELM_TRAPS["list without end"])
    with (root / "towpath.yaml").open("a") as file:
        file.writelines(f"  - {{name: e{n}, namespace: e{n}}}\n" for n in range(9))
    for n in range(9):
        shutil.copytree(root / "apps/x/dev", root / f"apps/x/e{n}")
    assert len(check_repository(root, tools=TOOLS).findings) == 1
