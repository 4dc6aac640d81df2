"""Recipes: the first line of a file that a fleet made, by which the next run knows whether the file is up to date.

It is a comment of the zone file, such as::

    ; zonekit fleet: serial 2026112101, signed until 2026-12-05T12:00:00Z, 4711 octets, key tags 1 2, recipe 0123...

A line that says what cannot be is no recipe, and a file that is longer or shorter than its recipe says is not the one that
was made by it: neither is ever taken for up to date.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from zonekit.errors import TimeError
from zonekit.instants import instant_text, parse_instant

_LINE: Final = re.compile(
    rb"; zonekit fleet: serial (\d{1,10}), signed until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ), (\d{1,18}) octets,"
    rb" key tags (\d{1,5}(?: \d{1,5})*), recipe ([0-9a-f]{32})\n"
)
_SERIALS: Final = 2**32

# Most zones of a run have the same.
_instant_text: Final = functools.lru_cache(maxsize=4)(instant_text)
_parse_instant: Final = functools.lru_cache(maxsize=4)(parse_instant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a zone file was made from, and what came of it.

    Attributes:
        serial: of the zone.
        until: when the first of its signatures expires.
        octets: how long the file is below this line.
        key_tags: those of the keys that a DS may point to.
        digest: of the zone file's text, the keys and the rules that it was made from, in hexadecimal digits.
    """

    serial: int
    until: datetime
    octets: int
    key_tags: tuple[int, ...]
    digest: str

    @classmethod
    def parse(cls, octets: bytes) -> Self | None:
        """Return the recipe with which a file begins, if it does."""
        found = _LINE.match(octets)
        if found is None or int(found[1]) >= _SERIALS:
            return None
        try:
            until = _parse_instant(found[2].decode())
        except TimeError:
            return None
        return cls(
            serial=int(found[1]),
            until=until,
            octets=int(found[3]),
            key_tags=tuple(map(int, found[4].split())),
            digest=found[5].decode(),
        )

    def line(self) -> str:
        """Return the line, with its end."""
        tags = " ".join(map(str, self.key_tags))
        return (
            f"; zonekit fleet: serial {self.serial}, signed until {_instant_text(self.until)}, {self.octets} octets,"
            f" key tags {tags}, recipe {self.digest}\n"
        )

    def fits(self, octets: bytes, file_octets: int) -> bool:
        """Whether a file that begins with these octets and is so long may be the one that was made."""
        return octets.index(b"\n") + 1 + self.octets == file_octets
