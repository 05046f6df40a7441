"""Seeds one fault after another into a copy of the core, and says whether the unit tests of that room see it.

Run: .venv/bin/python -m benchmarks.seeded_faults [NAME …]
A fault is a line as somebody might write it by mistake. Exit code 1 when one is not seen, or does not fit the
code any more.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Fault:
    """`right` is one place in `file` (below src/towpath), which becomes `wrong`; `tests` should see it."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str


FAULTS = (
    Fault(
        "a prune limit of its own size refuses",
        "applyset/prune.py",
        "if len(new) > allowed:",
        "if len(new) >= allowed:",
        "applyset",
    ),
    Fault(
        "an object of another uid is deleted",
        "applyset/prune.py",
        'if candidate.owned.uid not in ("", metadata["uid"]):',
        'if candidate.owned.uid == "":',
        "applyset",
    ),
    Fault(
        "an object of another owner is deleted",
        "applyset/prune.py",
        "get(PART_OF_LABEL) != owner.applyset:",
        "get(PART_OF_LABEL) is None:",
        "applyset",
    ),
    Fault(
        "protected kinds are deleted unconfirmed",
        "applyset/prune.py",
        "if protected := [ref for ref in unconfirmed if ref.kind in PROTECTED_KINDS]:",
        'if protected := [ref for ref in unconfirmed if ref.kind == "Namespace"]:',
        "applyset",
    ),
    Fault(
        "a confirmation holds for whatever has the name",
        "applyset/prune.py",
        "new = [ref for ref, uid in pruning.delete if confirmed.get(ref) != uid]",
        "new = [ref for ref, uid in pruning.delete if ref not in confirmed]",
        "applyset",
    ),
    Fault(
        "healing goes on for ever",
        "drift/heal_budget.py",
        "return len(times) >= LIMIT and times[-1] - times[-LIMIT] <= WINDOW",
        "return len(times) > LIMIT and times[-1] - times[-LIMIT] <= WINDOW",
        "drift",
    ),
    Fault(
        "an edit after a merge is healed as drift",
        "drift/comparison.py",
        "if owned.uid and not wanted.is_recorded(owned.applied_digest):",
        "if owned.uid and wanted.is_recorded(owned.applied_digest):",
        "drift",
    ),
    Fault(
        "what is being deleted counts as there",
        "drift/comparison.py",
        '    if "deletionTimestamp" in metadata:\n',
        '    if "deletionTime" in metadata:\n',
        "drift",
    ),
    Fault(
        "a paused app is synced",
        "drift/decision.py",
        "    if policy.paused:\n",
        '    if policy.paused and mode == "report":\n',
        "drift",
    ),
    Fault(
        "mode report heals edits",
        "drift/decision.py",
        '    "report": ("unapplied",),\n    "adopt"',
        '    "report": ("unapplied", "modified"),\n    "adopt"',
        "drift",
    ),
    Fault(
        "an author approves his own work",
        "gates/evaluate.py",
        "for each in (release.author, *facts.authors))",
        "for each in facts.authors)",
        "gates",
    ),
    Fault(
        "one person counts twice",
        "gates/evaluate.py",
        'people = {who.person(each.approver) for each in valid if each.decision == "approve"}',
        'people = [who.person(each.approver) for each in valid if each.decision == "approve"]',
        "gates",
    ),
    Fault(
        "an approval holds for another release",
        "gates/evaluate.py",
        "        == (release.app, facts.environment, release.id)\n",
        "        == (release.app, facts.environment, approval.digest)\n",
        "gates",
    ),
    Fault(
        "an unverified release counts as verified",
        "gates/evaluate.py",
        'return "" if state.verified_at else',
        'return "" if state.promoted_at else',
        "gates",
    ),
    Fault(
        "an expired approval counts",
        "gates/approval.py",
        "    if age >= lifetime:\n",
        "    if age >= 2 * lifetime:\n",
        "gates",
    ),
    Fault(
        "break-glass passes a scan",
        "gates/waivers.py",
        '"break-glass": {\n        "evidence": "asked",\n        "scan": "asked",\n',
        '"break-glass": {\n        "evidence": "asked",\n        "scan": "waived",\n',
        "gates",
    ),
    Fault(
        "a shorter soak needs no signature",
        "gates/loosening.py",
        "        soak = signed.soak\n",
        "        soak = files.soak\n",
        "gates",
    ),
    Fault(
        "a key signs what it is not for",
        "evidence/trusted_keys.py",
        "return not self.namespaces or namespace in self.namespaces",
        "return not self.namespaces or bool(namespace)",
        "evidence",
    ),
    Fault(
        "evidence is believed in another's name",
        "evidence/verification.py",
        "    if evidence.builder != principal:\n",
        "    if not evidence.builder:\n",
        "evidence",
    ),
    Fault(
        "a retired key signs on",
        "evidence/trusted_keys.py",
        "if self.valid_before and signed_at >= self.valid_before:",
        "if self.valid_before and signed_at >= self.valid_before + LATE:",
        "evidence",
    ),
    Fault(
        "an ignored finding is ignored for ever",
        "release/scan_policy.py",
        "for rule in policy.ignore if today < rule.until}",
        "for rule in policy.ignore if today}",
        "release",
    ),
    Fault(
        "a stricter scanner is not asked for",
        "release/recorded_scan.py",
        "missing = sorted(set(policy.scanners) - set(scan.scanners))",
        "missing = sorted(set(scan.scanners) - set(policy.scanners))",
        "gates",
    ),
)


def seen(fault: Fault, folder: Path) -> bool:
    """Whether a test fails with the fault."""
    file = folder / "src/towpath" / fault.file
    text = file.read_text()
    if text.count(fault.right) != 1:
        sys.exit(f"{fault.name}: {fault.file} has its place {text.count(fault.right)} times, not once")
    file.write_text(text.replace(fault.right, fault.wrong))
    options = ("-q", "-x", "-p", "no:cacheprovider", "--no-header")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", f"tests/unit/{fault.tests}", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        file.write_text(text)
    if done.returncode not in (0, 1):
        sys.exit(f"{fault.name}: pytest ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.returncode == 1


def main() -> None:
    chosen = [each for each in FAULTS if not sys.argv[1:] or each.name in sys.argv[1:]]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="towpath-faults-") as text:
        folder = Path(text) / "towpath"
        skipped = shutil.ignore_patterns(
            ".git", ".venv", ".cache", ".mypy_cache", ".ruff_cache", "__pycache__"
        )
        shutil.copytree(ROOT, folder, ignore=skipped, symlinks=True)
        for fault in chosen:
            begun = time.monotonic()
            caught = seen(fault, folder)
            missed += not caught
            seconds = time.monotonic() - begun
            print(f"{'seen' if caught else 'MISSED':7} {seconds:5.0f} s  {fault.name}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} faults are seen")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
