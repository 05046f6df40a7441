"""Random values in every place where an app keeps secrets, and the search for them in every form."""

import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import yaml
from ahocorasick_rs import BytesAhoCorasick

from towpath.objects import Manifest

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass
class Canaries:
    """`values` by place. Most of the keys below sound harmless: only the value itself can be known."""

    values: dict[str, str] = field(default_factory=dict)

    def new(self, place: str, *, special: str = "") -> str:
        value = f"q{secrets.token_hex(5)}{special}{secrets.token_hex(3)}"
        assert place not in self.values
        self.values[place] = value
        return value

    def secret_texts(self) -> dict[str, str]:
        new = self.new
        config = {"colour": {"inner": [new("JSON inside a Secret")]}}
        return {
            "colour": new("stringData"),
            "size": new("special characters", special='"<&/+ =%é'),
            "notes": f"first line\n{new('a line of a text')}\nlast line\n",
            "settings.json": json.dumps(config),
            "address": f"postgresql://u:{new('a password in a URL')}@db:5432/x",
            "storage": f"AccountName=a;AccountKey={new('a connection string')};EndpointSuffix=x",
        }

    def config_texts(self) -> dict[str, str]:
        new = self.new
        flow = f"kind: Secret\nstringData: {{size: {new('a flow-style Secret in a text of a ConfigMap')}}}\n"
        return {
            "run.sh": f"curl -u bob:{new('curl -u')} https://x\nDB_PASS={new('DB_PASS= in a script')}\n",
            "values.yaml": flow,
            "DB_PASSWORD": new("a variable in a ConfigMap"),
            "azure": f"AccountKey={new('AccountKey= in a ConfigMap')};x=y\n",
            "level": "info",
        }

    def job_that_never_runs(self) -> Manifest:
        new = self.new
        container = {
            "name": "c",
            "image": "127.0.0.1:5000/hello:none",
            "command": [
                "run",
                f"--password={new('an option')}",
                "--token",
                new("an argument after its option"),
            ],
            "env": [
                {"name": "SENTRY_DSN", "value": f"https://{new('a DSN in a variable')}@sentry.example/1"}
            ],
        }
        template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
        spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": template}}}
        return _object("CronJob", "canaries", version="batch/v1", spec=spec)

    def objects(self) -> list[Manifest]:
        """What Git holds; the API server accepts all of it."""
        applied = {"kind": "Secret", "stringData": {"shape": self.new("what kubectl applied last")}}
        texts = self.secret_texts()
        encoded = {"shape": base64.b64encode(self.new("data in base64").encode()).decode()}
        annotations = {LAST_APPLIED: json.dumps(applied)}
        return [
            _object("Secret", "canaries", stringData=texts, data=encoded, annotations=annotations),
            _object("Secret", "by-hand", stringData={"weight": self.new("replaced by hand")}),
            _object("ConfigMap", "canaries", data=self.config_texts()),
            self.job_that_never_runs(),
        ]

    def found_in(self, where: str, content: bytes) -> list[str]:
        """`PLACE in WHERE as FORM` for each value that is there."""
        told: dict[bytes, str] = {}
        for place, value in self.values.items():
            for name, forms in FORMS.items():
                for form in forms(value):
                    told.setdefault(form.lower(), f"{place} in {where} as {name}")
        search = BytesAhoCorasick(list(told))
        hits = search.find_matches_as_indexes(content.lower(), overlapping=True)
        names = list(told.values())
        return sorted({names[number] for number, _, _ in hits})

    def found_below(self, folder: Path) -> list[str]:
        """In all files, but those that end while they are read: the lease of a lock is one."""
        found: list[str] = []
        for file in folder.rglob("*"):
            if file.is_file() and not file.is_symlink():
                with contextlib.suppress(FileNotFoundError):
                    found += self.found_in(str(file), file.read_bytes())
        return found


def _base64(value: str, alphabet: Callable[[bytes], bytes]) -> set[bytes]:
    raw, forms = value.encode(), set()
    for shift in range(3):
        whole = alphabet(b"\0" * shift + raw)
        forms.add(whole[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6])
    return forms


def _hashes(value: str) -> set[bytes]:
    return {
        form
        for name in ("md5", "sha1", "sha256", "sha512")
        for made in [hashlib.new(name, value.encode(), usedforsecurity=False)]
        for form in (made.hexdigest()[:12].encode(), base64.b64encode(made.digest())[:12])
    }


FORMS: dict[str, Callable[[str], set[bytes]]] = {
    "plain": lambda value: {value.encode()},
    "base64": lambda value: _base64(value, base64.b64encode),
    "base64, url-safe": lambda value: _base64(value, base64.urlsafe_b64encode),
    "hex": lambda value: {value.encode().hex().encode()},
    "URL-quoted": lambda value: {quote(value, safe="").encode(), quote_plus(value).encode()},
    "JSON": lambda value: {
        json.dumps(value, ensure_ascii=ascii_only)[1:-1].encode() for ascii_only in (True, False)
    },
    "JSON in JSON": lambda value: {json.dumps(json.dumps(value)[1:-1])[1:-1].encode()},
    "a hash": _hashes,
}
"""How a value may be written; a hash of it can be guessed from."""


def as_yaml(objects: list[Manifest]) -> str:
    """One file; the Secrets in flow style, which no reader by lines understands."""
    texts = [
        yaml.safe_dump(each, default_flow_style=each["kind"] == "Secret", width=1000) for each in objects
    ]
    return "---\n".join(texts)


def _object(
    kind: str, name: str, *, version: str = "v1", annotations: dict[str, str] | None = None, **content: object
) -> Manifest:
    metadata = {"name": name, **({"annotations": annotations} if annotations else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}
