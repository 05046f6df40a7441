"""`verified/ENVIRONMENT/APP.yaml`: what of an app without images was verified in an environment.

The environment's agent writes it: the commit of this repository, and the hash of what was rendered from it.
Only what a commit says that this agent has signed is proof; the file itself anybody can write.
"""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from towpath.files import read_text
from towpath.formats.key_tree import key_tree
from towpath.formats.record import RecordForm, read_record, write_record
from towpath.formats.versions import V2, VERIFIED, VERSION_KEY
from towpath.yamltext.config_reader import config_error

_HEAD = "# Written by Towpath when the app was verified. It counts in the commit that the agent has signed.\n"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class VerifiedChange:
    """That an app was verified as of a commit of the environment repository.

    `manifests` is the hash of what was rendered, without secret values; `sources` names the app's files then;
    `verified_at` is RFC 3339.
    """

    app: str
    environment: str
    commit: str
    manifests: str
    sources: str
    verified_at: str
    flow_run: str = ""


FORM = RecordForm(VERIFIED, {VERSION_KEY: {}, **key_tree(VerifiedChange)}, head=_HEAD)
_REQUIRED = {"app", "environment", "commit", "manifests", "sources", "verified_at"}
_EXPECTED = (
    "must have the texts `app`, `environment`, `commit` (a whole commit id), `manifests` (sha256:…),"
    " `sources` and `verified_at`, and may have `flow_run`"
)


def verified_path(app: str, environment: str) -> str:
    """The path of the record in the environment repository."""
    return f"{VERIFIED}/{environment}/{app}.yaml"


def load_verified(root: Path, app: str, environment: str) -> VerifiedChange | None:
    """The record of an app below `root`, None without one; whether it is signed, Git's history tells."""
    path = verified_path(app, environment)
    text = read_text(root, path)
    return None if text is None else parse_verified(text, path)


def parse_verified(text: str, file: str = VERIFIED) -> VerifiedChange | None:
    """Parse the text of a record; None for an empty one. ConfigError tells file and line."""
    record = read_record(text, file, FORM)
    if record.data is None:
        return None
    data = record.data
    wrong = next((key for key in data if not isinstance(data[key], str)), None)
    if wrong is not None or set(data) - {"flow_run"} != _REQUIRED:
        raise config_error([(record.line((wrong,)) if wrong else 1, _EXPECTED)], file)
    for key, pattern in (("commit", _COMMIT), ("manifests", _HASH)):
        if not pattern.fullmatch(data[key]):
            raise config_error([(record.line((key,)), _EXPECTED)], file)
    return VerifiedChange(**data)


def dump_verified(change: VerifiedChange) -> str:
    """The text of the record. Apps without images are of towpath.dev/v2, so it is too."""
    return write_record(asdict(change), V2, FORM)
