"""What comes in is proven: on a real registry, in which others write too, and real Git repositories."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tests.keys import evidence_of
from tests.own_image import OwnImage, repository_name
from tests.own_registry import own_registry
from tests.unit.adapters.git.repositories import run
from tests.unit.engine.source.promotions import World, release
from towpath.adapters.evidence.key_files import read_private_key
from towpath.adapters.evidence.referrers import put_bundle
from towpath.adapters.git import fetch_checkout
from towpath.adapters.registries import registry as records
from towpath.config import Config, load_config
from towpath.engine.gates.admission import Admission, Entry, admit
from towpath.engine.gates.merged import InGit, require_admitted
from towpath.engine.gates.rollback import restore_release
from towpath.engine.source.commits import Committer, push_edits
from towpath.engine.source.release_proof import attest, lineage, prove_commit
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import EvidenceError, MissingPartError, RefusedError
from towpath.evidence.signing import sign_release
from towpath.evidence.statement import RELEASE_TYPE
from towpath.formats.versions import V2
from towpath.gates.ways import Way
from towpath.release.commit_message import PromotionIntent, promotion_message
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file, release_path
from towpath.settings import Settings

pytestmark = pytest.mark.integration

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {{hello: {{image: {image}, renderer: plain, source: {{repository: ../hello.git}}}}}}
environments:
  - {{name: dev, namespace: dev}}
  - {{name: prod, namespace: prod, gate: {{approvals: {{required: 1, from: [alice, bob]}}}}}}
scan: {{scanners: [secret]}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: hello}}
spec:
  template: {{spec: {{containers: [{{name: hello, image: "{image}@{digest}"}}]}}}}
"""


