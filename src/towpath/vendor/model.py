"""`vendor.yaml`: which charts and bases from elsewhere the repository has, where, and in which versions."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from towpath.config.explain import explain
from towpath.config.keys.fields import Model, Name, RelativePath, Text
from towpath.config.keys.ranges import VersionRange, parse_range
from towpath.errors import ConfigError, Problem, RefusedError, UnknownNameError
from towpath.files import read_text
from towpath.formats.key_tree import key_tree
from towpath.formats.record import require_known
from towpath.formats.versions import LATEST, V1, VENDOR, VERSION_KEY, FileVersion
from towpath.release.image_ref import ImageReference, parse_image
from towpath.yamltext.config_reader import ConfigDocument, config_error, read_document

VENDOR_FILE = VENDOR
MAX_ENTRIES = 200
COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$(?!\n)"
_CHART = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,248}[A-Za-z0-9])?$(?!\n)"
_REVISION = r"^(?![-/.])(?!.*(\.\.|@\{|//|\.lock$|/$))[A-Za-z0-9._/+@-]{1,200}$(?!\n)"
_TOP = ("apps", "pauses", "policy", "evidence", "verified")
"""Folders of Towpath itself: what is vendored may be in `apps/APP/…` only, or beside them."""

ChartName = Annotated[str, StringConstraints(pattern=_CHART)]
Host = Annotated[str, StringConstraints(pattern=_HOST, max_length=260)]


class ChartSource(Model):
    """A chart of a repository that is served over HTTP."""

    repository: Annotated[
        Text, Field(description="The URL below which `index.yaml` is, without credentials.")
    ]
    name: ChartName

    @field_validator("repository")
    @classmethod
    def _is_clean(cls, url: str) -> str:
        if problem := url_problem(url, ("https", "http")):
            raise ValueError(problem)
        return url


class GitSource(Model):
    """Files of a Git repository."""

    repository: Annotated[Text, Field(description="URL as of `git clone`, without credentials.")]
    folder: Annotated[
        RelativePath | None, Field(description="The folder that is wanted; all if left out.")
    ] = None
    revision: Annotated[
        Annotated[str, StringConstraints(pattern=_REVISION)] | None,
        Field(description="A branch, a tag or a whole commit id, in place of `version`."),
    ] = None

    @field_validator("repository")
    @classmethod
    def _is_clean(cls, url: str) -> str:
        if "://" in url and (problem := url_problem(url, ("https", "http", "ssh", "file"))):
            raise ValueError(problem)
        return url


class VendorEntry(Model):
    """One folder from elsewhere."""

    name: Name
    path: Annotated[RelativePath, Field(description="The folder that holds it, and nothing else.")]
    chart: ChartSource | None = None
    oci: Annotated[
        Text | None, Field(description="A chart in an OCI registry: [oci://]REGISTRY/REPOSITORY")
    ] = None
    git: GitSource | None = None
    version: Annotated[
        Text | None, Field(description="A version (1.2.3), or a range (^1.2, ~1.2.3, >=1.2 <2, 1.x).")
    ] = None
    include: Annotated[
        tuple[Text, ...], Field(description="Patterns of the files that are wanted; all if left out.")
    ] = ()
    hosts: Annotated[
        tuple[Host, ...],
        Field(description="Further hosts (or HOST:PORT) that archives and dependencies may come from."),
    ] = ()

    @field_validator("path")
    @classmethod
    def _is_free(cls, path: str) -> str:
        if problem := path_problem(path):
            raise ValueError(problem)
        return path

    @field_validator("oci")
    @classmethod
    def _is_repository(cls, text: str) -> str:
        from towpath.errors import TerminalError

        if "@" in text or re.search(r":[^/]*$", text.removeprefix("oci://").partition("/")[2]):
            raise ValueError("must be [oci://]REGISTRY/REPOSITORY, without a tag, a digest and credentials")
        try:
            parse_image(text.removeprefix("oci://"))
        except TerminalError as error:
            raise ValueError("must be [oci://]REGISTRY/REPOSITORY") from error
        return text

    @field_validator("version")
    @classmethod
    def _is_range(cls, text: str) -> str:
        parse_range(text)
        return text

    @model_validator(mode="after")
    def _has_one_source(self) -> "VendorEntry":
        if sum(each is not None for each in (self.chart, self.oci, self.git)) != 1:
            raise ValueError("must have exactly one of `chart`, `oci` and `git`")
        if self.git and (self.version is None) == (self.git.revision is None):
            raise ValueError("must have `version` (tags are compared with it) or `git.revision`, one of both")
        if not self.git and self.version is None:
            raise ValueError("must have `version`: a version such as 1.2.3, or a range such as ^1.2")
        return self

    @property
    def range(self) -> VersionRange:
        """The versions that are wanted; all for a Git revision."""
        return parse_range(self.version or "*")

    @property
    def image(self) -> ImageReference:
        """The repository of a chart in a registry."""
        return parse_image((self.oci or "").removeprefix("oci://"))

    @property
    def source(self) -> str:
        """Where it comes from, in one text; the same exactly when it is the same place."""
        if self.chart:
            return f"{self.chart.repository.rstrip('/')} {self.chart.name}"
        if self.git:
            return " ".join(filter(None, (self.git.repository, self.git.folder)))
        return f"oci://{self.image.name}"


class VendorFile(Model):
    """All of `vendor.yaml`."""

    api_version: FileVersion
    vendor: Annotated[tuple[VendorEntry, ...], Field(max_length=MAX_ENTRIES)] = ()

    def chosen(self, names: Iterable[str]) -> tuple[VendorEntry, ...]:
        """The entries of these names, all for none. Raises UnknownNameError."""
        names, known = tuple(names), {each.name for each in self.vendor}
        for name in names:
            if name not in known:
                raise UnknownNameError("entry", name, known, where=VENDOR_FILE)
        return tuple(each for each in self.vendor if not names or each.name in names)


def load_vendor_file(root: Path) -> VendorFile | None:
    """Read `vendor.yaml` of a repository; None when there is none. Raises ConfigError with all problems."""
    text = read_text(root, VENDOR_FILE)
    return None if text is None else parse_vendor_file(text, VENDOR_FILE)


def parse_vendor_file(text: str, file: str = VENDOR_FILE) -> VendorFile:
    """Parse the text of a `vendor.yaml`; `file` is its name in errors, which quote no URL."""
    document = read_document(text, file)
    if not isinstance(document.data, dict) or VERSION_KEY not in document.data:
        raise ConfigError(f"must be a mapping that begins with `{VERSION_KEY}: {LATEST}`", file=file, line=1)
    version = require_known(document, file, key_tree(VendorFile))
    if version == V1:
        line = document.line((VERSION_KEY,))
        raise ConfigError(f"{VERSION_KEY}: must be `{LATEST}`; {V1} has no {VENDOR}", file=file, line=line)
    data = {key: value for key, value in document.data.items() if value is not None}  # entries all comments
    try:
        parsed = VendorFile.model_validate_json(json.dumps(data), by_name=False, by_alias=True)
    except ValidationError as error:
        problems = [
            (document.line(tuple(problem["loc"])), explain(dict(problem), VendorFile))
            for problem in error.errors(include_url=False, include_input=True)
        ]
        raise config_error(problems, file) from error
    if problems := [*_between(parsed.vendor, document)]:
        raise config_error(problems, file)
    return parsed


def at_entry(root: Path, name: str, error: RefusedError) -> RefusedError:
    """The error with the file and the line of the entry that it is about."""
    document = read_document(read_text(root, VENDOR_FILE) or "", VENDOR_FILE)
    listed = document.data.get("vendor") if isinstance(document.data, dict) else None
    lines = (
        document.line(("vendor", index))
        for index, each in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(each, dict) and each.get("name") == name
    )
    return RefusedError(str(Problem(VENDOR_FILE, next(lines, 0), error.message)), remedy=error.remedy)


def vendor_schema() -> dict[str, Any]:
    """The JSON Schema of `vendor.yaml`, for editors."""
    schema = VendorFile.model_json_schema(by_alias=True)
    schema["properties"][VERSION_KEY] = {"const": LATEST}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": VENDOR_FILE}


def url_problem(url: str, schemes: tuple[str, ...]) -> str:
    """Why a URL may not be in Git, without quoting it; empty when it may."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme.lower() not in schemes or (not host and parts.scheme != "file"):
        return f"must be a URL that begins with {' or '.join(f'{each}://' for each in schemes[:1])}"
    if parts.password or (parts.username and parts.scheme != "ssh"):
        return "must not have credentials: ~/.netrc and the environment have them (see docs/guides/vendor.md)"
    if parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\x7f\\]", url):
        return "must be a URL without `?`, `#` and white space"
    return ""


def path_problem(path: str) -> str:
    """Why nothing may be vendored into that folder; empty when it may."""
    parts = path.split("/")
    if any(part in ("", ".") for part in parts) or not path.isprintable():
        return "must be a folder such as apps/shop/base or vendor/shop"
    if any(part.casefold().rstrip(" .") == ".git" for part in parts):
        return "must not be in a folder of Git itself"
    if (parts[0] in _TOP and parts[0] != "apps") or (parts[0] == "apps" and len(parts) < 3):
        return "must be a folder such as apps/shop/base or vendor/shop, of which it gets all files"
    return ""


def _between(entries: tuple[VendorEntry, ...], document: ConfigDocument) -> Iterator[tuple[int, str]]:
    """What two entries do to each other."""
    names: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if entry.name in names:
            yield (
                document.line(("vendor", index, "name")),
                f"vendor[{index}].name: {entry.name} is there twice",
            )
        names[entry.name] = index
        mine = f"{entry.path.casefold()}/"
        for other in entries[:index]:
            theirs = f"{other.path.casefold()}/"
            if mine.startswith(theirs) or theirs.startswith(mine):
                line = document.line(("vendor", index, "path"))
                yield line, f"vendor[{index}].path: {entry.path} and {other.path} of {other.name} overlap"
