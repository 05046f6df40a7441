"""`towpath door`: the verb, its end, its --check, and the manifest that calls it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.unit.door.issuer import issuing
from tests.unit.door.opened import HEAD, door_text
from tests.unit.door.prefect_stand_in import prefect_stand_in
from towpath.cli.door import command


@contextmanager
def started(folder: Path, *args: str, url: str = "http://127.0.0.1:9/api") -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-c", "from towpath.cli.main import run; run()", "door", "--config"]
    given = {
        "HERE": "a-secret-that-is-there",
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "PREFECT_API_URL": url,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with subprocess.Popen(
        [*program, str(folder / "door.yaml"), *args],
        env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_it_listens_and_ends_well_when_it_is_told_to_stop(tmp_path: Path) -> None:
    (tmp_path / "door.yaml").write_text(
        door_text(tmp_path, "https://ci.example.com") + "listen: 127.0.0.1:0\n"
    )
    with started(tmp_path) as process:
        assert process.stdout
        line = process.stdout.readline()
        address = line.split()[-1]
        assert urllib.request.urlopen(f"{address}/healthz", timeout=10).read() == b"ok\n"
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, ""), output
        assert output.endswith("stopped\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEAD}repositories: []\n", "nobody may ask"),
        (
            f"{HEAD}repositories: [{{name: a/b, apps: [a], secrets: [{{file: /none}}]}}]\n",
            "/none cannot be read",
        ),
        (
            f"{HEAD}repositories: [{{name: a/b, apps: [a], secrets: [{{variable: NONE}}]}}]\n",
            "NONE is missing",
        ),
        ("{", "door.yaml"),
        (
            f"{HEAD}repositories: [{{name: a/b, apps: [a], secrets: [{{variable: HERE}}]}}]\n"
            "tls: {certificate: /none, key: /none}\n",
            "certificate or key of the door cannot be read",
        ),
    ],
)
def test_it_does_not_start_without_what_it_needs(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "door.yaml").write_text(text)
    with started(tmp_path) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert told in errors
    assert "Traceback" not in errors


def test_check_says_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    with issuing() as issuer, prefect_stand_in() as prefect:
        (tmp_path / "door.yaml").write_text(door_text(tmp_path, issuer.url))
        with started(tmp_path, "--check", url=prefect.url) as process:
            output, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, ""), output
        assert "✓ issuer actions: 2 keys" in output
        (tmp_path / "hook").unlink()
        issuer.keys = []
        prefect.broken = True
        with started(tmp_path, "--check", "--output", "json", url=prefect.url) as process:
            output, _ = process.communicate(timeout=60)
    found = {part["part"]: part for part in json.loads(output)}
    assert (process.returncode, [part["ok"] for part in found.values()]) == (1, [False] * 4)
    assert "hook cannot be read" in found["secrets"]["detail"]


def test_help_has_examples_and_imports_no_prefect() -> None:
    shown = CliRunner().invoke(command, ["--help"]).output
    for text in ("towpath door --config", "--check", "--schema", "POST /deliver", "GET /deliveries/ID"):
        assert text in shown
    code = "import sys; from towpath.cli.door import command; sys.exit('prefect' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_door_never_imports_prefect() -> None:
    code = "import sys; import towpath.door.serve, towpath.door.checkup; sys.exit('prefect' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_schema_is_printed() -> None:
    schema = json.loads(CliRunner().invoke(command, ["--schema"]).output)
    assert (schema["title"], "repositories" in schema["required"]) == ("door.yaml", True)
