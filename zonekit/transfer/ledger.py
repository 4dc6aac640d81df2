"""The ledger of TTLs: what was served before, for caches hold what they took then with the TTL that it had."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A TTL that a source served, and until when at least.

    Attributes:
        source: who served it.
        record: of which record.
        ttl: the TTL, in seconds, as its own servers gave it.
        until: the last instant at which it was served.

    Raises:
        PlanError: a field is not known, or has the wrong type.
        TtlError: ``ttl`` is not a TTL.
        TimeError: ``until`` is no aware datetime in whole seconds.
    """

    source: Source
    record: Record
    ttl: Ttl
    until: datetime

    def __post_init__(self) -> None:
        _FIELDS.check(self, "an observation")

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
