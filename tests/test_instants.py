"""Instants, RRSIG times and validity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import dns.rdtypes.ANY.RRSIG
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekit.errors import TimeError
from zonekit.instants import (
    SignatureValidity,
    epoch_seconds,
    from_epoch_seconds,
    instant_text,
    parse_instant,
    parse_rrsig_time,
    rrsig_time_text,
    serial_before,
    utc,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
moments = st.integers(0, 2**32 - 1)
OUTSIDE = r"is outside 1970-01-01T00:00:00\+00:00 to 2106-02-07T06:28:15\+00:00; give an instant"
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moments)
def test_rrsig_times_read_back_and_are_dnspythons(seconds: int) -> None:
    assert parse_rrsig_time(rrsig_time_text(seconds)) == seconds
    assert rrsig_time_text(seconds) == dns.rdtypes.ANY.RRSIG.posixtime_to_sigtime(seconds)
    assert epoch_seconds(from_epoch_seconds(seconds)) == seconds
    assert parse_instant(instant_text(from_epoch_seconds(seconds))) == from_epoch_seconds(seconds)


@given(st.integers(2**17, 2**32 - 2**17), zones)
def test_any_time_zone_says_the_same_instant(seconds: int, zone: timezone) -> None:
    local = from_epoch_seconds(seconds).astimezone(zone)
    assert utc(local) == local
    assert utc(local).tzinfo is UTC
    assert instant_text(local) == instant_text(from_epoch_seconds(seconds))


@given(moments, moments)
def test_order_is_that_of_rfc_1982(first: int, second: int) -> None:
    distance = (second - first) % 2**32
    assert serial_before(first, second) is (0 < distance < 2**31)
    assert not (serial_before(first, second) and serial_before(second, first))


@given(moments, st.integers(1, 2**31 - 1), st.integers(-10, 2**31))
def test_a_validity_covers_what_lies_within_it(start: int, length: int, offset: int) -> None:
    if start + length >= 2**32 or not 0 <= start + offset < 2**32:
        return
    validity = SignatureValidity(inception=from_epoch_seconds(start), expiration=from_epoch_seconds(start + length))
    assert validity.covers(from_epoch_seconds(start + offset)) is (0 <= offset <= length)


def test_a_validity_begins_an_hour_early_unless_told() -> None:
    assert SignatureValidity.starting(NOW, timedelta(days=1)).inception == NOW - timedelta(hours=1)
    exact = SignatureValidity.starting(NOW, timedelta(days=1), inception_margin=timedelta(0))
    assert (exact.inception, exact.expiration) == (NOW, NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: utc(datetime(2026, 11, 21)), r"2026-11-21T00:00:00 has no time zone; give an aware datetime"),
        (
            lambda: utc("2026-11-21"),
            "^'2026-11-21' is str and not a datetime; give an aware datetime, .* parse_instant",
        ),
        (lambda: utc(NOW.date()), r"^datetime\.date\(2026, 11, 21\) is date and not a datetime"),
        (lambda: utc(1795262400), "^1795262400 is int and not a datetime"),
        (lambda: utc(None), "^None is NoneType and not a datetime"),
        (lambda: utc("x" * 10**6), "^'x{59} is str"),
        (lambda: utc(NOW.replace(microsecond=1)), "not in whole seconds"),
        (lambda: utc(datetime.max.replace(tzinfo=UTC)), f"^9999-12-31T23:59:59.999999.* {OUTSIDE}"),
        (lambda: utc(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)), OUTSIDE),
        (lambda: utc(datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC)), OUTSIDE),
        (lambda: SignatureValidity(inception=NOW, expiration=NOW), "not after their inception"),
        (lambda: SignatureValidity(inception=NOW, expiration=NOW - timedelta(1)), r"RFC 4034 section 3\.1\.5"),
        (
            lambda: SignatureValidity(inception=from_epoch_seconds(0), expiration=from_epoch_seconds(2**31)),
            "68 years or more",
        ),
        (lambda: SignatureValidity.starting(NOW, timedelta(1), inception_margin=timedelta(-1)), "is negative"),
        (lambda: SignatureValidity.starting(NOW, timedelta(0)), "would have expired when they are made"),
        (lambda: SignatureValidity.starting(NOW, timedelta(minutes=-30)), "would have expired when they are made"),
        (lambda: SignatureValidity.starting(NOW, timedelta.max), "cannot be valid for"),
        (lambda: utc(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))), OUTSIDE),
        (lambda: utc(datetime(9999, 12, 31, tzinfo=timezone(-timedelta(hours=14)))), OUTSIDE),
        (lambda: parse_rrsig_time("2026112112000"), "is not an RRSIG time|is no instant"),
        (lambda: parse_rrsig_time("20261321120000"), "is no instant: month"),
        (lambda: parse_rrsig_time("4294967296"), "is not an RRSIG time; write YYYYMMDDHHmmSS"),
        (lambda: parse_rrsig_time("٢٠٢٦١١٢١١٢٠٠٠٠"), "is not an RRSIG time"),
        (lambda: parse_instant("2026-11-21T12:00:00"), "is not an instant; write it as 2026-11-21T12:00:00Z"),
        (lambda: parse_instant("2026-02-30T12:00:00Z"), "is no instant: day"),
        (lambda: parse_instant("noon"), "is not an instant"),
    ],
)
def test_ambiguous_and_impossible_times_are_refused(make: object, reason: str) -> None:
    assert callable(make)
    with pytest.raises(TimeError, match=reason):
        make()
