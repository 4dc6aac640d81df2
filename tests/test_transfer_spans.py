"""Sets of instants do what sets do; held against sets of whole seconds."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.keyring import NOW
from zonekit.transfer.spans import (
    ALWAYS,
    EVER,
    NEVER,
    Spans,
    difference,
    instant_of,
    intersection,
    lasting,
    span,
    total,
    union,
)

_LAST = 40
pairs = st.tuples(st.integers(0, _LAST), st.integers(1, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
spans = st.lists(pairs, max_size=5).map(lambda held: union(tuple(held)))


def seconds(held: Spans) -> set[int]:
    return {second for first, last in held for second in range(int(first), int(last))}


@given(spans, spans)
def test_sets_of_spans_are_sets(left: Spans, right: Spans) -> None:
    assert seconds(union(left, right)) == seconds(left) | seconds(right)
    assert seconds(intersection(left, right)) == seconds(left) & seconds(right)
    assert seconds(difference(left, right)) == seconds(left) - seconds(right)


@given(spans, spans, st.integers(0, 10))
def test_every_answer_is_in_order_and_nothing_touches(left: Spans, right: Spans, more: int) -> None:
    for made in (union(left, right), intersection(left, right), difference(left, right), lasting(left, more)):
        assert all(first < last for first, last in made)
        assert all(one[1] < other[0] for one, other in itertools.pairwise(made))
        assert list(made) == sorted(made)


@given(spans, st.integers(0, 10))
def test_what_is_fetched_lasts_for_its_time_and_no_longer(fetched: Spans, kept: int) -> None:
    expected = {second + later for second in seconds(fetched) for later in range(kept + 1)}
    assert seconds(lasting(fetched, kept)) == expected


@given(spans)
def test_for_ever_is_neutral(held: Spans) -> None:
    assert intersection(held, ALWAYS) == intersection(ALWAYS, held) == held
    assert union(held, ALWAYS) == ALWAYS
    assert union(held, NEVER) == held == difference(held, NEVER)
    assert difference(held, ALWAYS) == NEVER
    assert difference(ALWAYS, difference(ALWAYS, held)) == held


@given(st.one_of(st.none(), st.integers(0, 100)), st.one_of(st.none(), st.integers(0, 100)))
def test_instants_come_back(start: int | None, end: int | None) -> None:
    def instant(offset: int | None) -> datetime | None:
        return None if offset is None else NOW + timedelta(seconds=offset)

    made = span(instant(start), instant(end))
    if start is not None and end is not None and end <= start:
        assert made == NEVER
    else:
        ((first, last),) = made
        assert (instant_of(first), instant_of(last)) == (instant(start), instant(end))


def test_the_total_of_for_ever_is_for_ever() -> None:
    assert total(((0, 5), (10, 11))) == timedelta(seconds=6)
    assert total(ALWAYS) is None
    assert total(((3, EVER),)) is None
    assert total(NEVER) == timedelta(0)
