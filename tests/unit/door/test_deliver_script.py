"""deployments/ci: the script that CI systems run, against an open door."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.unit.door.issuer import COMMIT, TestIssuer
from tests.unit.door.opened import SECRET, Opened

FOLDER = Path(__file__).parents[3] / "deployments/ci"


def run(door: Opened, *args: str, shell: str = "sh", **environ: str) -> "subprocess.CompletedProcess[str]":
    given = {"PATH": os.environ["PATH"], "TOWPATH_INTERVAL": "0", "TOWPATH_TIMEOUT": "20", **environ}
    return subprocess.run(
        [*shell.split(), str(FOLDER / "deliver.sh"), f"http://127.0.0.1:{door.port}/", *args],
        env=given, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


SIGNED = {
    "TOWPATH_SECRET": SECRET,
    "TOWPATH_REPOSITORY": "acme/shop",
    "TOWPATH_REF": "refs/heads/main",
    "TOWPATH_COMMIT": COMMIT,
}


@contextmanager
def ending(door: Opened, kind: str, name: str = "") -> Iterator[None]:
    """Every run that comes ends in that state."""
    ended = threading.Event()

    def end() -> None:
        while not ended.wait(0.05):
            for each in list(door.prefect.runs):
                door.prefect.set_state(each, kind, name)

    thread = threading.Thread(target=end)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("shell", ["sh", "bash --posix"])
def test_it_signs_asks_and_follows_until_the_end(door: Opened, shell: str) -> None:
    with ending(door, "COMPLETED"):
        done = run(door, shell=shell, **SIGNED)
    assert (done.returncode, done.stderr) == (0, ""), done
    (found,) = door.prefect.runs
    assert (
        f"deliver: shop, new run: {door.prefect.url.removesuffix('/api')}/runs/flow-run/{found}"
        in done.stdout
    )
    assert "succeeded deliver - http" in done.stdout


def test_a_failure_fails_the_job_and_a_wait_does_not(door: Opened) -> None:
    with ending(door, "FAILED"):
        assert run(door, **SIGNED).returncode == 1
    with ending(door, "PAUSED", "Suspended"):
        done = run(door, **{**SIGNED, "TOWPATH_COMMIT": "b" * 40})
    assert (done.returncode, "waits for approval" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    "secret", ["s" * 16, "s" * 64, "s" * 65, "s" * 200, "%d\\n'\"$`é%% !" * 2, "a\\0b-0123456789"]
)
def test_secrets_of_any_length_and_letter(door: Opened, secret: str, tmp_path: Path) -> None:
    rule = door.gatekeeper._rules.by_name["acme/shop"]
    object.__setattr__(rule, "secrets", (secret.encode(),))
    (tmp_path / "given").write_text(secret + "\n")
    done = run(
        door,
        **{
            **SIGNED,
            "TOWPATH_SECRET": "",
            "TOWPATH_SECRET_FILE": str(tmp_path / "given"),
            "TOWPATH_TIMEOUT": "0",
        },
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": COMMIT},
        {"CI_PROJECT_PATH": "acme/shop", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": COMMIT},
        {"CI_PROJECT_PATH": "acme/shop", "CI_COMMIT_TAG": "v1", "CI_COMMIT_SHA": COMMIT},
        {"TOWPATH_REPOSITORY": "acme/shop", "BRANCH_NAME": "main", "GIT_COMMIT": COMMIT},
        {"TOWPATH_REPOSITORY": "acme/shop", "GIT_BRANCH": "origin/main", "GIT_COMMIT": COMMIT},
        {"TOWPATH_REPOSITORY": "acme/shop", "TAG_NAME": "v2", "BRANCH_NAME": "v2", "GIT_COMMIT": COMMIT},
    ],
)
def test_variables_of_the_ci_systems(door: Opened, variables: dict[str, str]) -> None:
    done = run(door, TOWPATH_SECRET=SECRET, TOWPATH_TIMEOUT="0", **variables)
    assert (done.returncode, len(door.prefect.runs)) == (0, 1), done.stderr


def test_a_token_is_handed_on(door: Opened, issuer: TestIssuer) -> None:
    done = run(door, "shop", TOWPATH_TOKEN=issuer.token(), TOWPATH_TIMEOUT="0")
    assert done.returncode == 0, done.stderr
    bad = run(door, TOWPATH_TOKEN=issuer.token(aud="x"), TOWPATH_TIMEOUT="0")
    assert (bad.returncode, "the door answered 401" in bad.stderr) == (1, True)


def test_github_gives_its_token_for_the_door(door: Opened, issuer: TestIssuer) -> None:
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            body = json.dumps({"count": 1, "value": issuer.token()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    done = run(
        door,
        ACTIONS_ID_TOKEN_REQUEST_URL=f"http://127.0.0.1:{server.server_port}/token?api=1",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="request-token",
        TOWPATH_AUDIENCE="https://door.example.com",
        TOWPATH_TIMEOUT="0",
    )
    server.shutdown()
    assert done.returncode == 0, done.stderr
    assert asked == [("/token?api=1&audience=https://door.example.com", "bearer request-token")]


def test_what_is_missing_is_told(door: Opened) -> None:
    assert "no TOWPATH_TOKEN" in run(door).stderr
    assert "set TOWPATH_REPOSITORY" in run(door, TOWPATH_SECRET=SECRET).stderr


def test_a_door_that_is_away_for_a_moment_is_asked_again(door: Opened) -> None:
    door.prefect.broken = True
    threading.Timer(1.0, lambda: setattr(door.prefect, "broken", False)).start()
    done = run(door, **{**SIGNED, "TOWPATH_TIMEOUT": "0", "TOWPATH_INTERVAL": "1"})
    assert (done.returncode, len(door.prefect.runs)) == (0, 1), done.stderr


def test_the_steps_call_the_script() -> None:
    jobs = yaml.safe_load((FOLDER / "github-actions.yml").read_text())
    assert jobs["permissions"]["id-token"] == "write"
    assert jobs["jobs"]["deliver"]["steps"][-1]["run"].startswith("sh .ci/deliver.sh https://")
    job = yaml.safe_load((FOLDER / "gitlab-ci.yml").read_text())["deliver"]
    assert job["id_tokens"]["TOWPATH_TOKEN"]["aud"].startswith("https://")
    assert "sh .ci/deliver.sh https://" in (FOLDER / "Jenkinsfile").read_text()
