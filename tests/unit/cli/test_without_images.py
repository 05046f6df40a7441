"""What the verbs say of an app without images, where no server and no cluster is asked."""

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.cli.prefect_server import PrefectServer, prefect_server
from tests.unit.engine.source.promotions import World
from towpath.cli.main import main
from towpath.cli.promote import choose
from towpath.cli.ui.names import Environments, load_environments
from towpath.drift.decision import BROKEN
from towpath.engine.source.news import beside_mark, sources_id, sources_mark
from towpath.engine.source.render_changed import render_released
from towpath.engine.source.verified_changes import change_of
from towpath.errors import RefusedError
from towpath.release.verified_file import dump_verified, verified_path
from towpath.settings import Settings

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {crds: {renderer: plain}}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""
LIMITS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits}\ndata: {value: '%s'}\n"


class Crds(World):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.settings = Settings.load(
            {
                "HOME": str(folder),
                "TOWPATH_HOME": str(folder / "home"),
                "TOWPATH_ENVIRONMENTS": self.url,
                "TOWPATH_GIT_ALLOW_FILE": "1",
                "TOWPATH_CACHE": str(self.cache),
            }
        )
        self.merge({"towpath.yaml": CONFIG}, "Begin")

    def merge(self, files: dict[str, str], subject: str, signer: str = "") -> str:
        mark = ("X-Mark", uuid.uuid4().hex)
        self.write(files, f"{subject}\n\n{mark[0]}: {mark[1]}\n", mark, signer=signer)
        return str(self.checkout().commit)

    def change(self, value: str, *environments: str) -> str:
        files = {f"apps/crds/{each}/limits.yaml": LIMITS % value for each in environments or ("dev",)}
        return self.merge(files, f"Limits {value}")

    def environments(self) -> Environments:
        return load_environments(self.settings)

    def verified(self, environment: str, signer: str | None = None) -> None:
        repo = self.environments()
        place = repo.config.environment(environment)
        rendered = render_released(repo, place, "crds", tools=self.settings.tools).rendered
        record = change_of(repo, rendered, environment, "2026-01-09T00:00:00+00:00", "run")
        files = {verified_path("crds", environment): dump_verified(record)}
        self.merge(files, "Verified", environment if signer is None else signer)


@pytest.fixture
def crds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crds:
    made = Crds(tmp_path)
    for name in ("KUBECONFIG", "PREFECT_API_URL", "TOWPATH_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(tmp_path),
        "TOWPATH_HOME": str(tmp_path / "home"),
        "TOWPATH_ENVIRONMENTS": made.url,
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(made.cache),
        "TOWPATH_TRUSTED_KEYS": str(made.keys.trusted_file),
    }.items():
        monkeypatch.setenv(name, value)
    return made


def towpath(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_history_tells_each_change_and_when_it_was_verified(crds: Crds) -> None:
    first = crds.change("1", "dev", "prod")
    crds.verified("dev")
    second = crds.change("2", "dev")
    done = towpath("history", "crds")
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines()[1:]]
    told = [
        (row[2], row[3], next((each for each in row if each.startswith("2026-01-09")), "no")) for row in rows
    ]
    assert sorted(told) == sorted(
        [("dev", second[:7], "no"), ("dev", first[:7], "2026-01-09"), ("prod", first[:7], "no")]
    )
    data = json.loads(towpath("history", "crds", "--environment", "dev", "--output", "json").stdout)
    assert [each["commit"] for each in data] == [second, first]
    assert data[0]["verified_at"] is None
    assert data[1]["manifests"].startswith("sha256:")


def test_history_of_an_app_that_is_nowhere(crds: Crds) -> None:
    assert "crds is not there anywhere yet." in towpath("history", "crds").output


def test_verify_proves_what_the_agent_signed_of_what_git_has_now(crds: Crds) -> None:
    crds.change("1")
    crds.verified("dev")
    done = towpath("verify", "crds", "dev")
    assert done.exit_code == 0, done.output
    assert "verification  proven by dev SHA256:" in done.output
    assert "Limits 1" in done.output
    crds.change("2")
    again = towpath("verify", "crds", "dev")
    assert "verification  unknown: not verified yet" in again.output
    assert "change        claimed by Towpath" in again.output


