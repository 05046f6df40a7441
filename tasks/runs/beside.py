"""What is told to the Prefect server beside the work, which does not wait for it."""

import contextvars
import threading
from collections.abc import Callable


class Beside:
    """Work that begins at once in a thread of its own, as a part of the current run.

    The process does not end before it.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work, self._failed = work, False
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._begin,), name="beside")
        self._thread.start()

    def finish(self) -> None:
        """Wait for its end. What failed is done again, here: whoever calls it learns of an error."""
        self._thread.join()
        if self._failed:
            self._work()
            self._failed = False

    def _begin(self) -> None:
        try:
            self._work()
        except Exception:  # noqa: BLE001 - `finish` tries again, and raises
            self._failed = True
