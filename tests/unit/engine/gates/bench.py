"""A real environment repository, and evidence that a test may change."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tests.keys import evidence_of
from tests.unit.engine.source.promotions import World, release
from towpath.adapters.evidence.key_files import read_private_key
from towpath.config import load_config
from towpath.engine.gates.admission import Admission, Entry, admit
from towpath.engine.gates.merged import require_admitted
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.source.repository import EnvironmentRepo
from towpath.evidence.signing import sign_release
from towpath.formats.versions import V2
from towpath.release.model import EnvironmentRelease, Release
from towpath.release.quarantine import QuarantineEntry, dump_quarantine, quarantine_path
from towpath.release.release_file import dump_release_file, release_path

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:5000/hello, source: {repository: ../hello.git}}}
environments:
  - {name: dev, namespace: dev}
  - {name: prod, namespace: prod, gate: {approvals: {required: 2, from: [alice, bob]}}}
scan: {scanners: [secret]}
"""


class Bench:
    """A real repository; the registry is what the test says."""

    def __init__(self, folder: Path) -> None:
        self.git = World(folder)
        self.merges = 0
        self.config(CONFIG)
        self.bundles = {release(n).id: [self.signed(release(n))] for n in (1, 2)}

    def signed(self, known: Release, signer: str = "build", **more: Any) -> bytes:
        """Its evidence, as it lies beside the image."""
        return sign_release(evidence_of(known, **more), read_private_key(self.git.keys.private_file(signer)))

    def config(self, text: str) -> None:
        self.merge({"towpath.yaml": text})

    def merge(self, files: dict[str, str]) -> str:
        """A commit of a person."""
        self.merges += 1
        mark = ("Merged-By-Hand", str(self.merges))
        self.git.write(files, f"Change something\n\n{mark[0]}: {mark[1]}\n", mark)
        return self.git.checkout().commit

    def name(self, number: int, environment: str, **changes: Any) -> str:
        """A person's commit that names a release."""
        named = replace(release(number), **changes)
        state = EnvironmentRelease(named, "2026-01-01T00:00:00Z", "ann", verified_at="2026-01-02T00:00:00Z")
        return self.merge({release_path("hello", environment): dump_release_file(state, V2)})

    def quarantine(self, number: int) -> None:
        bad = QuarantineEntry(release(number).id, "never ready", "2026-01-03T00:00:00Z")
        self.merge({quarantine_path("hello"): dump_quarantine([bad], V2)})

    def context(self, environment: str) -> EnvironmentContext:
        checkout = self.git.checkout()
        config = load_config(checkout.path)
        repo = EnvironmentRepo(checkout, config)
        keys = self.git.keys.trusted_file
        return EnvironmentContext(cast(Any, None), repo, config.environment(environment), trusted_keys=keys)

    def check(self, environment: str) -> None:
        require_admitted(self.context(environment).in_git, "hello")

    def promotion(self, environment: str, digest: str) -> Admission:
        return admit(
            Entry(self.context(environment).repo, environment, "hello", digest, "promotion"), self.git.trusted
        )
