"""A Prefect server that answers, but with an error of its own: on SQLite, when many write at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.exceptions import PrefectHTTPStatusError

from towpath.errors import TransientError


def overloaded(error: BaseException | None) -> bool:
    """Whether the server may answer better when it is asked again."""
    return isinstance(error, PrefectHTTPStatusError) and error.response.status_code >= 500


@contextmanager
def asking_again() -> Iterator[None]:
    """What the server refuses because of itself is transient: the step is tried again."""
    try:
        yield
    except PrefectHTTPStatusError as error:
        if not overloaded(error):
            raise
        raise TransientError(f"the Prefect server answered {error.response.status_code}") from error
