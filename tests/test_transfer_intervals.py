"""The intervals of RFC 7583, with the figures that BIND's own tests expect of a policy."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from zonekit.transfer.intervals import (
    dnskey_retirement_interval,
    ds_publication_interval,
    ds_retirement_interval,
    ksk_publication_interval,
    zsk_publication_interval,
    zsk_retirement_interval,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
delays = st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds))
ttls = st.integers(0, 2**31 - 1)

# The default dnssec-policy of BIND 9.18.
ZONE_PROPAGATION, PARENT_PROPAGATION = timedelta(minutes=5), HOUR
SIGNING_DELAY = timedelta(days=14) - timedelta(days=5)
RETIRE_SAFETY = PUBLISH_SAFETY = HOUR
MAX_ZONE_TTL, PARENT_DS_TTL, DNSKEY_TTL = 86400, 86400, 3600


def test_binds_default_policy_removes_a_zsk_after_867900_seconds() -> None:
    interval = zsk_retirement_interval(SIGNING_DELAY, ZONE_PROPAGATION, MAX_ZONE_TTL) + RETIRE_SAFETY
    assert interval == timedelta(seconds=867900)


def test_binds_default_policy_removes_a_ksk_after_26_hours() -> None:
    assert ds_retirement_interval(PARENT_PROPAGATION, PARENT_DS_TTL) + RETIRE_SAFETY == 26 * HOUR


def test_binds_default_policy_uses_a_zsk_after_two_hours_and_five_minutes() -> None:
    interval = zsk_publication_interval(ZONE_PROPAGATION, DNSKEY_TTL) + PUBLISH_SAFETY
    assert interval == timedelta(hours=2, minutes=5)


@given(delays, delays, ttls)
def test_each_is_the_sum_that_the_rfc_gives(signing: timedelta, propagation: timedelta, ttl: int) -> None:
    seconds = timedelta(seconds=ttl)
    for interval in (
        zsk_publication_interval,
        ksk_publication_interval,
        ds_publication_interval,
        ds_retirement_interval,
        dnskey_retirement_interval,
    ):
        assert interval(propagation, ttl) == propagation + seconds
    assert zsk_retirement_interval(signing, propagation, ttl) == signing + propagation + seconds
