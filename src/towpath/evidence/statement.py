"""Release evidence: an in-toto v1 statement about the images of one release, made by who built them."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from towpath.errors import OtherSubjectError
from towpath.evidence.json_text import canonical, malformed, object_at, parse_object, text_of, time_of

T = TypeVar("T", str, int)
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
RELEASE_TYPE = "https://towpath.dev/release/v1"
"""The predicate's type; documented in docs/reference/evidence.md."""
MAX_IMAGES = 100
MAX_AUTHORS = 5000
_WHAT = "release evidence"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_STATUSES = ("passed", "blocked", "not-scanned")


@dataclass(frozen=True, slots=True, order=True)
class Image:
    """An image of the release: registry and repository, and its digest `sha256:…`."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class ScanEvidence:
    """The scan of the images: its status, the digest of its report, the hash of the policy that judged it.

    `findings` is id -> worst severity, so that another policy can judge the scan anew; None: not stated.
    """

    status: str
    report: str
    policy: str
    scanners: tuple[str, ...] = ()
    findings: dict[str, str] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    scanner: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseEvidence:
    """What the builder states about a release.

    `authors` are all authors and co-authors (`Name <mail>`) of the commits since the previous release;
    `previous` is that release's identity, empty for the first. `builder` is the name of who states it. Times
    are RFC 3339. `subject` and `author` are the commit's, `run` is the flow run that built it. Of an image
    that is `prebuilt`, `commit` is empty, `source` the image's repository, and the author who brought it in.
    """

    app: str
    images: tuple[Image, ...]
    source: str
    commit: str
    authors: tuple[str, ...]
    previous: str
    scan: ScanEvidence
    builder: str
    started_at: str
    finished_at: str
    subject: str = ""
    author: str = ""
    run: str = ""
    prebuilt: bool = False

    @property
    def finished(self) -> datetime:
        """`finished_at` as a point in time."""
        return time_of(self.finished_at, _WHAT)

    def require(self, app: str, digests: tuple[str, ...]) -> None:
        """Raise OtherSubjectError unless this is about `app` and exactly the images with those digests."""
        if self.app != app:
            raise OtherSubjectError(
                f"the evidence is about app {self.app[:60]!r}, not {app!r}",
                remedy="Somebody attached it to another app's image. Deliver the release again.",
            )
        stated = {image.digest for image in self.images}
        if stated != set(digests):
            others, asked = (", ".join(each[:19] for each in sorted(some)[:3]) for some in (stated, digests))
            raise OtherSubjectError(
                f"the evidence is about {others}, not about {asked}",
                remedy="It is another release's, or somebody attached it. Deliver the release again.",
            )


def encode_statement(evidence: ReleaseEvidence) -> bytes:
    """The statement's bytes; MalformedEvidenceError when it lacks something."""
    predicate: dict[str, Any] = {
        "app": evidence.app,
        "source": {
            "repository": evidence.source,
            **({} if evidence.prebuilt and not evidence.commit else {"commit": evidence.commit}),
            **_stated(subject=evidence.subject, author=evidence.author),
        },
        "authors": sorted(set(evidence.authors)),
        "scan": {
            "status": evidence.scan.status,
            "report": evidence.scan.report,
            "policy": evidence.scan.policy,
            **_stated(
                scanners=list(evidence.scan.scanners),
                counts=evidence.scan.counts,
                scanner=evidence.scan.scanner,
                system=evidence.scan.system,
            ),
            **({} if evidence.scan.findings is None else {"findings": evidence.scan.findings}),
        },
        "builder": evidence.builder,
        "startedAt": evidence.started_at,
        "finishedAt": evidence.finished_at,
        **_stated(previous=evidence.previous, run=evidence.run),
        **({"prebuilt": True} if evidence.prebuilt else {}),
    }
    subjects = [
        {"name": image.name, "digest": {"sha256": image.digest.removeprefix("sha256:")}}
        for image in sorted(set(evidence.images))
    ]
    statement = {"_type": STATEMENT_TYPE, "subject": subjects, "predicateType": RELEASE_TYPE}
    content = canonical({**statement, "predicate": predicate})
    decode_statement(content)  # whoever reads it is as strict
    return content


def _stated(**values: Any) -> dict[str, Any]:
    """Those that say something."""
    return {name: value for name, value in values.items() if value}


