"""Forms that an API server wants of texts: names, keys and values of labels, addresses, percentages.

OpenAPI documents do not tell which field has which; tools/text_forms.py asks a server, and writes the form as
the `format` of the field. An empty text counts as absent; that of a quantity does not.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from towpath.schemas.quantities import amount

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
LETTER_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
MAX_SUBDOMAIN = 253
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*\Z")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
_DATA_KEY = re.compile(r"[-._A-Za-z0-9]{1,253}\Z")
_VARIABLE = re.compile(r"[ -<>-~]+\Z")
_PERCENTAGE = re.compile(r"[0-9]+%\Z", re.ASCII)
_LEADING_ZEROS = re.compile(r"(?<![0-9a-fA-F:])0+(?=[0-9])")
"""Of the parts of an IPv4 address: to a server, 010.0.0.1 is 10.0.0.1."""
_QUANTITY = re.compile(
    r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?\Z", re.ASCII
)


@dataclass(frozen=True, slots=True)
class TextForm:
    """`noun` says what a text of this form is."""

    noun: str
    matches: Callable[[str], bool]
    optional: bool = True
    """Whether an empty text counts as absent."""


def is_subdomain(text: str) -> bool:
    return len(text) <= MAX_SUBDOMAIN and bool(SUBDOMAIN.match(text))


def is_label_key(text: str) -> bool:
    prefix, slash, name = text.rpartition("/")
    return bool(_LABEL_VALUE.match(name)) and (not slash or is_subdomain(prefix))


def is_annotation_key(text: str) -> bool:
    """As the key of a label, but capitals may be in its prefix."""
    prefix, slash, name = text.rpartition("/")
    return is_label_key(prefix.lower() + slash + name)


def is_label_value(text: str) -> bool:
    return not text or bool(_LABEL_VALUE.match(text))


def _is_host(text: str) -> bool:
    return is_subdomain(text.removeprefix("*."))


def _is_domain(text: str) -> bool:
    return is_subdomain(text) and text.count(".") >= 2


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(_LEADING_ZEROS.sub("", text))
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(_LEADING_ZEROS.sub("", text), strict=False)
    except ValueError:
        return False
    return "/" in text


def is_quantity(text: str) -> bool:
    return bool(_QUANTITY.match(text))


FORMS: dict[str, TextForm] = {
    "port-name": TextForm(
        "a port's name: at most 15 lower-case letters, digits and `-`, with at least one letter",
        lambda text: bool(_PORT_NAME.match(text)),
    ),
    "letter-label": TextForm(
        "at most 63 lower-case letters, digits and `-`, and begin with a letter",
        lambda text: bool(LETTER_LABEL.match(text)),
    ),
    "label": TextForm(
        "at most 63 lower-case letters, digits and `-`, and begin and end with a letter or digit",
        lambda text: bool(LABEL.match(text)),
    ),
    "domain": TextForm("a domain with at least three parts, such as a.example.com", _is_domain),
    "subdomain": TextForm(
        "at most 253 lower-case letters, digits, `-` and `.`, and begin and end with a letter or digit",
        is_subdomain,
    ),
    "host": TextForm("a host name such as a.example.com or *.example.com", _is_host),
    "label-value": TextForm(
        "a label's value: at most 63 letters, digits, `-`, `_` and `.`, between letters or digits",
        is_label_value,
    ),
    "label-key": TextForm(
        "at most 63 letters, digits, `-`, `_` and `.`, with a prefix such as example.com/ or none",
        is_label_key,
    ),
    "annotation-key": TextForm(
        "at most 63 letters, digits, `-`, `_` and `.`, with a prefix such as example.com/ or none",
        is_annotation_key,
    ),
    "data-key": TextForm(
        "a key of at most 253 letters, digits, `-`, `_` and `.`", lambda text: bool(_DATA_KEY.match(text))
    ),
    "address": TextForm("an IP address", is_address),
    "network": TextForm("a network such as 10.0.0.0/8", is_network),
    "variable": TextForm(
        "the name of a variable: printable ASCII without `=`", lambda text: bool(_VARIABLE.match(text))
    ),
    "percentage-of-all": TextForm(
        "a percentage of at most 100%",
        lambda text: bool(_PERCENTAGE.match(text)) and int(text[:-1][-4:]) <= 100 and len(text) <= 5,
    ),
    "percentage": TextForm("a percentage such as 25%", lambda text: bool(_PERCENTAGE.match(text))),
    "positive-quantity": TextForm(
        "a quantity such as 500m or 2Gi, and above zero",
        lambda text: is_quantity(text) and not text.startswith("-") and amount(text) != 0,
        optional=False,
    ),
    "whole-quantity": TextForm(
        "a quantity such as 500m or 2Gi, and not negative",
        lambda text: is_quantity(text) and not text.startswith("-"),
        optional=False,
    ),
    "quantity": TextForm("a quantity such as 500m or 2Gi", is_quantity, optional=False),
}
"""Form -> what it is; of those that a field may have, the narrower one stands first."""
