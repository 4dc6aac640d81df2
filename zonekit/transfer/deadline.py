"""The deadline that expiring signatures set: whoever needs one of the losing operator's has to be gone before it expires.

An operator that no longer renews its signatures leaves them in caches until their TTLs have run out, and resolvers that
do not validate hand them on after they have expired (RFC 4035 section 5.3.3 caps only what a validator keeps). So what
counts is not when the losing servers are asked last, but when the last cache is rid of what they gave.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from zonekit.errors import PlanError
from zonekit.instants import epoch_seconds, from_epoch_seconds
from zonekit.transfer.caches import counted_entries, held, holds_like
from zonekit.transfer.profiles import ResolverProfile
from zonekit.transfer.spans import EVER, Seconds, intersection, lasting, union
from zonekit.transfer.versions import DataVersion, DnskeyVersion, DsVersion, Schedule, Source, is_expiring

_FURTHEST: Final = 400 * 86400


def needed_until(schedule: Schedule, profiles: Iterable[ResolverProfile]) -> Seconds:
    """Return from when, in seconds since 1970, no resolver needs a signature of the losing operator that expires any more.

    One does while a cache may hold a losing DNSKEY RRset or losing data and another a DS RRset by which that has to be
    proven (RFC 4035 section 5.2). Minus infinity where nobody ever does.
    """
    last = -EVER
    by_holding = {(holds_like(profile), profile.trusts_proven_keys): profile for profile in profiles}
    for profile in by_holding.values():
        caches = held(schedule, profile)
        signed = [
            caches.live[id(version)]
            for version in schedule.versions
            if isinstance(version, DnskeyVersion | DataVersion)
            and version.source is Source.LOSING
            and is_expiring(version)
        ]
        secure = [
            caches.live[id(version)]
            for version in schedule.versions
            if isinstance(version, DsVersion) and counted_entries(version, profile)
        ]
        needed = intersection(union(*signed), union(*secure))
        if profile.trusts_proven_keys:
            # Keys that were proven while the DS was there prove data when it is gone.
            trusted = [
                intersection(lasting(intersection(live, union(*secure)), profile.kept(version.ttl)), live)
                for version in schedule.versions
                if isinstance(version, DnskeyVersion) and version.source is Source.LOSING
                if (live := caches.live[id(version)])
            ]
            data = [
                caches.live[id(version)]
                for version in schedule.versions
                if isinstance(version, DataVersion) and version.source is Source.LOSING and is_expiring(version)
            ]
            needed = union(needed, intersection(union(*data), union(*trusted)))
        if needed:
            last = max(last, needed[-1][1])
    return last


def last_start(
    schedule_from: Callable[[datetime], Schedule],
    *,
    start: datetime,
    expires: datetime,
    profiles: Iterable[ResolverProfile],
) -> datetime | None:
    """Return the latest instant from which a plan is done with signatures before they expire; None where any will do.

    Args:
        schedule_from: the schedule when what is left to do begins at an instant; it refuses dates beyond 2106.
        start: when it would begin.
        expires: when the earliest of the losing operator's signatures expires.
        profiles: the resolvers that count.

    An answer before ``start`` says that it is too late; one more than a year before it, or 1970, that it always was.
    """
    chosen = tuple(profiles)
    limit = epoch_seconds(expires)

    def is_late(seconds: int) -> bool:
        try:
            schedule = schedule_from(from_epoch_seconds(seconds))
        except PlanError:  # what is done beyond 2106 is done after any expiration
            return True
        return needed_until(schedule, chosen) > limit

    first = max(0, min(epoch_seconds(start), limit) - _FURTHEST)
    if not is_late(limit):
        return None
    late = bisect.bisect_left(range(first, limit), True, key=is_late)
    return from_epoch_seconds(max(first + late - 1, 0))