def decode_statement(content: bytes) -> ReleaseEvidence:
    """Read a statement; MalformedEvidenceError when it is another or lacks something.

    Further keys of the predicate are left out: a later version may state more.
    """
    data = parse_object(content, _WHAT)
    for key, expected in (("_type", STATEMENT_TYPE), ("predicateType", RELEASE_TYPE)):
        if (value := text_of(data, key, _WHAT)) != expected:
            raise malformed(_WHAT, f"has {key} {value[:80]!r}, not {expected!r}")
    predicate = object_at(data, "predicate", _WHAT)
    source, scan = (object_at(predicate, key, _WHAT) for key in ("source", "scan"))
    times = {key: text_of(predicate, key, _WHAT) for key in ("startedAt", "finishedAt")}
    if time_of(times["startedAt"], _WHAT) > time_of(times["finishedAt"], _WHAT):
        raise malformed(_WHAT, "ends before it begins")
    prebuilt = predicate.get("prebuilt") is True
    commit = "" if prebuilt else text_of(source, "commit", _WHAT)
    if prebuilt and "commit" in source:
        raise malformed(_WHAT, "has a commit, though it is about a prebuilt image")
    if not prebuilt and not _COMMIT.fullmatch(commit):
        raise malformed(_WHAT, f"has {commit[:40]!r} as commit, which is no whole commit id")
    return ReleaseEvidence(
        app=text_of(predicate, "app", _WHAT),
        images=_images(data.get("subject")),
        source=text_of(source, "repository", _WHAT),
        commit=commit,
        authors=_authors(predicate.get("authors")),
        previous=text_of(predicate, "previous", _WHAT, optional=True),
        scan=_scan(scan),
        builder=text_of(predicate, "builder", _WHAT),
        started_at=times["startedAt"],
        finished_at=times["finishedAt"],
        subject=text_of(source, "subject", _WHAT, optional=True),
        author=text_of(source, "author", _WHAT, optional=True),
        run=text_of(predicate, "run", _WHAT, optional=True),
        prebuilt=prebuilt,
    )


def _images(subjects: Any) -> tuple[Image, ...]:
    if not isinstance(subjects, list) or not 0 < len(subjects) <= MAX_IMAGES:
        raise malformed(_WHAT, f"must have 1 to {MAX_IMAGES} subjects")
    images = []
    for subject in subjects:
        if not isinstance(subject, dict):
            raise malformed(_WHAT, "has a subject that is no object")
        digest = text_of(object_at(subject, "digest", _WHAT), "sha256", _WHAT)
        if not _SHA256.fullmatch(digest):
            raise malformed(_WHAT, f"has {digest[:40]!r} as digest, which is no sha256")
        images.append(Image(text_of(subject, "name", _WHAT), f"sha256:{digest}"))
    if len(set(images)) != len(images):
        raise malformed(_WHAT, "has a subject twice")
    return tuple(images)


def _authors(authors: Any) -> tuple[str, ...]:
    if not isinstance(authors, list) or not 0 < len(authors) <= MAX_AUTHORS:
        raise malformed(_WHAT, f"must have 1 to {MAX_AUTHORS} authors")
    if not all(isinstance(author, str) and author for author in authors):
        raise malformed(_WHAT, "has an author that is no text")
    return tuple(authors)


def _scan(scan: dict[str, Any]) -> ScanEvidence:
    status = text_of(scan, "status", _WHAT)
    if status not in _STATUSES:
        raise malformed(_WHAT, f"has {status[:40]!r} as scan status, not one of {', '.join(_STATUSES)}")
    report = text_of(scan, "report", _WHAT, optional=status == "not-scanned")
    if report and not _DIGEST.fullmatch(report):
        raise malformed(_WHAT, f"has {report[:40]!r} as digest of the scan report, which is no sha256 digest")
    scanners, findings = scan.get("scanners", []), scan.get("findings")
    if not isinstance(scanners, list) or not all(isinstance(each, str) and each for each in scanners):
        raise malformed(_WHAT, "has scanners that are no list of names")
    return ScanEvidence(
        status,
        report,
        text_of(scan, "policy", _WHAT, optional=status == "not-scanned"),
        tuple(scanners),
        None if findings is None else _map_of(findings, "findings", str),
        _map_of(scan.get("counts", {}), "counts", int),
        text_of(scan, "scanner", _WHAT, optional=True),
        text_of(scan, "system", _WHAT, optional=True),
    )


def _map_of(data: Any, name: str, kind: type[T]) -> dict[str, T]:
    if not isinstance(data, dict) or not all(type(value) is kind for value in data.values()):
        raise malformed(_WHAT, f"has {name} of a scan that are no map from names")
    return data