BASE = "resources: [limits.yaml, key.yaml]\n"
OVERLAY = "resources: [../../../vendor/limits]\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\ndata: {key: %s}\n"
KUSTOMIZED = CONFIG.replace("plain", "kustomize")
PART = KUSTOMIZED.replace("kustomize", "kustomize, promote: manifests")
PLAIN = CONFIG


TOOLS = Settings.load({"HOME": str(Path.home())}).tools
KUSTOMIZE = shutil.which("kustomize", path=f"{TOOLS}:{os.environ['PATH']}")


@pytest.fixture
def kustomize(crds: Crds) -> None:
    """The one of this machine, beside the cache of the test."""
    if KUSTOMIZE is None:
        pytest.skip("needs kustomize")
    crds.settings.tools.mkdir(parents=True)
    (crds.settings.tools / "kustomize").symlink_to(KUSTOMIZE)


@pytest.mark.usefixtures("kustomize")
@pytest.mark.parametrize(
    "changed",
    [
        {"vendor/limits/limits.yaml": LIMITS % "2"},
        {"vendor/limits/kustomization.yaml": f"{BASE}nameSuffix: -new\n"},
        {"vendor/limits/key.yaml": SECRET % "bmV3"},
        {"towpath.yaml": PART},
        {"towpath.yaml": PLAIN},
    ],
)
def test_verify_does_not_prove_what_has_changed_elsewhere_than_in_the_folder(
    crds: Crds, changed: dict[str, str]
) -> None:
    first = {
        "towpath.yaml": KUSTOMIZED,
        "apps/crds/dev/kustomization.yaml": OVERLAY,
        "vendor/limits/kustomization.yaml": f"{BASE}",
        "vendor/limits/limits.yaml": LIMITS % "1",
        "vendor/limits/key.yaml": SECRET % "b2xk",
    }
    crds.merge(first, "Vendored")
    crds.verified("dev")
    assert "verification  proven by dev SHA256:" in towpath("verify", "crds", "dev").output
    crds.merge({"apps/other/dev/limits.yaml": LIMITS % "1"}, "Of another app")
    assert "verification  proven by dev SHA256:" in towpath("verify", "crds", "dev").output
    crds.merge(changed, "Elsewhere")
    done = towpath("verify", "crds", "dev")
    assert "verification  unknown: " in done.output, done.output


VENDORED = {
    "towpath.yaml": KUSTOMIZED,
    "apps/crds/dev/kustomization.yaml": OVERLAY,
    "vendor/limits/kustomization.yaml": "resources: [limits.yaml]\n",
    "vendor/limits/limits.yaml": LIMITS % "1",
}


class Status:
    """What `towpath status` says of the app in dev, by what the last reconcile wrote."""

    def __init__(self, crds: Crds, server: PrefectServer) -> None:
        self.crds, self.server = crds, server

    def reconciled(self, health: str = "Healthy", drift: str = "in sync") -> None:
        repo = self.crds.environments()
        marks = {"sources": sources_mark(repo, "crds", "dev"), "beside": ""}
        if drift != BROKEN:
            place, tools = repo.config.environment("dev"), self.crds.settings.tools
            marks["beside"] = beside_mark(render_released(repo, place, "crds", tools=tools).rendered.beside)
        row = {"app": "crds", "health": health, "drift": drift, "detail": "why", "release": "", **marks}
        self.server.tables["status-dev"] = [row | {"at": "2026-01-09T00:00:00+00:00"}]

    def told(self, *keys: str, code: int = 0) -> tuple[str, ...]:
        done = towpath("status", "--environment", "dev", "--output", "json")
        assert done.exit_code == code, done.output
        (line,) = json.loads(done.stdout)["apps"]
        return tuple(line[key] for key in keys)


@pytest.fixture
def status(crds: Crds, kustomize: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Status]:
    crds.merge(VENDORED, "Vendored")
    crds.verified("dev")
    with prefect_server() as server:
        monkeypatch.setenv("PREFECT_API_URL", server.url)
        yield Status(crds, server)


@pytest.mark.parametrize(
    "changed",
    [
        {"vendor/limits/limits.yaml": LIMITS % "2"},
        {"vendor/limits/kustomization.yaml": "resources: [limits.yaml]\nnameSuffix: -new\n"},
        {"vendor/limits/README.md": "More about it.\n"},
    ],
)
def test_status_tells_of_a_change_beside_the_folder_at_once(status: Status, changed: dict[str, str]) -> None:
    status.reconciled()
    status.crds.merge({"apps/other/dev/limits.yaml": LIMITS % "1", "shared/x.yaml": "x: 1\n"}, "Elsewhere")
    assert status.told("drift", "newer", "verified_at") == ("in sync", "", "2026-01-09T00:00:00+00:00")
    commit = status.crds.merge(changed, "Vendored anew")
    assert status.told("drift", "newer") == ("Git has changed", f"{commit[:7]} Vendored anew")
    assert status.told("verified_at", "manifests", "detail") == ("", "", "")


