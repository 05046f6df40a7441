"""Masks credentials in every log line, diff, artifact, event, report and exception.

`redact` masks a text by value and by shape: the values that this process knows (known_values.py), in all
forms in which they occur (value_forms.py), and whatever looks like a credential (patterns.py). What is
rendered and what the API server answers is remembered before anything is said about it (`remember_objects`).
`mask_secret` masks a Kubernetes Secret as an object, so that a diff still shows *that* a value changed.
"""

import logging
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from towpath.objects import Manifest
from towpath.redact.known_values import MASK, KnownValues
from towpath.redact.manifests import mask_secret, names_secret, secret_values, without_values
from towpath.redact.patterns import is_credential_name, mask_patterns, named_values

__all__ = [
    "MASK",
    "forget_secret",
    "install_log_redaction",
    "mask_secret",
    "names_secret",
    "redact",
    "redact_data",
    "redact_error",
    "redact_known",
    "remember_arguments",
    "remember_environment_secrets",
    "remember_objects",
    "remember_secret",
    "without_values",
]

_known = KnownValues()


def redact(text: str) -> str:
    """`text` with credentials replaced by `***`. It never raises, and redacting twice changes nothing."""
    return mask_patterns(_known.mask(text))


def redact_known(text: str) -> str:
    """`text` without the values that this process knows. What only looks like a credential stays.

    For messages about keys (`spec.token: unknown field`), in which the word after a key is no value.
    """
    return _known.mask(text)


def redact_data(data: Any) -> Any:
    """A copy of JSON data, each text in it redacted, and masked whole under a credential's name.

    The name may be a key, or the `name` beside a `value`, as in a container's variables.
    """
    if isinstance(data, str):
        return redact(data)
    if isinstance(data, Mapping):
        secret = {"value"} if is_credential_name(str(data.get("name", ""))) else set()
        secret |= {name for name in data if is_credential_name(str(name))}
        return {
            redact(str(name)): MASK if name in secret and isinstance(value, str) and value
            else redact_data(value)
            for name, value in data.items()
        }  # fmt: skip
    return [redact_data(each) for each in data] if isinstance(data, list | tuple) else data


def redact_error(error: BaseException) -> None:
    """Redact an exception's texts in place: Prefect and tracebacks show them."""
    error.args = tuple(redact(each) if isinstance(each, str) else each for each in error.args)
    for name in ("message", "remedy"):
        text = getattr(error, name, None)
        if isinstance(text, str):
            setattr(error, name, redact(text))


def remember_secret(secret: str) -> None:
    """Mask this value, and the values inside it, from now on. Shorter than 6 characters: ignored."""
    _known.add([secret])


def forget_secret(secret: str) -> None:
    """Mask this value no longer: it has been replaced long ago, and will not be printed again."""
    _known.discard(secret)


def remember_objects(objects: Iterable[Manifest], public: Iterable[str] = ()) -> bool:
    """Remember the values of Secrets, and of variables, arguments and texts with a credential's name.

    `public` are names, of apps and environments for instance: no secrets even if a Secret holds them. Says
    whether there were any values.
    """
    _known.publish(public)
    values = [value for manifest in objects for value in secret_values(manifest)]
    _known.add(values)
    return any(values)


_PATHS = ("PWD", "OLDPWD")
"""Variables that name a folder: no password, whatever their names say."""


def remember_environment_secrets(environ: Mapping[str, str]) -> None:
    """Remember the values of variables that are named like credentials (`…_TOKEN`, `DB_PASS`)."""
    named = (name for name in environ if is_credential_name(name) and name not in _PATHS)
    _known.add(environ[name] for name in named)
    _known.add(value for text in environ.values() if "://" in text for value in named_values(text))


def remember_arguments(arguments: Iterable[str]) -> None:
    """Remember the values of arguments that are named like credentials (`--token …`, `--password=…`)."""
    _known.add(named_values(" ".join(arguments)))


def install_log_redaction() -> None:
    """Redact each log record of this process when it is made, its traceback too: no handler sees another."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def redacted(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            said = record.getMessage()
        except (TypeError, ValueError, KeyError):
            return record  # logging itself reports a message that does not fit its arguments
        masked = redact(said)
        if masked != said:
            record.msg, record.args = masked, ()
        if record.exc_info and record.exc_info[0]:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return record

    redacted.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(redacted)
