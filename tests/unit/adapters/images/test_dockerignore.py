"""`.dockerignore` as `docker build` reads it."""

from pathlib import Path

import pytest

from towpath.adapters.images.dockerignore import sent_files
from towpath.errors import BuildError

FILES = (
    "Dockerfile", "a.log", "x/b.log", "x/y/c.log", "#notes", "[draft]", "d", "src/main.py", "src/test/t.py",
    "docs/a.md", "docs/keep.md", "README.md", "v1/a", "!odd", " lead", "a+b.txt", "logs.txt",
)  # fmt: skip


def ignored(root: Path, *lines: str) -> set[str]:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / ".dockerignore").write_text("\n".join(lines))
    sent = sent_files(root, "Dockerfile")
    assert ".dockerignore" in sent
    return set(FILES) - set(sent)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["*.log\r", "docs\r"], {"a.log", "docs/a.md", "docs/keep.md"}),
        (["nothing\x0csrc", "nothing\u2028src"], set()),  # no line ends
        (["**.log"], {"a.log", "x/b.log", "x/y/c.log"}),
        (["**/*.log"], {"a.log", "x/b.log", "x/y/c.log"}),
        (["*.log"], {"a.log"}),
        (["*/*.log"], {"x/b.log"}),
        (["x/**"], {"x/b.log", "x/y/c.log"}),
        ([r"\#notes"], {"#notes"}),
        (["#notes"], set()),
        (["  #notes"], {"#notes"}),
        ([r"\[draft\]"], {"[draft]"}),
        (["[draft]"], {"d"}),
        (["[^a]"], {"d", "x/b.log", "x/y/c.log"}),
        (["src"], {"src/main.py", "src/test/t.py"}),
        (["/src/"], {"src/main.py", "src/test/t.py"}),
        (["./src/../src/test"], {"src/test/t.py"}),
        (["**/test"], {"src/test/t.py"}),
        (["docs", "!docs/keep.md"], {"docs/a.md"}),
        (["!docs/keep.md", "docs"], {"docs/a.md", "docs/keep.md"}),
        (["*.md", "!README.md"], set()),
        (["v?"], {"v1/a"}),
        ([r"\!odd"], {"!odd"}),
        (["a+b.txt"], {"a+b.txt"}),
        (["a?b.*"], {"a+b.txt"}),
        (["\ufeff*.log"], {"a.log"}),
        (["Dockerfile", ".dockerignore"], set()),
        (["**", "!src/main.py"], set(FILES) - {"Dockerfile", "src/main.py"}),
        ([".", ""], set()),
        (["src/test", "!src"], {"src/test/t.py"}),
        (["x/y/*.log", "!x"], {"x/y/c.log"}),
        (["docs/a.md", "!docs", "*.md"], {"docs/a.md", "README.md"}),
        (["docs", "!docs"], set()),
        (["docs", "!docs", "docs/a.md"], {"docs/a.md"}),
        # Beside a wildcard, `|` and `{1}` mean what they mean in an expression, as they do for docker build.
        (["x|READ*"], {"README.md", "x/b.log", "x/y/c.log"}),
        (["docs|*.log"], {"a.log", "docs/a.md", "docs/keep.md", "x/b.log", "x/y/c.log"}),
        (["v{1}?"], {"v1/a"}),
        (["a{1}.l?g"], {"a.log"}),
        (["{a,v}*"], set()),
        (["v{,3}?"], set()),
        (["x|y", "v{2}"], set()),
    ],
)
def test_files_are_left_out_as_docker_build_does(
    tmp_path: Path, lines: list[str], expected: set[str]
) -> None:
    assert ignored(tmp_path, *lines) == expected


@pytest.mark.parametrize("line", ["[draft", "[]", "!", "a\\", "[a-]", "x/[^]"])
def test_a_malformed_pattern_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(BuildError, match="is no pattern"):
        ignored(tmp_path, line)
