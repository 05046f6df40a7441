"""The types of values in `towpath.yaml`: names, durations, images, paths; and the messages for wrong ones."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$(?!\n)"
_RELATIVE = r"^(?!/)(?!-)(?!(.*/)?\.\.(/|$))[^\x00-\x1f\\]+$(?!\n)"
NAMESPACE_TEMPLATE = r"^([a-z0-9]|\{environment\})([-a-z0-9]|\{environment\}){0,61}$(?!\n)"
NAMESPACE_PATTERN = r"^[a-z0-9*?][-a-z0-9*?]{0,62}$(?!\n)"
BUILD_ARG = r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)"
API_VERSION = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[a-z0-9]+$(?!\n)"
KIND = r"^(\*|[A-Z][A-Za-z0-9]*(\.[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?)$(?!\n)"
EXTRA_KEY = KIND.replace(r")$(?!", r")(/[-A-Za-z0-9.:_*?]{1,253})?$(?!")
KUBERNETES_VERSION = r"^v?1\.[0-9]{1,3}(\.[0-9]+)?$(?!\n)"
_BRANCH = r"^(?![-/.])[^\x00-\x20\x7f~^:?*\[\\]+$(?!\n)"
_IMAGE = (
    r"^(localhost|\[[0-9a-f:]+\]|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(?=:))(:[0-9]{1,5})?"
    r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$(?!\n)"
)

PUBLIC_KEY = (
    r'^([a-z-]+="[^"]*"(,[a-z-]+="[^"]*")* )?[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( [^\x00-\x1f]*)?$(?!\n)'
)
ADDRESS = r"^[^\s<>@,\x00-\x1f]+@[^\s<>@,\x00-\x1f]+$(?!\n)"


def parse_duration(value: object) -> timedelta:
    """`90s`, `5m`, `1h30m`, `7d` as a timedelta. Raises ValueError for any other text."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if not match:
        raise ValueError("must be a duration such as 90s, 5m, 1h30m or 7d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError("is too long a duration") from None


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["90s", "5m"]}
    ),
]
Name = Annotated[str, StringConstraints(pattern=LABEL)]
NamespaceTemplate = Annotated[str, StringConstraints(pattern=NAMESPACE_TEMPLATE)]
NamespacePattern = Annotated[str, StringConstraints(pattern=NAMESPACE_PATTERN)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Branch = Annotated[str, StringConstraints(pattern=_BRANCH, max_length=255)]
RelativePath = Annotated[str, StringConstraints(pattern=_RELATIVE)]
BuildArgs = Annotated[
    dict[
        Annotated[str, StringConstraints(pattern=BUILD_ARG)],
        Annotated[str, StringConstraints(max_length=1000)],
    ],
    Field(max_length=50),
]
Image = Annotated[str, StringConstraints(pattern=_IMAGE, max_length=255)]
Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"]

DriftMode = Literal["heal", "report", "adopt", "off"]
ExtrasMode = Literal["report", "ignore", "prune"]
Extras = Annotated[
    dict[Annotated[str, StringConstraints(pattern=EXTRA_KEY)], ExtrasMode],
    BeforeValidator(lambda value: {"*": value} if isinstance(value, str) else value),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["report", "ignore", "prune"], "type": "string"},
                {
                    "type": "object",
                    "propertyNames": {"pattern": EXTRA_KEY},
                    "additionalProperties": {"enum": ["report", "ignore", "prune"], "type": "string"},
                },
            ]
        }
    ),
]

RESERVED = {
    "base": "the folder that environments share",
    "build": "the work pool that must not hold an environment's credentials",
}
HINTS = {
    BUILD_ARG: "must be the name of an ARG: letters, digits and _",
    API_VERSION: "must be GROUP/VERSION, for example example.com/v1",
    r"^[A-Z][A-Za-z0-9]*$(?!\n)": "must be a kind, for example Database",
    KIND: "must be a kind (Role), a kind with its group (Certificate.cert-manager.io), or *",
    EXTRA_KEY: "must be a kind (Role), a kind with its group (Certificate.cert-manager.io), or *; "
    "with a pattern of names after a slash (ConfigMap/ca-*) if not all are meant",
    KUBERNETES_VERSION: 'must be a version of Kubernetes in quotes, for example "1.35"',
    NAMESPACE_TEMPLATE: "must be the name of a namespace; `{environment}` in it is put in",
    NAMESPACE_PATTERN: "must be the name of a namespace, or a pattern of names (`*` any letters, `?` one)",
    LABEL: "must be lower-case letters, digits and dashes, at most 63",
    _BRANCH: "must be the name of a branch, for example main",
    PUBLIC_KEY: "must be a public key of OpenSSH, for example ssh-ed25519 AAAA…, as `.pub` files have it",
    ADDRESS: "must be a mail address, for example alice@example.com",
    _RELATIVE: "must be a path inside of the repository",
    _IMAGE: "must be REGISTRY/REPOSITORY without tag or digest, for example registry.example.com/team/app",
}


class Model(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        regex_engine="python-re",
    )
