"""Sets of instants as spans: half-open pairs ``(first, after the last)`` of seconds, in order, none touching another.

Everything the cache model says is such a set, so that it is decided by arithmetic and nothing is sampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from zonekit.instants import epoch_seconds, from_epoch_seconds

Seconds: TypeAlias = float
"""Whole seconds since 1970, or one of the two infinities. Python compares and adds these exactly."""
Span: TypeAlias = tuple[Seconds, Seconds]
Spans: TypeAlias = tuple[Span, ...]

EVER: Final = math.inf
NEVER: Final[Spans] = ()
ALWAYS: Final[Spans] = ((-EVER, EVER),)


def span(start: datetime | None, end: datetime | None) -> Spans:
    """Return ``[start, end)``; None is for ever, and nothing is left where the end is not after the start."""
    first = -EVER if start is None else epoch_seconds(start)
    last = EVER if end is None else epoch_seconds(end)
    return ((first, last),) if first < last else NEVER


def instant_of(seconds: Seconds) -> datetime | None:
    """Return the instant, or None for ever."""
    return None if math.isinf(seconds) else from_epoch_seconds(int(seconds))


def union(*sets: Spans) -> Spans:
    """Return what is in any of the sets."""
    pieces = [each for spans in sets for each in spans]
    if len(pieces) < 2:
        return tuple(pieces)
    pieces.sort()
    joined = [pieces[0]]
    for first, last in pieces[1:]:
        if first <= joined[-1][1]:
            if last > joined[-1][1]:
                joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return tuple(joined)


def intersection(left: Spans, right: Spans) -> Spans:
    """Return what is in both sets."""
    if not left or not right:
        return NEVER
    if left == ALWAYS:
        return right
    if right == ALWAYS:
        return left
    return tuple(
        [
            (max(first, other_first), min(last, other_last))
            for first, last in left
            for other_first, other_last in right
            if max(first, other_first) < min(last, other_last)
        ]
    )


def difference(left: Spans, right: Spans) -> Spans:
    """Return what is in the first set and not in the second."""
    for first, last in right:
        left = tuple(
            [
                piece
                for start, end in left
                for piece in ((start, min(end, first)), (max(start, last), end))
                if piece[0] < piece[1]
            ]
        )
        if not left:
            break
    return left


def lasting(spans: Spans, seconds: float) -> Spans:
    """Return every instant at most ``seconds`` after one of the set: how long what was fetched then is kept."""
    return union(tuple([(first, last + seconds) for first, last in spans])) if seconds else spans


def total(spans: Iterable[Span]) -> timedelta | None:
    """Return how long a set is altogether; None for ever."""
    seconds = sum(last - first for first, last in spans)
    return None if math.isinf(seconds) else timedelta(seconds=seconds)
