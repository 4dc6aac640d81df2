"""The ledger of TTLs: what was served before, for caches hold what they took then with the TTL that it had."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from zonekit.errors import PlanError
from zonekit.instants import instant_text, utc
from zonekit.transfer import values
from zonekit.transfer.versions import Source
from zonekit.ttl import Ttl


class Record(enum.Enum):
    """A kind of record whose TTL is watched."""

    NS = "NS"
    DNSKEY = "DNSKEY"
    DS = "DS"
    ADDRESS = "address"
    """Of name servers that lie in the domain."""
    DATA = "data"


_SERVED: Final = {
    Source.LOSING: frozenset((Record.NS, Record.DNSKEY, Record.ADDRESS, Record.DATA)),
    Source.PARENT: frozenset((Record.NS, Record.DS, Record.ADDRESS)),
}
"""What caches may have taken of whom before the transfer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A TTL that a source served, and until when it may have.

    Attributes:
        source: who served it: the parent, or the losing operator. Before the transfer nothing leads to the gaining one.
        record: of which record: DS, NS and addresses (glue) of the parent, all but DS of the losing operator.
        ttl: the TTL, in seconds, as its own servers gave it.
        until: the first instant at which it is known that it was served no more, for a look showed another; not the last
            look that showed this one, after which it may have been served on. None where no look has shown another.

    Raises:
        PlanError: a field is not known, or has the wrong type, or who served it has no such record that could be cached.
        TtlError: ``ttl`` is not a TTL.
        TimeError: ``until`` is no aware datetime in whole seconds.
    """

    source: Source
    record: Record
    ttl: Ttl
    until: datetime | None = None

    def __post_init__(self) -> None:
        _FIELDS.check(self, "an observation")
        if self.source is Source.GAINING:
            raise PlanError(
                f"an observation of {self.record.value} of the gaining operator, from whom no cache has anything before the"
                " transfer",
                remedy="leave it out, and give the TTLs that its zone is served with as fields of the gaining operator",
            )
        if self.record not in _SERVED[self.source]:
            party = "parent" if self.source is Source.PARENT else "losing operator"
            kinds = ", ".join(record.value for record in Record if record in _SERVED[self.source])
            raise PlanError(
                f"an observation of {self.record.value} of the {party}, which serves none that the transfer waits for",
                remedy=f"give {kinds} of the {party}, or name who really served it",
                rule="RFC 4035 section 2.4" if self.record is Record.DS else "",
            )


_FIELDS: Final = values.Fields(
    needed={
        "source": values.a(Source),
        "record": values.a(Record),
        "ttl": values.ttl,
    },
    optional={"until": values.instant},
    how_to_find={"ttl": "give the TTL that the servers gave then"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The TTLs that were seen over time. What counts is the largest in the window before a change, not the one now."""

    observations: tuple[Observation, ...] = ()

    def __post_init__(self) -> None:
        _LEDGER_FIELDS.check(self, "the ledger")

    def saw(self, *, source: Source, record: Record, ttl: int, at: datetime) -> Ledger:
        """Return the ledger after a look that showed a TTL: every other TTL of the record was served until then at most.

        Raises:
            PlanError: the look is from before one that the ledger has already.
            TtlError: ``ttl`` is not a TTL.
            TimeError: ``at`` is naive.

        >>> from datetime import UTC, timedelta
        >>> noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
        >>> ledger = Ledger().saw(source=Source.LOSING, record=Record.DNSKEY, ttl=86400, at=noon)
        >>> ledger = ledger.saw(source=Source.LOSING, record=Record.DNSKEY, ttl=600, at=noon + timedelta(hours=1))
        >>> [(seen.ttl, seen.until and seen.until.hour) for seen in ledger.observations]
        [(86400, 13), (600, None)]
        """
        seen = Observation(source=source, record=record, ttl=Ttl(ttl))
        instant = utc(at)
        kept = []
        for each in self.observations:
            if (each.source, each.record) != (source, record):
                kept.append(each)
                continue
            if each.until is not None and each.until > instant:
                raise PlanError(
                    f"a look at {instant_text(instant)} comes after one at {instant_text(each.until)}",
                    remedy="give the looks in the order in which they were taken",
                )
            if each.ttl != seen.ttl:
                kept.append(each if each.until is not None else replace(each, until=instant))
        return Ledger(observations=(*kept, seen))

    def of(self, source: Source, record: Record) -> tuple[tuple[Ttl, datetime], ...]:
        """Return the TTLs that one record of one source had, and until when each; those of now are in the facts."""
        return tuple(
            (each.ttl, each.until)
            for each in self.observations
            if (each.source, each.record) == (source, record) and each.until is not None
        )


_LEDGER_FIELDS: Final = values.Fields(needed={"observations": values.tuple_of(values.a(Observation))})
