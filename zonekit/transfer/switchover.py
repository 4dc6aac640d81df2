"""When the NS may change: the instant after which no cache holds a record that the new servers' answers clash with.

Before the NS of a domain lead to the gaining operator, three things have to have reached every cache: the losing
DNSKEY RRset with the gaining keys, the DS RRset with the DS of both, and the gaining DNSKEY RRset with the losing keys
on every gaining server. What a cache took just before a change is gone when its TTL has run out, counted from the
instant at which the last server stopped serving it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from zonekit import rdata as rd
from zonekit.errors import TimeError, TtlError, ZoneError
from zonekit.instants import utc
from zonekit.transfer.values import PARENT_HOW_TO_FIND
from zonekit.ttl import Ttl, longest_ttl, to_ttl
from zonekit.zones import Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedRecord:
    """A version of an RRset that caches may still hold.

    Attributes:
        record: what it is, for people: ``DNSKEY of the losing operator``.
        ttl: the largest TTL it was served with in the time before the change, in seconds; not the TTL since.
        effective: the instant from which no server serves it any more.

    Raises:
        TtlError: ``ttl`` is not a TTL.
        TimeError: ``effective`` is naive.
    """

    record: str
    ttl: int
    effective: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "ttl", to_ttl(self.ttl))
        object.__setattr__(self, "effective", utc(self.effective))

    @property
    def gone_from_caches(self) -> datetime:
        """The instant from which no cache holds it: ``effective`` plus the TTL."""
        return self.effective + timedelta(seconds=self.ttl)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switchover:
    """When the NS may change, and why not before.

    Attributes:
        at: the first safe instant by the exact rule: when the last of the old versions is gone from caches.
        because: the version that binds it.
        by_longest_ttl: the same by the published simple rule: the longest TTL of all the records involved, counted from
            the last change; never before ``at``.
        longest: the record with that TTL.
    """

    at: datetime
    because: CachedRecord
    by_longest_ttl: datetime
    longest: CachedRecord


def safe_switchover(replaced: Iterable[CachedRecord], *, involved: Iterable[CachedRecord] = ()) -> Switchover:
    """Return when the NS may change.

    Args:
        replaced: the old version of each RRset that had to change before the NS may: see :func:`replaced_records`.
        involved: other records that the simple rule counts, such as the losing NS RRset, whose TTL keeps resolvers at
            the losing servers after the switch and does not delay it.

    Raises:
        TimeError: nothing was replaced, so that there is nothing to count from.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    >>> dnskey = CachedRecord(record="DNSKEY of the losing operator", ttl=86400, effective=noon)
    >>> ds = CachedRecord(record="DS at the parent", ttl=172800, effective=noon)
    >>> switchover = safe_switchover([dnskey, ds])
    >>> switchover.at.isoformat(), switchover.because.record
    ('2026-11-23T12:00:00+00:00', 'DS at the parent')
    """
    old = tuple(replaced)
    if not old:
        raise TimeError(
            "no replaced records given: a safe instant counts from the changes that went before",
            remedy="give the old DNSKEY and DS RRsets with their TTLs and when they stopped being served",
        )
    because = max(old, key=_gone)
    longest = max((*old, *involved), key=_ttl)
    last_change = max(record.effective for record in old)
    return Switchover(
        at=because.gone_from_caches,
        because=because,
        by_longest_ttl=last_change + timedelta(seconds=longest.ttl),
        longest=longest,
    )


def _gone(record: CachedRecord) -> datetime:
    return record.gone_from_caches


def _ttl(record: CachedRecord) -> int:
    return record.ttl


def replaced_records(
    losing_served: Iterable[Zone],
    *,
    ds_ttl: int | None,
    losing_effective: datetime,
    ds_effective: datetime,
    gaining_effective: datetime,
) -> tuple[CachedRecord, ...]:
    """Return the versions that must be gone from caches before the NS change.

    Args:
        losing_served: every version of the losing zone that was served in the time before the merge: the ones from before
            its TTLs were lowered are among them, for caches hold what those gave out. The largest TTL counts.
        ds_ttl: the TTL of the parent's DS RRset before the gaining DS joined it, in seconds.
        losing_effective: when the last losing server had the merged DNSKEY RRset.
        ds_effective: when the last server of the parent had the DS of both.
        gaining_effective: when the last gaining server had the merged DNSKEY RRset; no cache can hold an older one.

    Raises:
        TtlError: ``ds_ttl`` is not known; a wait is never computed from guessed facts.
        ZoneError: no version of the losing zone is given, or one has no DNSKEY RRset.
        TimeError: an instant is naive.
    """
    served = tuple(losing_served)
    if not served:
        raise ZoneError(
            "no version of the losing zone is given",
            remedy="give each one that was served in the time before the merge",
        )
    if ds_ttl is None:
        raise TtlError("the TTL of the DS RRset at the parent is not known", remedy=PARENT_HOW_TO_FIND["ds_ttl"])
    dnskey_ttl = longest_ttl(zone.apex_rrset(rd.DNSKEY).ttl for zone in served)
    return (
        CachedRecord(record="DNSKEY of the losing operator", ttl=dnskey_ttl, effective=losing_effective),
        CachedRecord(record="DS at the parent", ttl=Ttl(ds_ttl), effective=ds_effective),
        CachedRecord(record="DNSKEY of the gaining operator", ttl=Ttl(0), effective=gaining_effective),
    )


def involved_records(losing_before: Zone, *, effective: datetime) -> tuple[CachedRecord, ...]:
    """Return the losing NS RRset and the signatures over it and the DNSKEY RRset, which the simple rule counts as well.

    Raises:
        TimeError: ``effective`` is naive.
    """
    records = [
        CachedRecord(record="NS of the losing operator", ttl=losing_before.apex_rrset(rd.NS).ttl, effective=effective)
    ]
    for rdtype in (rd.DNSKEY, rd.NS):
        rrsigs = losing_before.signatures("@", rdtype)
        if rrsigs is not None:
            records.append(
                CachedRecord(
                    record=f"RRSIG over {rd.type_text(rdtype)} of the losing operator",
                    ttl=rrsigs.ttl,
                    effective=effective,
                )
            )
    return tuple(records)
