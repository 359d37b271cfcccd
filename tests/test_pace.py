"""What is done again and again takes no more than its share of the time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_cachekit.plugin.pace import Pace


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(
    share=st.sampled_from([0.02, 0.1, 0.5]),
    steps=st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3)), max_size=50),
)
def test_it_takes_its_share_and_no_more(share: float, steps: list[tuple[float, float]]) -> None:
    clock = Clock()
    pace = Pace(share, clock)
    spent = last = 0.0
    for passing, cost in steps:
        clock.now += passing
        if pace.is_due():
            spent, last = spent + cost, cost
            with pace.spending():
                clock.now += cost

    # What the last one cost can't be known before.
    assert spent - last <= share * (clock.now - 100.0) + 1e-6


def test_it_begins_at_once_and_goes_on_when_time_has_passed() -> None:
    clock = Clock()
    pace = Pace(0.5, clock)
    assert pace.is_due()
    with pace.spending():
        clock.now += 1.0

    assert not pace.is_due()
    clock.now += 2.0
    assert pace.is_due()
    pace.stop()
    assert not pace.is_due()
