"""What this user may not read is a finding that names it, never an error of ours."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.forks import VERB_SERVER, Forks
from tests.traps.repository import build, configmap, plain

# Root reads everything but without this right.
PLAIN_USER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
pytestmark = pytest.mark.skipif(
    bool(PLAIN_USER) and not shutil.which("setpriv"), reason="root may read everything"
)
VERBS = Forks(VERB_SERVER, *PLAIN_USER)


@pytest.mark.parametrize(
    ("name", "mode", "file"),
    [
        (".", 0o444, "towpath.yaml"),
        ("towpath.yaml", 0, "towpath.yaml"),
        ("apps", 0, "apps"),
        ("apps", 0o444, "apps/x"),
        ("apps/x", 0, "apps/x"),
        ("apps/x/dev", 0, "apps/x/dev"),
        ("apps/x/dev", 0o444, "apps/x/dev/a.yaml"),
        ("apps/x/dev/a.yaml", 0, "apps/x/dev/a.yaml"),
        ("apps/x/base", 0, "apps/x/base"),
        ("apps/x/old", 0, "apps/x/old/release.yaml"),
        ("apps/z", 0, "apps/z"),
        ("pauses", 0, "pauses"),
    ],
)
def test_it_is_a_finding(tmp_path: Path, name: str, mode: int, file: str) -> None:
    root = build(tmp_path, plain("", configmap()))
    path = root / name
    if not path.exists():
        path.mkdir()
    path.chmod(mode)
    try:
        done = subprocess.run(
            [*VERBS.command(os.environ), "check", "--output", "json", "--repo", str(root)],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.chmod(0o755)
    assert done.returncode == 1, done.stderr
    found = {each["file"]: each["message"] for each in json.loads(done.stdout)["findings"]}
    assert found[file].endswith("cannot be read: Permission denied")
    assert str(tmp_path) not in done.stdout + done.stderr
