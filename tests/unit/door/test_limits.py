"""Rates and keys that are used once, by a clock that the test turns."""

from towpath.door.limits import MOST_KEYS, MOST_USED, Rate, UsedOnce


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_as_many_at_once_as_in_a_minute_then_by_and_by() -> None:
    clock = Clock()
    rate = Rate(6, clock)
    assert [rate.take("a") for _ in range(7)] == [0.0] * 6 + [10.0]
    assert rate.take("b") == 0.0
    clock.now += 9.0
    assert 0.9 < rate.take("a") < 1.1
    clock.now += 1.1
    assert rate.take("a") == 0.0
    assert rate.take("a") > 9.0
    clock.now += 3600.0
    assert [rate.take("a") for _ in range(7)][6] == 10.0  # an hour saves no more than a minute's


def test_addresses_take_a_bounded_memory() -> None:
    rate = Rate(1)
    for number in range(MOST_KEYS + 100):
        rate.take(str(number))
    assert len(rate._left) == MOST_KEYS


def test_a_key_is_used_once_until_its_time() -> None:
    clock = Clock()
    used = UsedOnce(clock)
    assert used.use("k", 1010.0, "first") is None
    assert used.use("k", 1010.0, "second") == "first"
    clock.now = 1010.5
    assert used.use("k", 1020.0, "third") is None
    assert used.use("k", 1020.0, "fourth") == "third"


def test_used_keys_take_a_bounded_memory() -> None:
    clock = Clock()
    used = UsedOnce(clock)
    for number in range(MOST_USED):
        used.use(str(number), 1010.0, "")
    assert used.use("new", 1020.0, "x") is None  # the oldest makes room
    assert len(used._used) == MOST_USED
    clock.now = 1015.0
    used.use("later", 1020.0, "y")
    assert set(used._used) == {"new", "later"}
