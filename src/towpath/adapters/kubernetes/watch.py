"""Watching: events of one collection as they come, until a deadline."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import urllib3

from towpath.adapters.kubernetes.errors import translate, unreachable
from towpath.errors import TransientError
from towpath.objects import Manifest


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK (only the resourceVersion of `object` counts then)."""

    type: str
    object: Manifest


class WatchExpiredError(TransientError):
    """410: the resourceVersion is too old; list again and watch from there."""


def events(response: urllib3.BaseHTTPResponse, *, what: str, server: str) -> Iterator[WatchEvent]:
    """Events of an open watch response; ends when the server ends it. Gives up the connection."""
    buffer = b""
    try:
        for chunk in response.stream(65536, decode_content=True):
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if line:
                    yield _event(json.loads(line), what=what, server=server)
    except urllib3.exceptions.ReadTimeoutError:
        return  # nothing happened in time: the caller's deadline decides
    except urllib3.exceptions.HTTPError as error:
        raise unreachable(server, error) from error
    finally:
        response.close()
        response.release_conn()


def _event(raw: dict[str, Any], *, what: str, server: str) -> WatchEvent:
    if raw["type"] != "ERROR":
        return WatchEvent(raw["type"], raw["object"])
    status = raw["object"]
    if status.get("code") == 410:
        raise WatchExpiredError(f"{what}: {status.get('message', 'resource version too old')}")
    raise translate(int(status.get("code", 500)), {}, json.dumps(status).encode(), what=what, server=server)
