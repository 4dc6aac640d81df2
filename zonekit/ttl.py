"""TTLs and durations: bounds, text forms, the longest of several.

A TTL is a whole number of seconds from 0 to 2^31-1 (RFC 2181 section 8). Its text form takes units as BIND does:
``600``, ``10m``, ``1d12h``, ``1W``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final, NewType

from zonekit.errors import TtlError

Ttl = NewType("Ttl", int)

MAX_TTL: Final = Ttl(2**31 - 1)

_UNIT_SECONDS: Final = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION: Final = re.compile(r"(?:\d+[wdhms])+", re.ASCII | re.IGNORECASE)
_DURATION_PART: Final = re.compile(r"(\d+)([wdhms])", re.ASCII | re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d{1,10}", re.ASCII)
_LONGEST_TEXT: Final = 64


def to_ttl(seconds: int) -> Ttl:
    """Return ``seconds`` as a TTL.

    Raises:
        TtlError: outside 0 to 2^31-1 (RFC 2181 section 8), or not a whole number.

    >>> to_ttl(600)
    600
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise TtlError(f"a TTL is a whole number of seconds, not {type(seconds).__name__} {seconds!r}")
    if not 0 <= seconds <= MAX_TTL:
        raise TtlError(f"TTL {seconds} is outside 0 to {MAX_TTL}", rule="RFC 2181 section 8")
    return Ttl(seconds)


def parse_ttl(text: str) -> Ttl:
    """Return the TTL that ``text`` says, in seconds; units w, d, h, m and s in either case.

    Raises:
        TtlError: not a TTL, or outside 0 to 2^31-1 (RFC 2181 section 8).

    >>> parse_ttl("1d12h")
    129600
    """
    if _DIGITS.fullmatch(text):
        return to_ttl(int(text))
    if len(text) <= _LONGEST_TEXT and _DURATION.fullmatch(text):
        return to_ttl(sum(int(count) * _UNIT_SECONDS[unit.lower()] for count, unit in _DURATION_PART.findall(text)))
    raise TtlError(f"{text[:_LONGEST_TEXT]!r} is not a TTL", remedy="write seconds, or units as in 1d12h")


def duration_text(seconds: int | timedelta) -> str:
    """Return a duration for people, largest unit first; a week is written as days.

    >>> duration_text(129600)
    '1d12h'
    >>> duration_text(0)
    '0s'
    """
    left = int(seconds.total_seconds()) if isinstance(seconds, timedelta) else int(seconds)
    if left < 0:
        return f"-{duration_text(-left)}"
    parts = []
    for unit in "dhms":
        count, left = divmod(left, _UNIT_SECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def longest_ttl(ttls: Iterable[int]) -> Ttl:
    """Return the largest of ``ttls``: the time after which no cache can hold any of the records they belong to.

    Raises:
        TtlError: there are none, or one is out of bounds; a wait is never computed from guessed facts.

    >>> longest_ttl([3600, 172800, 600])
    172800
    """
    checked = [to_ttl(ttl) for ttl in ttls]
    if not checked:
        raise TtlError("no TTLs given", remedy="give the TTL of every record involved")
    return max(checked)
