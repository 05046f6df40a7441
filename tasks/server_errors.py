"""A Prefect server that answers, but with an error of its own: on SQLite, when many write at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from towpath.errors import TransientError


def overloaded(error: BaseException | None) -> bool:
    """Whether the server may answer better when it is asked again."""
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code >= 500


@contextmanager
def asking_again() -> Iterator[None]:
    """What the server refuses because of itself is transient: the step is tried again."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        if not overloaded(error):
            raise
        raise TransientError(f"the Prefect server answered {error.response.status_code}") from error
