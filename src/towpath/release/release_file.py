"""`release.yaml`: the release of an app in an environment, and its promotion."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

from towpath.files import read_text
from towpath.formats.key_tree import KeyTree, key_tree
from towpath.formats.record import Record, RecordForm, read_record, write_record
from towpath.formats.versions import LATEST, RELEASE, VERSION_KEY, FileVersion
from towpath.release.codec import decode_state, encode_state, problems_of, state_schema
from towpath.release.model import EnvironmentRelease
from towpath.yamltext.config_reader import config_error

RELEASE_FILE = RELEASE
_HEAD = "# Written by Towpath with every promotion and rollback. Change it by `towpath promote` only.\n"


@functools.cache
def release_form() -> RecordForm:
    """The form of the file. Its images are a mapping by name, which the model has as a tuple."""
    keys = key_tree(EnvironmentRelease)
    images: KeyTree = {"*": {"image": {}, "digest": {}}}
    release = {**keys["release"], "images": images}
    return RecordForm(RELEASE, {VERSION_KEY: {}, **keys, "release": release}, head=_HEAD)


def release_path(app: str, environment: str) -> str:
    """The path of `release.yaml` in the environment repository."""
    return f"apps/{app}/{environment}/{RELEASE_FILE}"


def is_in(root: Path, app: str, environment: str, *, released: bool) -> bool:
    """Whether Git has an app in an environment: a release there; of an app without releases, a folder."""
    if (root / release_path(app, environment)).exists():
        return True
    return not released and (root / "apps" / app / environment).is_dir()


def load_release_file(root: Path, path: str = RELEASE_FILE) -> EnvironmentRelease | None:
    """Read one `release.yaml` below `root`; None when the app is not released there yet."""
    text = read_text(root, path)
    return None if text is None else parse_release_file(text, path)


def parse_release_file(text: str, file: str = RELEASE_FILE) -> EnvironmentRelease:
    """Parse the text of a `release.yaml` of any known version; `file` is its name in errors.

    It has no other keys than those of its version.
    """
    record = read_record(text, file, release_form())
    try:
        return decode_state(record.data, record.version)
    except ValueError as error:
        raise config_error(_told(error, record), file) from error


def dump_release_file(state: EnvironmentRelease, version: FileVersion) -> str:
    """The text of `release.yaml`: the same bytes for the same release, on every machine.

    ConfigError when the version has no place for its images.
    """
    data = encode_state(state, version)
    if state.release.scan.findings is None:
        del data["release"]["scan"]["findings"]
    return write_record(data, version, release_form())


def release_schema() -> dict[str, Any]:
    """The JSON Schema of `release.yaml` in the newest version, for editors."""
    schema = state_schema()
    schema["properties"] = {VERSION_KEY: {"const": LATEST}, **schema["properties"]}
    schema["required"] = [VERSION_KEY, *schema["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": RELEASE_FILE}


def without_findings(state: EnvironmentRelease) -> EnvironmentRelease:
    """The release as an environment has it: the registry's record keeps the findings of its scan."""
    scan = dataclasses.replace(state.release.scan, findings=None)
    return dataclasses.replace(state, release=dataclasses.replace(state.release, scan=scan))


def _told(error: ValueError, record: Record) -> list[tuple[int, str]]:
    problems = problems_of(error, record.data, record.version)
    return [
        (record.line(path), f"{'.'.join(map(str, path))}: {message}" if path else message)
        for path, message in problems
    ]
