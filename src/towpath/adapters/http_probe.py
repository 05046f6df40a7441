"""One GET of a public address for a smoke check: verified TLS, no redirects, bounded time and size."""

import time
from urllib.parse import urlsplit

from towpath.adapters.hosts import leads_to_metadata
from towpath.adapters.http import HttpClient, HttpError, read_start
from towpath.adapters.kubernetes import ServiceAnswer
from towpath.errors import RefusedError, TransientError

LARGEST = 1_000_000


def ask(url: str, *, timeout: float = 10.0) -> ServiceAnswer:
    """Any HTTP status is an answer, also a redirect; TransientError when there is none.

    Only http and https are asked, and no metadata service of a cloud.
    """
    if not url.startswith(("http://", "https://")):
        raise RefusedError(f"{url}: only http and https are asked")
    try:
        host = urlsplit(url).hostname or ""
    except ValueError as error:
        raise RefusedError(f"{url}: is no URL") from error
    if leads_to_metadata(host):
        raise RefusedError(f"{url}: a link-local host is not asked")
    started = time.monotonic()
    client = HttpClient()
    try:
        answer = client.send("GET", url, headers={"Accept": "*/*"}, timeout=(timeout, timeout))
        body = read_start(answer, LARGEST)
    except HttpError as error:
        raise TransientError(f"{url} does not answer: {error}") from error
    finally:
        client.close()
    return ServiceAnswer(answer.status, body, dict(answer.headers.items()), time.monotonic() - started)
