"""Changes of apps without images: at once, or when the environment before has verified the same change."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.engine.gates.bench import Bench
from tests.unit.engine.source.promotions import release
from towpath.engine.gates.merged import require_admitted
from towpath.engine.source.render_changed import render_released
from towpath.engine.source.verified_changes import change_of, signed_changes, verified_now
from towpath.errors import RefusedError
from towpath.formats.versions import V2
from towpath.gates.pause import Pause, dump_pauses, pause_path
from towpath.release.model import EnvironmentRelease
from towpath.release.quarantine import QuarantineEntry, dump_quarantine, quarantine_path
from towpath.release.release_file import dump_release_file, release_path
from towpath.release.verified_file import VerifiedChange, dump_verified, verified_path

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {crds: {renderer: plain%s}}
environments:
  - {name: dev, namespace: dev}
  - {name: prod, namespace: prod, gate: {soak: %s, approvals: {required: 2, from: [alice, bob]}}}
"""
AGO = "2026-01-01T00:00:00+00:00"


def text(value: str, **more: str) -> str:
    data = "".join(f"  {key}: '{each}'\n" for key, each in {"value": value, **more}.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata:\n{data}"


class Crds(Bench):
    """An app without images; plain manifests stand in each environment's folder."""

    def configure(self, more: str = ", promote: manifests", soak: str = "0s") -> None:
        self.config(CONFIG % (more, soak))

    def change(self, value: str, *environments: str, **more: str) -> str:
        """A person's commit."""
        return self.merge(
            {
                f"apps/crds/{each}/settings.yaml": text(value, **more)
                for each in environments or ("dev", "prod")
            }
        )

    def record(self, environment: str) -> VerifiedChange:
        """What the environment's agent would write of what Git has now."""
        repo = self.context(environment).repo
        rendered = render_released(repo, repo.config.environment(environment), "crds").rendered
        return change_of(repo, rendered, environment, AGO, "run")

    def verified(self, environment: str, /, *, signer: str | None = None, **changes: str) -> None:
        """As the environment's agent, or another, says that it is verified as Git has it now."""
        record = replace(self.record(environment), **changes)
        mark = ("Towpath-Intent", f"verified-{uuid.uuid4().hex}")
        who = environment if signer is None else signer
        files = {verified_path("crds", environment): dump_verified(record)}
        self.git.write(files, f"Verified\n\n{mark[0]}: {mark[1]}\n", mark, signer=who)

    def admitted(self, environment: str) -> str:
        """Why it is held; empty: it is not."""
        try:
            assert require_admitted(self.context(environment).in_git, "crds") is None
        except RefusedError as error:
            assert error.message.startswith(f"{environment} holds crds: ")
            return error.message.partition("holds crds: ")[2]
        return ""


@pytest.fixture
def crds(tmp_path: Path) -> Crds:
    made = Crds(tmp_path)
    made.configure()
    made.change("1")
    return made


def test_without_promote_a_merged_change_enters_everywhere_at_once(crds: Crds) -> None:
    for more in ("", ", promote: merge", ", images: {}"):
        crds.configure(more)
        assert crds.admitted("dev") == crds.admitted("prod") == ""


def test_the_first_environment_takes_a_change_at_once(crds: Crds) -> None:
    assert crds.admitted("dev") == ""


def test_another_waits_until_the_one_before_has_verified_it(crds: Crds) -> None:
    assert "must be verified in dev first: no commit that the agent of dev has signed" in crds.admitted(
        "prod"
    )
    crds.verified("dev")
    assert crds.admitted("prod") == ""
    crds.verified("prod")
    crds.change("2")
    assert "does not have ConfigMap prod/settings /data/value" in crds.admitted("prod")
    crds.verified("dev")
    assert crds.admitted("prod") == ""


@pytest.mark.parametrize("signer", ["", "prod", "build"])
def test_what_others_write_or_sign_of_an_environment_proves_nothing(crds: Crds, signer: str) -> None:
    crds.verified("dev", signer=signer)
    assert "no commit that the agent of dev has signed" in crds.admitted("prod")


@pytest.mark.parametrize(
    "changes",
    [{"manifests": "sha256:" + "0" * 64}, {"commit": "0" * 40}, {"app": "other"}, {"environment": "prod"}],
)
def test_a_record_that_does_not_hold_proves_nothing(crds: Crds, changes: dict[str, str]) -> None:
    crds.verified("dev", **changes)
    assert crds.admitted("prod") != ""


def test_a_record_for_another_environment_does_not_count_for_this_one(crds: Crds) -> None:
    record = crds.record("dev")
    mark = ("Towpath-Intent", "copied")
    files = {verified_path("crds", "prod"): dump_verified(replace(record, environment="prod"))}
    crds.git.write(files, f"Verified\n\n{mark[0]}: {mark[1]}\n", mark, signer="dev")
    assert [*signed_changes(crds.context("prod").repo, crds.git.trusted, "crds", "prod")] == []
    assert crds.admitted("prod") != ""


def test_a_change_of_the_own_folder_alone_is_held(crds: Crds) -> None:
    crds.verified("dev")
    crds.verified("prod")
    crds.change("9", "prod")
    assert "does not have ConfigMap prod/settings /data/value" in crds.admitted("prod")


def test_environments_may_differ_where_they_always_did(crds: Crds) -> None:
    crds.change("1", "dev", size="small")
    crds.change("1", "prod", size="large")
    crds.verified("dev")
    assert crds.admitted("prod") == "", "it is new here, and what is new may have values of its own"
    crds.verified("prod")
    crds.change("2", "dev", size="small")
    crds.change("2", "prod", size="large")
    assert "/data/value" in crds.admitted("prod")
    crds.verified("dev")
    assert crds.admitted("prod") == ""


def test_what_was_verified_here_before_comes_back_at_once(crds: Crds) -> None:
    crds.verified("dev")
    crds.verified("prod")
    crds.change("2")
    assert crds.admitted("prod") != ""
    crds.change("1")
    assert crds.admitted("prod") == ""


def test_the_soak_is_since_it_was_verified_there(crds: Crds) -> None:
    crds.configure(soak="1000d")
    crds.verified("dev")
    assert "must soak in dev for 1000 days" in crds.admitted("prod")


def test_what_was_taken_back_there_counts_no_more(crds: Crds) -> None:
    crds.verified("dev")
    crds.verified("prod")
    crds.change("2", "dev")
    crds.verified("dev")
    crds.change("1", "dev")
    crds.verified("dev")
    crds.change("2", "prod")
    assert "does not have ConfigMap" in crds.admitted("prod")


def test_the_soak_of_a_change_goes_on_while_others_come(crds: Crds) -> None:
    crds.configure(soak="1h")
    crds.verified("dev")
    crds.change("1", "dev", more="x")
    crds.verified("dev", verified_at=datetime.now(UTC).isoformat(timespec="seconds"))
    assert crds.admitted("prod") == ""


OWN = """\
apiVersion: towpath.dev/v2
apps:
  crds: {renderer: plain, promote: manifests, namespace: "crds-{environment}"}
  db: {renderer: plain, images: {}, namespace: "db-{environment}"}
environments:
  - {name: dev, namespace: dev-all}
  - {name: prod, namespace: prod-all}
"""


@pytest.mark.parametrize(("said", "same"), [("all", True), ("db", True), ("other", False)])
def test_namespaces_of_the_environment_and_of_apps_are_taken_for_each_other(
    crds: Crds, said: str, same: bool
) -> None:
    crds.config(OWN)
    names = {"all": ("dev-all", "prod-all"), "db": ("db-dev", "db-prod"), "other": ("x-dev", "x-prod")}[said]

    def change(value: str) -> None:
        for place, own, name in zip(("dev", "prod"), ("crds-dev", "crds-prod"), names, strict=True):
            crds.change("1", place, own=own, peer=name if value == "new" else "none")

    change("old")
    crds.verified("dev")
    crds.verified("prod")
    change("new")
    crds.verified("dev")
    held = crds.admitted("prod")
    assert held == "" if same else "does not have ConfigMap crds-prod/settings /data/peer" in held


def test_what_is_quarantined_there_is_not_verified(crds: Crds) -> None:
    crds.change("other", "dev", own="dev")
    crds.verified("dev")
    bad = QuarantineEntry(crds.record("dev").manifests, "it eats volumes", AGO)
    crds.merge({quarantine_path("crds"): dump_quarantine([bad], V2)})
    assert "is quarantined" in crds.admitted("prod")


def test_a_release_beside_it_does_not_hide_its_quarantine(crds: Crds) -> None:
    crds.configure("")
    bad = QuarantineEntry(crds.record("dev").manifests, "it eats volumes", AGO)
    state = EnvironmentRelease(replace(release(1), app="crds", images=()), AGO, "ann")
    named = {release_path("crds", "dev"): dump_release_file(state, V2)}
    crds.merge({**named, quarantine_path("crds"): dump_quarantine([bad], V2)})
    assert "is quarantined since" in crds.admitted("dev")


def test_an_environment_before_without_a_folder_is_named(crds: Crds) -> None:
    crds.git.write({"apps/crds/dev/settings.yaml": None}, "No\n\nX-Y: z\n", ("X-Y", "z"))  # type: ignore[dict-item]
    assert "there is no folder apps/crds/dev" in crds.admitted("prod")


def test_pauses_and_quarantines_hold_whatever_promote_says(crds: Crds) -> None:
    crds.configure("")
    pause = Pause("crds", "2999-01-01T00:00:00+00:00", "migration", "ann", AGO)
    crds.merge({pause_path("prod"): dump_pauses((pause,), V2) or ""})
    assert "prod is paused" in crds.admitted("prod")
    assert crds.admitted("dev") == ""
    bad = QuarantineEntry(crds.record("dev").manifests, "it eats volumes", AGO)
    crds.merge({quarantine_path("crds"): dump_quarantine([bad], V2)})
    assert "is quarantined since" in crds.admitted("dev")


def test_a_release_of_such_an_app_is_no_way_around(crds: Crds) -> None:
    crds.merge({"apps/crds/prod/release.yaml": "apiVersion: towpath.dev/v2\n"})
    with pytest.raises(Exception, match="release"):
        require_admitted(crds.context("prod").in_git, "crds")


def test_a_secret_value_that_changes_is_a_change(crds: Crds) -> None:
    def secret(value: str) -> None:
        made = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: key}}\nstringData: {{password: {value}}}\n"
        crds.merge({f"apps/crds/{each}/secret.yaml": made for each in ("dev", "prod")})

    secret("first-long-value")
    crds.verified("dev")
    crds.verified("prod")
    secret("second-long-value")
    assert "Secret prod/key" in (why := crds.admitted("prod"))
    assert "second-long-value" not in why
    crds.verified("dev")
    assert crds.admitted("prod") == ""


def test_git_says_what_is_verified_now(crds: Crds) -> None:
    assert verified_now(crds.context("dev").repo, "crds", "dev") is None
    crds.verified("dev")
    record = verified_now(crds.context("dev").repo, "crds", "dev")
    assert record is not None and record.verified_at == AGO
    crds.change("2", "prod")
    assert verified_now(crds.context("dev").repo, "crds", "dev") == record
    crds.change("2", "dev")
    assert verified_now(crds.context("dev").repo, "crds", "dev") is None
