"""One GET of a public address for a smoke check: verified TLS, no redirects, bounded time and size."""

import http.client
import time
import urllib.error
import urllib.request
from typing import Any

from towpath.adapters.kubernetes import ServiceAnswer
from towpath.errors import RefusedError, TransientError

LARGEST = 1_000_000


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, *, timeout: float = 10.0) -> ServiceAnswer:
    """Any HTTP status is an answer; TransientError when there is none. Only http and https."""
    if not url.startswith(("http://", "https://")):
        raise RefusedError(f"{url}: only http and https are asked")
    request = urllib.request.Request(url, headers={"User-Agent": "towpath", "Accept": "*/*"})  # noqa: S310
    started = time.monotonic()
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout) as answer:
            status, body, headers = answer.status, answer.read(LARGEST), answer.headers
    except urllib.error.HTTPError as error:
        status, body, headers = error.code, error.read(LARGEST), error.headers
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TransientError(f"{url} does not answer: {getattr(error, 'reason', None) or error}") from error
    return ServiceAnswer(status, body, dict(headers.items()), time.monotonic() - started)
