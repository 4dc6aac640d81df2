"""The ledger of TTLs: what was served before, for caches hold what they took then with the TTL that it had."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zonekit.errors import PlanError
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
    """A TTL that a source served, and until when at least.

    Attributes:
        source: who served it: the parent, or the losing operator. Before the transfer nothing leads to the gaining one.
        record: of which record: DS, NS and addresses (glue) of the parent, all but DS of the losing operator.
        ttl: the TTL, in seconds, as its own servers gave it.
        until: the last instant at which it was served.

    Raises:
        PlanError: a field is not known, or has the wrong type, or who served it has no such record that could be cached.
        TtlError: ``ttl`` is not a TTL.
        TimeError: ``until`` is no aware datetime in whole seconds.
    """

    source: Source
    record: Record
    ttl: Ttl
    until: datetime

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

    @property
    def gone_from_caches(self) -> datetime:
        """The instant from which no cache holds what was fetched then."""
        return self.until + timedelta(seconds=self.ttl)


_FIELDS: Final = values.Fields(
    needed={
        "source": values.a(Source),
        "record": values.a(Record),
        "ttl": values.ttl,
        "until": values.instant,
    },
    how_to_find={"ttl": "give the TTL that the servers gave then", "until": "say when it was last served"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The TTLs that were seen over time. What counts is the largest in the window before a change, not the one now."""

    observations: tuple[Observation, ...] = ()

    def __post_init__(self) -> None:
        _LEDGER_FIELDS.check(self, "the ledger")

    def observe(self, observation: Observation) -> Ledger:
        """Return the ledger with one more observation; of the same TTL only the latest is kept."""
        kept = [
            each
            for each in self.observations
            if (each.source, each.record, each.ttl) != (observation.source, observation.record, observation.ttl)
            or each.until > observation.until
        ]
        if any(
            (each.source, each.record, each.ttl) == (observation.source, observation.record, observation.ttl)
            for each in kept
        ):
            return self
        return Ledger(observations=(*kept, observation))

    def of(self, source: Source, record: Record) -> tuple[Observation, ...]:
        """Return what was seen of one record of one source."""
        return tuple(each for each in self.observations if (each.source, each.record) == (source, record))


_LEDGER_FIELDS: Final = values.Fields(needed={"observations": values.tuple_of(values.a(Observation))})
