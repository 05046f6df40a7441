"""A repository whose policy owners sign: what is in force, whatever is written, merged or replayed."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from towpath.adapters.evidence.key_changes import retire_key, trust_key
from towpath.adapters.evidence.key_files import KeyFolder
from towpath.adapters.git import fetch_checkout
from towpath.engine.policy.protection import UNPROTECTED
from towpath.engine.policy.signing import folder_policy, signed_folder
from towpath.engine.source.repository import EnvironmentRepo, read_repository
from towpath.errors import ConfigError, EvidenceError, RefusedError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.ssh_signature import sign_text
from towpath.evidence.trusted_keys import APPROVALS, POLICY
from towpath.gates.policy_statement import POLICY_FILE, SIGNATURE_FILE
from towpath.settings import Settings

OLGA, EVE = PrivateKey.generate(), PrivateKey.generate()
CONFIG = """\
apiVersion: towpath.dev/v2
apps:
  hello: {image: example.com/hello, source: {repository: ../hello.git}}
environments:
  - {name: dev, namespace: dev}
  - {name: prod, namespace: prod, gate: {soak: 1h, approvals: {required: 1, from: [alice]}}}
"""
LOOSER = CONFIG.replace("soak: 1h", "soak: 0s").replace("[alice]", "[alice, eve]")
QUARANTINE = """\
apiVersion: towpath.dev/v2
releases:
- {release: 'sha256:%s', reason: never ready, at: '%s'}
"""
BAD = "a" * 64
UNTIL = (datetime.now(UTC) + timedelta(hours=5)).isoformat(timespec="seconds")
PAUSES = f"apiVersion: towpath.dev/v2\npauses:\n- {{until: '{UNTIL}', reason: migration}}\n"
ENV = os.environ | {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
}


class World:
    """A clone, the repository that it pushes to, and the keys that an agent trusts."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.bare = folder / "clone", folder / "environments.git"
        self.keys = KeyFolder(folder / "keys")
        trust_key(self.keys, "olga", OLGA.public, (POLICY,))
        trust_key(self.keys, "eve", EVE.public, (APPROVALS,))
        self.settings = Settings.load(
            {
                "HOME": str(folder),
                "TOWPATH_ENVIRONMENTS": f"file://{self.bare}",
                "TOWPATH_GIT_ALLOW_FILE": "1",
                "TOWPATH_TRUSTED_KEYS": str(self.keys.trusted_file),
                "TOWPATH_CACHE": str(folder / "cache"),
            }
        )
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.bare)], env=ENV, check=True)
        subprocess.run(["git", "init", "-q", "-b", "main", str(self.clone)], env=ENV, check=True)
        self.git("remote", "add", "origin", str(self.bare))
        self.push(**{"towpath.yaml": CONFIG})

    def git(self, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.clone, env=ENV, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def write(self, **files: str | None) -> None:
        for name, text in files.items():
            path = self.clone / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def push(self, **files: str | None) -> EnvironmentRepo:
        self.write(**files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "Change")
        self.git("push", "-q", "-u", "origin", "HEAD:main")
        return self.read()

    def sign(self, key: PrivateKey = OLGA, **files: str | None) -> EnvironmentRepo:
        """As `towpath policy sign --repo`, and a push."""
        self.write(**files)
        trusted = self.settings.trusted_keys
        signed = signed_folder(self.clone, trusted, lambda text: sign_text(text, POLICY, key))
        return self.push(**signed)

    def read(self) -> EnvironmentRepo:
        return read_repository(self.settings)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def prod(repo: EnvironmentRepo) -> tuple[float, frozenset[str]]:
    return repo.config.environment("prod").gate.soak.total_seconds(), repo.config.approvers("prod")


STRICT, LOOSE = (3600.0, {"alice"}), (0.0, {"alice", "eve"})


def test_without_a_baseline_everything_is_held_and_the_message_says_how(world: World) -> None:
    repo = world.read()
    assert "no owner has signed one yet" in repo.protection.held("prod")
    with pytest.raises(RefusedError, match="the policy is protected") as caught:
        repo.protection.require("dev", "hello")
    assert "towpath policy sign" in (caught.value.remedy or "")
    assert world.sign().protection.notes == ()
    assert world.read().protection.held("prod") == ""


def test_without_owners_the_files_are_in_force_as_they_are(world: World) -> None:
    retire_key(world.keys, "olga", stolen=True)
    repo = world.push(**{"towpath.yaml": LOOSER})
    assert repo.protection == UNPROTECTED
    assert prod(repo) == LOOSE
    assert repo.protection.summary().startswith("unprotected")


def test_what_loosens_takes_effect_when_it_is_signed(world: World) -> None:
    assert prod(world.sign()) == STRICT
    unsigned = world.push(**{"towpath.yaml": LOOSER})
    assert prod(unsigned) == STRICT
    assert unsigned.protection.held("prod") == ""
    assert [note.partition(": not in force")[0] for note in unsigned.protection.notes] == [
        "environments.prod.gate.approvals: eve may approve",
        "environments.prod.gate.soak: 1:00:00 -> 0:00:00",
    ]
    assert prod(world.sign()) == LOOSE


def test_what_tightens_takes_effect_at_once(world: World) -> None:
    world.sign()
    repo = world.push(**{"towpath.yaml": CONFIG.replace("soak: 1h", "soak: 2h")})
    assert prod(repo) == (7200.0, {"alice"})
    assert repo.protection.notes == ()


def test_an_earlier_statement_written_again_is_not_in_force(world: World) -> None:
    world.sign(**{"towpath.yaml": LOOSER})
    old = {name: (world.clone / name).read_text() for name in (POLICY_FILE, SIGNATURE_FILE)}
    world.sign(**{"towpath.yaml": CONFIG})
    replayed = world.push(**{"towpath.yaml": LOOSER, **old})
    assert prod(replayed) == STRICT
    assert "policy.json is an earlier one than that signed by olga" in replayed.protection.notes[-1]
    assert prod(world.push(**{POLICY_FILE: None, SIGNATURE_FILE: None})) == STRICT


def test_a_merge_that_keeps_the_side_before_the_signature_changes_nothing(world: World) -> None:
    world.sign(**{"towpath.yaml": LOOSER})
    world.git("branch", "before")
    world.sign(**{"towpath.yaml": CONFIG})
    world.git("checkout", "-q", "before")
    world.git("commit", "-q", "--allow-empty", "-m", "Side")
    world.git("merge", "-q", "-s", "ours", "-m", "Merge", "main")
    world.git("push", "-q", "origin", "HEAD:main")
    assert (world.clone / "towpath.yaml").read_text() == LOOSER
    assert prod(world.read()) == STRICT


def test_only_an_owner_signs(world: World) -> None:
    world.sign()
    with pytest.raises(EvidenceError, match="only olga may sign this"):
        world.sign(EVE, **{"towpath.yaml": LOOSER})
    statement = (world.clone / POLICY_FILE).read_text().replace('"3600s"', '"0s"')
    forged = sign_text(statement.encode(), POLICY, EVE)
    repo = world.push(**{"towpath.yaml": LOOSER, POLICY_FILE: statement, SIGNATURE_FILE: forged})
    assert prod(repo) == STRICT
    assert "policy.json does not count" in repo.protection.notes[-1]


@pytest.mark.parametrize(
    ("statement", "signature", "said"),
    [
        (lambda text: text[:200], lambda text: text, "cut off"),
        (lambda text: text, lambda text: text[:-40], "does not begin with BEGIN and end with END"),
        (lambda text: text, lambda text: text + text, "does not begin with BEGIN and end with END"),
        (lambda text: text, lambda text: "", "does not begin with BEGIN"),
        (lambda text: text.replace('"3600s"', '"1s"'), lambda text: text, "what was signed is another text"),
        (lambda text: text.replace('"at"', '"At"'), lambda text: text, "has the unknown key 'At'"),
        (lambda text: text.replace("policy/v1", "policy/v9"), lambda text: text, "is of the type"),
        (lambda text: "{}", lambda text: text, "has no text as"),
        (lambda text: "[]", lambda text: text, "is no JSON object"),
    ],
)
def test_a_statement_that_was_touched_does_not_count_and_the_one_before_stays(
    world: World,
    statement,
    signature,
    said: str,  # type: ignore[no-untyped-def]
) -> None:
    world.sign()
    texts = [(world.clone / name).read_text() for name in (POLICY_FILE, SIGNATURE_FILE)]
    files = {POLICY_FILE: statement(texts[0]), SIGNATURE_FILE: signature(texts[1])}
    repo = world.push(**{"towpath.yaml": LOOSER, **files})
    assert prod(repo) == STRICT
    assert said in repo.protection.notes[-1]


def test_a_statement_of_another_repository_does_not_count(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = World(tmp_path / "other")
    other.push(**{"README.md": "another\n"})
    other.git("fetch", "-q", "origin")
    other.sign()
    files = {name: (other.clone / name).read_text() for name in (POLICY_FILE, SIGNATURE_FILE)}
    held = world.push(**files).protection.held("prod")
    assert "which is not in the history of" in held


def test_a_statement_of_the_future_does_not_count(world: World) -> None:
    repo = world.sign()
    assert repo.protection.signed is not None
    text = (world.clone / POLICY_FILE).read_text()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="milliseconds")
    text = text.replace(repo.protection.signed.statement.at, later).replace('"3600s"', '"0s"')
    signed = {POLICY_FILE: text, SIGNATURE_FILE: sign_text(text.encode(), POLICY, OLGA)}
    again = world.push(**{"towpath.yaml": LOOSER, **signed})
    assert prod(again)[0] == 3600.0
    assert "which is in the future" in again.protection.notes[-1]


def test_what_an_owner_signed_before_the_key_ended_holds_and_what_a_stolen_key_signed_does_not(
    world: World,
) -> None:
    world.sign()
    trust_key(world.keys, "otto", PrivateKey.generate().public, (POLICY,))
    retire_key(world.keys, "olga", stolen=False)
    assert prod(world.read()) == STRICT
    with pytest.raises(EvidenceError, match="was valid until"):
        world.sign(**{"towpath.yaml": LOOSER})
    retire_key(world.keys, "olga", stolen=True)
    assert "is not among the" in world.read().protection.held("prod")


def test_a_quarantine_that_came_later_stays_until_it_is_signed_away(world: World) -> None:
    world.sign()
    path = "apps/hello/quarantine.yaml"
    world.push(**{path: QUARANTINE % (BAD, "2026-01-01T00:00:00Z")})
    gone = world.push(**{path: None})
    assert [each.release for each in gone.quarantine("hello")] == [f"sha256:{BAD}"]
    assert "apps/hello/quarantine.yaml: sha256:aaaaaaaaaaaa released" in gone.protection.notes[0]
    assert world.sign().quarantine("hello") == ()
    back = world.push(**{path: QUARANTINE % (BAD, "2026-02-01T00:00:00Z")})
    assert len(back.quarantine("hello")) == 1
    assert len(world.push(**{path: "apiVersion: towpath.dev/v2\nreleases: []\n"}).quarantine("hello")) == 1


def test_what_came_while_an_owner_signed_stays(world: World) -> None:
    path = "apps/hello/quarantine.yaml"
    world.sign(**{path: QUARANTINE % (BAD, "2026-01-01T00:00:00Z")})
    world.git("branch", "-f", "work")
    both = QUARANTINE % (BAD, "2026-01-01T00:00:00Z")
    both += f"- {{release: 'sha256:{'b' * 64}', reason: bad, at: '2026-01-02T00:00:00Z'}}\n"
    world.push(**{path: both})
    world.git("checkout", "-q", "work")
    world.git("branch", "-q", "--set-upstream-to=origin/main")
    signed = signed_folder_after(world, path)
    world.git("checkout", "-q", "main")
    repo = world.push(**signed, **{path: None})
    assert [each.release[7:8] for each in repo.quarantine("hello")] == ["b"]


def signed_folder_after(world: World, path: str) -> dict[str, str]:
    """What an owner signs who takes the first entry away and has not seen the second."""
    world.write(**{path: None})
    trusted = world.settings.trusted_keys
    signed = signed_folder(world.clone, trusted, lambda text: sign_text(text, POLICY, OLGA))
    world.git("checkout", "-q", "--", path)
    return signed


def test_a_pause_is_ended_before_its_time_by_an_owner(world: World) -> None:
    world.sign()
    world.push(**{"pauses/prod.yaml": PAUSES})
    ended = world.push(**{"pauses/prod.yaml": None})
    assert [each.until for each in ended.pauses("prod")] == [UNTIL]
    assert f"pause until {UNTIL} ended" in ended.protection.notes[0]
    assert world.sign().pauses("prod") == ()


def test_a_new_environment_and_an_app_without_source_are_held_alone(world: World) -> None:
    world.sign()
    lab = CONFIG + "  - {name: lab, namespace: lab}\n"
    repo = world.push(**{"towpath.yaml": lab.replace("apps:\n", "apps:\n  vendor: {image: example.com/v}\n")})
    assert "environment lab is not in the policy" in repo.protection.held("lab")
    assert "app vendor has no `source`" in repo.protection.held("prod", "vendor")
    assert repo.protection.held("prod", "hello") == ""


CRDS = CONFIG.replace("apps:\n", "apps:\n  crds: {renderer: plain, promote: manifests}\n")


def test_an_app_without_images_is_held_until_owners_have_signed_that(world: World) -> None:
    world.sign()
    repo = world.push(**{"towpath.yaml": CRDS})
    assert "app crds has no images" in repo.protection.held("prod", "crds")
    assert repo.protection.held("prod", "hello") == ""
    assert world.sign().protection.held("prod", "crds") == ""


def test_an_app_that_loses_its_images_is_held_although_nobody_built_them_before(world: World) -> None:
    vendor = CONFIG.replace("apps:\n", "apps:\n  vendor: {image: example.com/v}\n")
    world.sign(**{"towpath.yaml": vendor})
    repo = world.push(**{"towpath.yaml": vendor.replace("{image: example.com/v}", "{images: {}}")})
    assert "app vendor has no images" in repo.protection.held("prod", "vendor")


@pytest.mark.parametrize(
    "other",
    [
        "  crds: {image: example.com/crds}\n",
        "  crds: {image: example.com/c, source: {repository: ../c}}\n",
        "",
    ],
    ids=["gets images", "gets a source", "leaves"],
)
def test_an_app_whose_changes_are_verified_stays_held_when_it_is_another_kind_of_app(
    world: World, other: str
) -> None:
    world.sign(**{"towpath.yaml": CRDS})
    repo = world.push(**{"towpath.yaml": CONFIG.replace("apps:\n", f"apps:\n{other}")})
    assert "app crds has no" in repo.protection.held("prod", "crds")
    assert any("apps.crds: does not wait" in note for note in repo.protection.notes)
    assert repo.protection.held("prod", "hello") == ""
    assert world.sign().protection.held("prod", "crds") == ""


def test_changes_that_owners_want_verified_stay_so(world: World) -> None:
    world.sign(**{"towpath.yaml": CRDS})
    repo = world.push(**{"towpath.yaml": CRDS.replace("manifests", "merge")})
    assert repo.config.app("crds").promote == "manifests"
    assert "apps.crds.promote: manifests -> merge: not in force" in repo.protection.notes[0]
    assert world.sign().config.app("crds").promote == "merge"
    stricter = world.push(**{"towpath.yaml": CRDS})
    assert (stricter.config.app("crds").promote, stricter.protection.notes) == ("manifests", ())


def test_the_folder_of_a_person_is_judged_before_it_is_committed(world: World) -> None:
    world.sign()
    world.write(**{"towpath.yaml": LOOSER})
    found = folder_policy(world.clone, world.settings.trusted_keys)
    assert len(found.protection.notes) == 2
    assert found.checkout.branch == world.git("rev-parse", "origin/main")
    with pytest.raises(RefusedError, match="is not the top of a Git repository"):
        (world.clone / "sub").mkdir()
        (world.clone / "sub" / "towpath.yaml").write_text(CONFIG)
        folder_policy(world.clone / "sub", None)


def test_nothing_of_git_is_asked_twice_for_the_same_commit(world: World) -> None:
    world.sign()
    first = read_repository(world.settings)
    assert first.checkout == fetch_checkout(
        world.settings.environments_url(), "main", world.settings.cache, allow_file=True
    )
    assert read_repository(world.settings).protection == first.protection


def test_a_record_that_somebody_broke_stops_its_app_alone_and_releases_nothing(world: World) -> None:
    path = "apps/hello/quarantine.yaml"
    world.sign(**{path: QUARANTINE % (BAD, "2026-01-01T00:00:00Z")})
    repo = world.push(**{path: "releases: [", "pauses/dev.yaml": "pauses: 1\n"})
    assert repo.protection.enforced is not None
    assert [each.release for each in repo.protection.enforced.policy.quarantine["hello"]] == [f"sha256:{BAD}"]
    assert repo.protection.held("prod") == ""
    for broken in (lambda: repo.quarantine("hello"), lambda: repo.pauses("dev")):
        with pytest.raises(ConfigError):
            broken()
    assert repo.pauses("prod") == ()