@dataclass
class ProvenWorld:
    """An image in a real registry, and the environment repository that promotes it."""

    git: World
    image: OwnImage

    def release(self, **changes: Any) -> Release:
        """A release of the image; nothing is written anywhere."""
        images = one_image("hello", self.image.name, self.image.digest)
        scan = ScanSummary("passed", ("secret",), policy="0" * 12)
        return replace(release(1), images=images, scan=scan, **changes)

    def sign(self, known: Release, signer: str = "build", **more: Any) -> None:
        key = read_private_key(self.git.keys.private_file(signer))
        put_bundle(self.image.name, known.id, sign_release(evidence_of(known, **more), key), RELEASE_TYPE)

    @property
    def config(self) -> Config:
        return self.repo.config

    @property
    def repo(self) -> EnvironmentRepo:
        checkout = self.git.checkout()
        return EnvironmentRepo(checkout, load_config(checkout.path))

    def judge(self, environment: str, digest: str, way: Way = "promotion") -> Admission:
        return admit(Entry(self.repo, environment, "hello", digest, way), self.git.trusted)

    def prove(self, environment: str = "dev") -> Release:
        admission = self.judge(environment, self.image.digest)
        admission.require_open()
        return admission.release

    def name(self, known: Release, environment: str, *, signer: str = "", **more: Any) -> None:
        """A commit that brings the release with all trailers of a promotion, signed or not."""
        run_id = f"run-{environment}-{signer}-{known.short_id}-{sorted(more.items())}"
        intent = PromotionIntent(known, environment, None, ("alice",), run_id, "bob")
        more = {"approved_by": ("alice",), "flow_run": run_id, **more}
        state = EnvironmentRelease(known, "2026-01-01T00:00:00Z", "bob", **more)
        files = {release_path("hello", environment): dump_release_file(state, V2)}
        self.git.write(files, promotion_message(intent), intent.marker, signer=signer)

    def in_git(self, environment: str) -> InGit:
        return InGit(self.repo, environment, self.git.keys.trusted_file)

    def settings(self, signer: str) -> Settings:
        return Settings.load(
            {
                "HOME": str(self.git.cache.parent),
                "TOWPATH_CACHE": str(self.git.cache),
                "TOWPATH_ENVIRONMENTS": self.git.url,
                "TOWPATH_GIT_ALLOW_FILE": "1",
                "TOWPATH_SIGNING_KEY": str(self.git.keys.private_file(signer)),
                "TOWPATH_TRUSTED_KEYS": str(self.git.keys.trusted_file),
            }
        )


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def place(
    address: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ProvenWorld:
    image = OwnImage(f"{address}/{repository_name(request.node.name)}")
    made = ProvenWorld(World(tmp_path), image)
    marker = ("Merged-By-Hand", "1")
    text = DEPLOYMENT.format(image=image.name, digest=image.digest)
    files = {f"apps/hello/{name}/deployment.yaml": text for name in ("dev", "prod")}
    files["towpath.yaml"] = CONFIG.format(image=image.name)
    made.git.write(files, "Begin\n\nMerged-By-Hand: 1\n", marker)
    return made


def test_a_record_for_a_commit_before_it_is_built_is_no_release(place: ProvenWorld) -> None:
    planted = place.release()
    records.put_release(planted, V2)
    with pytest.raises(EvidenceError, match="there is no release evidence for hello"):
        prove_commit(place.git.trusted, place.config.app("hello"), planted.commit)
    with pytest.raises(EvidenceError, match="there is no release evidence for hello") as caught:
        place.prove()
    assert "towpath deliver" in (caught.value.remedy or "")
    place.sign(planted, "prod")
    with pytest.raises(EvidenceError, match="none of the 1 keys"):
        place.prove()
    place.sign(planted)
    assert place.prove() == planted


def test_the_record_adds_nothing_to_what_the_evidence_says(place: ProvenWorld) -> None:
    true = place.release()
    place.sign(true)
    lies = replace(true, commit="9" * 40, author="Nobody <no@example.com>", subject="Harmless")
    records.put_release(replace(lies, scan=ScanSummary("passed", ("secret", "vuln"))), V2)
    assert place.prove() == true


def test_a_scan_is_judged_as_the_evidence_states_it(place: ProvenWorld) -> None:
    blocked = place.release()
    blocked = replace(blocked, scan=ScanSummary("blocked", ("secret",), {"HIGH": 1}, policy="0" * 12))
    place.sign(blocked)
    records.put_release(place.release(), V2)
    with pytest.raises(RefusedError, match="is blocked by its scan"):
        place.prove()


def test_a_commit_with_all_trailers_that_nobody_signed_brings_nothing(place: ProvenWorld) -> None:
    known = place.release()
    records.put_release(known, V2)
    for signer in ("", "dev", "build"):
        place.name(known, "prod", signer=signer, verified_at="2026-01-02T00:00:00Z")
        with pytest.raises(RefusedError, match="no promotion brought hello 1111111 here"):
            require_admitted(place.in_git("prod"), "hello")
    place.name(known, "prod", signer="prod")
    require_admitted(place.in_git("prod"), "hello")


def test_a_hand_made_commit_of_a_proven_release_still_needs_its_approvals(place: ProvenWorld) -> None:
    known = place.release()
    place.sign(known)
    place.name(known, "dev")
    require_admitted(place.in_git("dev"), "hello")
    place.name(known, "prod")
    with pytest.raises(RefusedError, match=r"must be verified in dev first.*1 approvals are missing"):
        require_admitted(place.in_git("prod"), "hello")


def test_a_rollback_takes_only_what_is_signed_and_proven(place: ProvenWorld) -> None:
    known = place.release()
    second = OwnImage(place.image.name)
    other = replace(known, images=one_image("hello", second.name, second.push({"created": "x"})))
    by = Committer(place.settings("prod"), "run-1", "ann")
    place.name(known, "prod", verified_at="2026-01-02T00:00:00Z")
    place.name(other, "prod", signer="prod")
    with pytest.raises(RefusedError, match="no earlier verified release"):
        restore_release(by, place.repo, "hello", "prod", None)
    with pytest.raises(RefusedError, match="no commit that the agent of prod has signed"):
        restore_release(by, place.repo, "hello", "prod", known.id)
    place.name(known, "prod", signer="prod", verified_at="2026-01-02T00:00:00Z")
    place.name(other, "prod", signer="prod")
    with pytest.raises(EvidenceError, match="there is no release evidence"):
        restore_release(by, place.repo, "hello", "prod", known.id)
    place.sign(known)
    assert restore_release(by, place.repo, "hello", "prod", known.id).repo.release("hello", "prod")
    require_admitted(place.in_git("prod"), "hello")


def test_without_a_key_the_agent_commits_nothing(place: ProvenWorld) -> None:
    bare = replace(place.settings("prod"), signing_key=None)
    before = place.repo.commit
    with pytest.raises(MissingPartError, match="no signing key is configured"):
        push_edits(bare, before, lambda _: {"a": "b"}, "A\n\nB: c\n", marker=("B", "c"))
    assert place.repo.commit == before


def test_the_release_before_is_the_nearest_that_is_proven(place: ProvenWorld, tmp_path: Path) -> None:
    source, app = tmp_path / "hello", place.config.app("hello")
    run("init", "-q", "-b", "main", str(source), cwd=tmp_path)

    def commit(text: str) -> str:
        run("commit", "-q", "--allow-empty", "-m", text, cwd=source)
        return run("rev-parse", "HEAD", cwd=source)

    first = commit("One")
    planted = commit("Two\n\nCo-authored-by: Eve <eve@example.com>")
    commit("Three\n\nco-authored-by: Tom <tom@example.com>")
    files = fetch_checkout(str(source), "main", place.git.cache, allow_file=True)
    everybody = ("Ann <ann@example.com>", "Eve <eve@example.com>", "Tom <tom@example.com>")
    assert lineage(place.git.trusted, app, files).previous == ""
    known = place.release(commit=first)
    key = read_private_key(place.git.keys.private_file("build"))
    records.put_release(attest(evidence_of(known), app, key), V2)
    records.put_release(place.release(commit=planted), V2)
    found = lineage(place.git.trusted, app, files)
    assert (found.previous, found.authors) == (known.id, everybody)


def test_whoever_wrote_what_comes_between_two_releases_is_an_author(place: ProvenWorld) -> None:
    digests = [OwnImage(place.image.name).push({"created": str(number)}) for number in range(3)]
    chain = [replace(place.release(), images=one_image("hello", place.image.name, each)) for each in digests]
    for before, each, author in zip(
        ["", *digests], chain, ("Al <a@x>", "Bob <bob@x>", "Cy <c@x>"), strict=False
    ):
        place.sign(each, previous=before, authors=(author,))

    def authors() -> tuple[str, ...]:
        return place.judge("prod", digests[2]).facts.authors

    assert authors() == ("Al <a@x>", "Bob <bob@x>", "Cy <c@x>")
    place.name(chain[1], "prod")  # of a person: nothing is proven to run there
    assert authors() == ("Al <a@x>", "Bob <bob@x>", "Cy <c@x>")
    place.name(chain[0], "prod", signer="prod")
    assert authors() == ("Bob <bob@x>", "Cy <c@x>")


def test_the_proof_of_a_promotion_takes_no_tenth_of_a_second(place: ProvenWorld) -> None:
    place.sign(place.release())
    entry = Entry(place.repo, "prod", "hello", place.image.digest, "promotion")
    trusted, times = place.git.trusted, []
    for _ in range(10):
        started = perf_counter()
        admit(entry, trusted)
        times.append(perf_counter() - started)
    assert min(times) < 0.1, times
