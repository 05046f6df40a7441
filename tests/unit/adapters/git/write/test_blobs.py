"""Commits of files that are no text, many at once, keep bytes and modes."""

from pathlib import Path

from tests.unit.adapters.git.repositories import MARKER, Bare, run
from towpath.adapters import git


def test_bytes_are_committed_as_they_are_and_modes_stay(tmp_path: Path) -> None:
    repo = Bare(tmp_path)
    (repo.clone / "run.sh").write_text("#!/bin/sh\n")
    (repo.clone / "run.sh").chmod(0o755)
    repo.push("old/x", "1")
    files: dict[str, str | bytes | None] = {
        "new/data.bin": b"\x00\xff\r\n",
        "new/größe.txt": "ü\n",
        "run.sh": b"#!/bin/bash\n",
        "old/x": None,
        "old": "now a file\n",
        **{f"many/{index}": str(index) for index in range(300)},
    }
    commit, is_new = git.propose_files(
        *(repo.url, "towpath/vendor", "main", files, f"Vendor\n\n{MARKER[0]}: {MARKER[1]}\n"),
        author="Alice <alice@example.com>",
        cache=repo.cache,
        marker=MARKER,
        allow_file=True,
    )
    assert is_new
    out = tmp_path / "out"
    run("clone", "-q", "-b", "towpath/vendor", str(repo.path), str(out), cwd=tmp_path)
    assert run("rev-parse", "HEAD", cwd=out) == commit
    assert (out / "new/data.bin").read_bytes() == b"\x00\xff\r\n"
    assert (out / "new/größe.txt").read_text() == "ü\n"
    assert (out / "run.sh").stat().st_mode & 0o111
    assert (out / "old").read_text() == "now a file\n"
    assert len(list((out / "many").iterdir())) == 300
