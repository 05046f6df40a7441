"""The register of secret values that this process knows, and their replacement in texts.

All forms of all values are looked for in one pass (Aho-Corasick), so that a text costs the same with one
value and with thousands. Threads may remember and mask at the same time.
"""

import re
import threading
from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick, Implementation

from towpath.redact.value_forms import LONG, SHORTEST, forms_of, forms_of_long, values_in

MASK = "***"
_KIND = Implementation.ContiguousNFA  # a DFA is larger, and takes ten times as long to build
_SURROGATE = re.compile(r"[\ud800-\udfff]")


_MOST_MATCHERS = 8
"""New values get an automaton of their own; at so many all are made into one."""
_MOST_LONG = 4 * 1024 * 1024
"""Characters of all long values together that are looked for by value."""


class KnownValues:
    """Secret values, and automata over their forms; they are built when a text is masked after a change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._values: set[str] = set()
        self._new: set[str] = set()
        self._long: set[str] = set()
        self._new_long: set[str] = set()
        self._public: set[str] = set()
        self._matchers: tuple[AhoCorasick, ...] = ()
        self._stale = self._whole = False

    def add(self, values: Iterable[str]) -> None:
        """Mask these values, and those inside them, from now on."""
        # A reconcile brings the same values each time.
        new = [value for value in values if len(value) >= SHORTEST and value not in self._seen]
        if not new:
            return
        found = {each for value in new if len(value) <= LONG for each in values_in(value)}
        with self._lock:
            for value in new:
                if len(value) > LONG and len(value) + sum(map(len, self._long)) <= _MOST_LONG:
                    self._long.add(value)
                    self._new_long.add(value)
            self._seen.update(new)
            self._new |= found - self._values
            self._values |= found
            self._stale = True

    def discard(self, value: str) -> None:
        """Mask the value no longer."""
        with self._lock:
            self._seen.discard(value)
            self._long.discard(value)
            self._values -= set(values_in(value)) if len(value) <= LONG else set()
            self._rebuild()

    def publish(self, names: Iterable[str]) -> None:
        """Names of apps, environments and objects: a Secret that holds one does not make it a secret."""
        new = {name for name in names if len(name) >= SHORTEST} - self._public
        if new:
            with self._lock:
                self._public |= new
                if not new.isdisjoint(self._values):
                    self._rebuild()

    def mask(self, text: str) -> str:
        """`text` with each form of each value replaced by `***`."""
        matchers = self._current()
        if not matchers or len(text) < SHORTEST:
            return text
        clean = _SURROGATE.sub("?", text)
        # Values overlap: what one match leaves over would be half of another value.
        found = sorted(
            (start, end)
            for matcher in matchers
            for _, start, end in matcher.find_matches_as_indexes(clean, overlapping=True)
        )
        if not found:
            return text
        pieces, done = [], 0
        (begin, stop), *rest = found
        for start, end in [*rest, (len(text) + 1, 0)]:
            if start < stop:
                stop = max(stop, end)
                continue
            pieces += [text[done:begin], MASK]
            done, begin, stop = stop, start, end
        return "".join([*pieces, text[done:]])

    def _rebuild(self) -> None:
        # The automata stay until there are new ones: other threads mask meanwhile.
        self._whole = self._stale = True

    def _current(self) -> tuple[AhoCorasick, ...]:
        if self._stale:
            with self._lock:
                if self._stale:
                    self._matchers = self._built()
                    self._new, self._new_long, self._whole, self._stale = set(), set(), False, False
        return self._matchers

    def _built(self) -> tuple[AhoCorasick, ...]:
        before, new, long = self._matchers, self._new, self._new_long
        if self._whole or len(before) >= _MOST_MATCHERS:
            before, new, long = (), self._values, self._long
        forms = {_SURROGATE.sub("?", form) for value in new - self._public for form in forms_of(value)}
        forms |= {_SURROGATE.sub("?", form) for value in long for form in forms_of_long(value) - self._public}
        if not forms:
            return before
        return (*before, AhoCorasick(forms, implementation=_KIND, store_patterns=False))
