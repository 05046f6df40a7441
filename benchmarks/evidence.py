"""What it costs to verify: 200 signed commits (beside Git's own check), one commit, an envelope, a referrer.

And what the admission costs a promotion, which asks it twice: before the plan, and again under the lock.

Run: .venv/bin/python -m benchmarks.evidence   (needs docker-registry for the last rows)
"""

import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.keys import evidence_of
from tests.own_image import OwnImage
from tests.own_registry import own_registry
from tests.unit.engine.source.promotions import World, release
from tests.unit.evidence import examples
from tests.unit.evidence.examples import BUILD, NOW, trusted
from towpath.adapters.evidence.key_changes import make_key
from towpath.adapters.evidence.key_files import KeyFolder, read_private_key, read_trusted_keys
from towpath.adapters.evidence.referrers import forget_bundles, put_bundle, read_bundles
from towpath.adapters.git import fetch_checkout, verify_commits
from towpath.adapters.registries.oci import MANIFEST_TYPE, Repository, digest_of
from towpath.config import load_config
from towpath.engine.gates.admission import Entry, admit
from towpath.engine.source import release_proof
from towpath.engine.source.history import forget_proofs
from towpath.engine.source.repository import EnvironmentRepo
from towpath.evidence.json_text import canonical
from towpath.evidence.signing import sign_release
from towpath.evidence.statement import RELEASE_TYPE, Image
from towpath.evidence.verification import AskedRelease, find_release
from towpath.release.image_ref import parse_image
from towpath.release.model import one_image

COMMITS = 200
RUNS = 7


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commits(folder)
        if shutil.which("docker-registry"):
            with own_registry(folder / "registry") as address:
                referrer(address)
                promotion(address, folder / "promotion")


def commits(folder: Path) -> None:
    keys = KeyFolder(folder / "keys")
    make_key(keys, "prod", ("git",))
    work = folder / "work"
    git("init", "-q", "-b", "main", str(work), cwd=folder)
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={keys.private_file('prod')}")
    for number in range(COMMITS + 1):
        git(*options, "commit", "-q", "--allow-empty", "-S", "-m", f"Promote {number}", cwd=work)
    mirror = fetch_checkout(str(work), "main", folder / "cache", allow_file=True).mirror
    first, *_, before, head = git("rev-list", "--reverse", "main", cwd=work).split()
    known, now = read_trusted_keys(keys.trusted_file), datetime.now(UTC)

    def verify(base: str) -> None:
        verdicts = verify_commits(mirror, base, head, known, ["prod"], received=now)
        if not verdicts or not all(verdict.trusted for verdict in verdicts):
            raise SystemExit("a commit is not trusted")

    allowed = f"gpg.ssh.allowedSignersFile={keys.trusted_file}"
    tell(
        f"git log --format=%G? of {COMMITS} commits",
        lambda: git("-c", allowed, "log", "--format=%G?", f"{first}..{head}", cwd=work),
        3,
    )
    tell(f"verify_commits of {COMMITS} commits", lambda: verify(first))
    tell("verify_commits of 1 commit", lambda: verify(before))


def referrer(address: str) -> None:
    name = f"{address}/hello"
    repository = Repository(parse_image(name), push=True)
    repository.put_blob(b"{}")
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2}
    content = canonical({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": empty, "layers": [empty]})
    repository.put_manifest(digest_of(content), content)
    digest, known, now = digest_of(content), trusted(), NOW
    signed = examples.bundle(BUILD, images=(Image(name, digest),))
    put_bundle(name, digest, signed, RELEASE_TYPE)
    asked = AskedRelease("hello", digest, ("build",))
    tell("verify one envelope", lambda: find_release([signed], known, asked, now))

    def fetch() -> None:
        forget_bundles()
        find_release(read_bundles(name, digest, RELEASE_TYPE).bundles, known, asked, now)

    tell("fetch and verify one referrer", fetch)


def promotion(address: str, folder: Path) -> None:
    """What the proofs of a release cost one promotion: where nobody approves, and where people do."""
    folder.mkdir()
    world, image = World(folder), OwnImage(f"{address}/proof")
    key = read_private_key(world.keys.private_file("build"))
    ids = [image.push({"number": number}) for number in range(3)]
    chain = [replace(release(1), images=one_image("hello", image.name, each)) for each in ids]
    for before, digest, each in zip(["", *ids], ids, chain, strict=False):
        bundle = sign_release(evidence_of(each, previous=before), key)
        put_bundle(image.name, digest, bundle, RELEASE_TYPE)
    people = "gate: {approvals: {required: 1, from: [bob]}}"
    config = f"""\
apiVersion: towpath.dev/v2
apps: {{hello: {{image: {image.name}, source: {{repository: ../hello.git}}}}}}
environments: [{{name: dev, namespace: dev}}, {{name: prod, namespace: prod, {people}}}]
scan: {{scanners: [secret]}}
"""
    world.write({"towpath.yaml": config}, "Begin\n\nA: b\n", ("A", "b"))
    world.promote(1, "prod", verified=True)
    checkout = world.checkout()
    repo = EnvironmentRepo(checkout, load_config(checkout.path))

    def judge(environment: str) -> None:
        """As one run does, whose process has proven nothing before."""
        forget_proofs()
        forget_bundles()
        release_proof._link.cache_clear()
        entry = Entry(repo, environment, "hello", ids[-1], "promotion")
        for _ in range(2):
            admit(entry, world.trusted)

    for environment in ("dev", "prod"):
        tell(f"admission of a promotion to {environment}, twice", functools.partial(judge, environment))


def tell(what: str, work: Callable[[], object], runs: int = RUNS) -> None:
    """Print the median and the slowest of several runs."""
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begin) * 1000)
    sys.stdout.write(f"{what:40} median {statistics.median(taken):9.2f} ms, slowest {max(taken):9.2f} ms\n")


def git(*args: str, cwd: Path) -> str:
    """Git's output, without a person's configuration."""
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
    env |= {
        f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return subprocess.run(
        ["git", *args], cwd=cwd, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