def test_status_calls_verified_what_was_found_so_as_it_is_now(status: Status) -> None:
    status.crds.merge({"vendor/limits/limits.yaml": LIMITS % "2"}, "Vendored anew")
    status.reconciled(health="Progressing", drift="out of sync")
    assert status.told("newer", "verified_at") == ("", "")
    status.crds.verified("dev")
    status.reconciled()
    assert status.told("drift", "verified_at") == ("in sync", "2026-01-09T00:00:00+00:00")
    status.crds.merge({"vendor/limits/README.md": "More about it.\n"}, "A text")
    status.reconciled()
    assert status.told("drift", "verified_at") == ("in sync", "2026-01-09T00:00:00+00:00"), (
        "the same manifests"
    )


def test_status_sees_at_once_that_what_did_not_render_is_mended_beside_the_folder(status: Status) -> None:
    status.crds.merge({"vendor/limits/kustomization.yaml": "resources: [none.yaml]\n"}, "Broken")
    status.reconciled(health="Unknown", drift=BROKEN)
    assert status.told("drift", "health", code=1) == (BROKEN, "Unknown")
    status.crds.merge({"vendor/limits/kustomization.yaml": "resources: [limits.yaml]\n"}, "Mended")
    assert status.told("drift", "error", "detail") == ("Git has changed", "", "")


def test_a_table_of_a_former_version_says_what_it_said(status: Status) -> None:
    status.reconciled()
    del status.server.tables["status-dev"][0]["beside"]
    status.crds.merge({"vendor/limits/limits.yaml": LIMITS % "2"}, "Vendored anew")
    assert status.told("drift", "newer") == ("in sync", "")


def test_a_record_has_the_whole_hash_of_the_sources(crds: Crds) -> None:
    crds.change("1")
    repo = crds.environments()
    assert re.fullmatch("[0-9a-f]{64}", sources_id(repo, "crds", "dev"))
    assert sources_id(repo, "crds", "dev") != sources_id(repo, "crds", "prod")
    crds.merge({"towpath.yaml": PART.replace("kustomize,", "plain,")}, "Its part")
    assert sources_id(crds.environments(), "crds", "dev") != sources_id(repo, "crds", "dev")
    assert sources_mark(crds.environments(), "crds", "dev") == sources_mark(repo, "crds", "dev")


@pytest.mark.parametrize("signer", ["", "prod"])
def test_verify_does_not_believe_what_others_wrote(crds: Crds, signer: str) -> None:
    crds.change("1")
    crds.verified("dev", signer)
    assert "verification  unknown: not verified yet" in towpath("verify", "crds", "dev").output


def test_what_is_of_releases_says_what_to_do_instead(crds: Crds) -> None:
    crds.change("1")
    repo = crds.environments()
    for refused in (
        lambda: choose(repo, "crds", "dev", None, "1" * 40),
        lambda: repo.revision("crds", None),
    ):
        with pytest.raises(RefusedError, match="app crds has no image") as caught:
            refused()
        assert "Merge a change of apps/crds there" in str(caught.value.remedy)
    assert "crds has no images, so it has no releases" in towpath("releases", "crds").output


def test_init_and_check_of_such_an_app(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/limits.yaml").write_text(LIMITS % "1")
    folder = str(tmp_path / "made")
    done = towpath("init", folder, "--from", str(tmp_path / "manifests"), "--no-image", "--app", "limits")
    assert done.exit_code == 0, done.output
    assert "promote: manifests" in (tmp_path / "made/towpath.yaml").read_text()
    checked = towpath("check", "--repo", folder)
    assert checked.exit_code == 0, checked.output


def test_init_without_image_needs_manifests() -> None:
    done = towpath("init", "--no-image")
    assert done.exit_code == 2
    assert "Give --image or --from" in done.output
    both = towpath("init", "--no-image", "--image", "registry.example.com/shop")
    assert "--no-image goes with --from, and without --image" in both.output
