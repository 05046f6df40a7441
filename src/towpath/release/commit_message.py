"""Commit messages of promotions and rollbacks; their trailers record the audit and identify the commit."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from towpath.formats.versions import LATEST
from towpath.printable import printable
from towpath.release.model import Override, Release

INTENT_TRAILER = "Towpath-Intent"
STATEMENT_TRAILER = "Towpath-Approval-Statement"
FLOW_RUN_TRAILER = "Towpath-Flow-Run"
OVERRIDE_TRAILER = "Towpath-Override"
"""The id of the statement that an owner has signed."""
_TRAILER = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9-]*):[ \t]+(?P<value>.*\S)")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f\u0085\u2028\u2029]+")
Trailers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PromotionIntent:
    """A promotion or rollback to commit. `rolls_back` is the id of the release that a rollback replaces.

    `override` is what an owner signed for it. `automatic`: no person asked for this rollback. `told` is what
    would have been said by checks that were waived.
    """

    release: Release
    environment: str
    promoted_from: str | None
    approved_by: tuple[str, ...]
    flow_run: str
    actor: str
    rolls_back: str | None = None
    statements: tuple[str, ...] = ()
    """What its approvers have signed, each with the signature, in base64."""
    override: Override | None = None
    automatic: bool = False
    told: tuple[str, ...] = ()

    @property
    def marker(self) -> tuple[str, str]:
        """The trailer that identifies the commit when the reply to its push was lost."""
        verb = "rollback" if self.rolls_back else "promote"
        return intent_marker(verb, self.release.app, self.environment, self.release.id, self.flow_run)


def intent_marker(verb: str, app: str, environment: str, release: str, flow_run: str) -> tuple[str, str]:
    """A trailer of this commit only; the same for the same work of the same flow run."""
    key = "\0".join((verb, app, environment, release, flow_run))
    return INTENT_TRAILER, f"{verb}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def promotion_message(intent: PromotionIntent) -> str:
    """The message of the commit of a promotion or rollback."""
    release = intent.release
    trailers: Trailers = [
        ("Towpath-App", release.app),
        ("Towpath-Release", release.id),
        ("Towpath-Environment", intent.environment),
    ]
    if intent.promoted_from:
        trailers.append(("Towpath-Promoted-From", intent.promoted_from))
    trailers += [("Towpath-Approved-By", approver) for approver in intent.approved_by]
    trailers += [(STATEMENT_TRAILER, statement) for statement in intent.statements]
    trailers.append((FLOW_RUN_TRAILER, intent.flow_run))
    if intent.rolls_back:
        trailers.append(("Towpath-Rolls-Back", intent.rolls_back))
    if intent.automatic:
        trailers.append(("Towpath-Automatic", "yes"))
    trailers += [("Towpath-Waived", each) for each in intent.told]
    if override := intent.override:
        trailers += [
            ("Towpath-Overridden", override.waives),
            ("Towpath-Overridden-By", override.by),
            ("Towpath-Reason", override.reason),
            (OVERRIDE_TRAILER, override.statement),
        ]
    trailers.append(intent.marker)
    return format_message(_subject(intent), release.subject, trailers)


def _subject(intent: PromotionIntent) -> str:
    release, environment = intent.release, intent.environment
    loud = f", overriding the {intent.override.waives}" if intent.override else ""
    if intent.rolls_back:
        automatic = " automatically" if intent.automatic else ""
        return f"Roll back {release.app} in {environment} to {release.short_id}{automatic}{loud}"
    return f"Promote {release.app} {release.short_id} to {environment}{loud}"


def verified_message(release: Release, environment: str, flow_run: str) -> str:
    """The message of the commit that records that a release was verified."""
    trailers: Trailers = [
        ("Towpath-App", release.app),
        ("Towpath-Release", release.id),
        ("Towpath-Environment", environment),
        (FLOW_RUN_TRAILER, flow_run),
        verified_marker(release, environment, flow_run),
    ]
    return format_message(f"Verified {release.app} {release.short_id} in {environment}", "", trailers)


def verified_marker(release: Release, environment: str, flow_run: str) -> tuple[str, str]:
    """The marker (see PromotionIntent) of the commit of `verified_message`."""
    return intent_marker("verified", release.app, environment, release.id, flow_run)


def changes_message(what: str, environment: str, commit: str, apps: Sequence[str], flow_run: str) -> str:
    """The message of the commit that records that apps without images were verified as of a commit."""
    trailers: Trailers = [
        *(("Towpath-App", app) for app in apps),
        ("Towpath-Commit", commit),
        ("Towpath-Environment", environment),
        (FLOW_RUN_TRAILER, flow_run),
        changes_marker(environment, commit, apps, flow_run),
    ]
    return format_message(f"Verified {what} at {commit[:7]} in {environment}", "", trailers)


def changes_marker(environment: str, commit: str, apps: Sequence[str], flow_run: str) -> tuple[str, str]:
    """As PromotionIntent.marker, for the commit of `changes_message`."""
    return intent_marker("verified-changes", "\n".join(apps), environment, commit, flow_run)


def restored_message(  # noqa: PLR0913, PLR0917
    app: str, environment: str, commit: str, manifests: str, actor: str, run: str
) -> str:
    """The message of the commit that brings an app without images back to what it was at a commit."""
    trailers: Trailers = [
        ("Towpath-App", app),
        ("Towpath-Commit", commit),
        ("Towpath-Environment", environment),
        (FLOW_RUN_TRAILER, run),
        restored_marker(app, environment, manifests, run),
    ]
    return format_message(
        f"Roll back {app} in {environment} to {commit[:7]}", f"Asked for by {actor}", trailers
    )


def restored_marker(app: str, environment: str, manifests: str, flow_run: str) -> tuple[str, str]:
    """As PromotionIntent.marker, for the commit of `restored_message`."""
    return intent_marker("restore", app, environment, manifests, flow_run)


def quarantine_message(app: str, environment: str, release: str, flow_run: str) -> str:
    """The message of a commit that only quarantines a release."""
    trailers: Trailers = [
        ("Towpath-App", app),
        ("Towpath-Environment", environment),
        (FLOW_RUN_TRAILER, flow_run),
        quarantine_marker(app, environment, release, flow_run),
    ]
    return format_message(f"Quarantine {app} {release[:19]}", "", trailers)


def quarantine_marker(app: str, environment: str, release: str, flow_run: str) -> tuple[str, str]:
    """As PromotionIntent.marker, for the commit of `quarantine_message`."""
    return intent_marker("quarantine", app, environment, release, flow_run)


def migrate_message(key: str) -> str:
    """The message of the commit that rewrites all files; `key` identifies the commit."""
    return format_message(f"Migrate the files to {LATEST}", "", [migrate_marker(key)])


def migrate_marker(key: str) -> tuple[str, str]:
    """The trailer that identifies the commit when the reply to its push was lost."""
    return intent_marker("migrate", "", "", "", key)


def format_message(subject: str, body: str, trailers: Iterable[tuple[str, str]]) -> str:
    """Subject, body and trailers. Every value is one line, so no value can look like a trailer."""
    parts = [one_line(subject)]
    if one_line(body):
        # Indented, so that a source commit called `Towpath-Approved-By: eve` is no trailer.
        parts.append(f"    {one_line(body)}")
    lines = [f"{name}: {one_line(value)}" for name, value in trailers if one_line(value)]
    return "\n\n".join([*parts, "\n".join(lines)]) + "\n"


def parse_trailers(message: str) -> dict[str, list[str]]:
    """Trailer name -> values, from the last paragraph if all its lines are trailers. A subject has none."""
    paragraphs = re.split(r"\n[ \t]*\n", message.strip("\n"))
    if len(paragraphs) < 2:
        return {}
    matches = [_TRAILER.fullmatch(line) for line in paragraphs[-1].splitlines()]
    result: dict[str, list[str]] = {}
    for trailer in matches:
        if trailer is None:
            return {}
        result.setdefault(trailer["name"], []).append(trailer["value"].strip())
    return result


def one_line(text: str) -> str:
    """The text on one line: single spaces for white space and control characters, no escape sequences."""
    return _SPACE.sub(" ", printable(text)).strip()
