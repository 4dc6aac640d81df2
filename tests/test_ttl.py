"""TTLs and durations."""

from __future__ import annotations

from datetime import timedelta

import dns.ttl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonekit.errors import TtlError
from zonekit.ttl import MAX_TTL, duration_text, longest_ttl, parse_ttl, to_ttl

seconds = st.integers(0, MAX_TTL)


@given(seconds)
def test_a_duration_reads_back(ttl: int) -> None:
    assert parse_ttl(duration_text(ttl)) == ttl
    assert parse_ttl(str(ttl)) == ttl
    assert duration_text(timedelta(seconds=ttl)) == duration_text(ttl)
    assert duration_text(-ttl) == ("0s" if ttl == 0 else f"-{duration_text(ttl)}")


@given(st.text("0123456789wdhmsWDHMS .-+_", max_size=12))
def test_what_is_a_ttl_is_what_dnspython_takes(text: str) -> None:
    try:
        ours: int | None = parse_ttl(text)
    except TtlError:
        ours = None
    try:
        theirs: int | None = dns.ttl.from_text(text)
    except dns.ttl.BadTTL:
        theirs = None
    if theirs is not None and theirs > MAX_TTL:
        theirs = None  # dnspython takes TTLs of 32 bits; RFC 2181 section 8 has 31
    assert ours == theirs


@given(st.lists(seconds, min_size=1))
def test_the_longest_ttl_is_one_of_them_and_none_is_longer(ttls: list[int]) -> None:
    assert longest_ttl(ttls) in ttls
    assert all(ttl <= longest_ttl(ttls) for ttl in ttls)


@pytest.mark.parametrize("text", ["", "1x", "h", "1 h", "-1", "1h30", "٣", "4294967296", "1" * 5000, "9" * 60 + "w"])
def test_what_is_no_ttl_is_refused(text: str) -> None:
    with pytest.raises(TtlError):
        parse_ttl(text)


@pytest.mark.parametrize("value", [-1, MAX_TTL + 1, 1.5, True, "60", None])
def test_numbers_that_are_no_ttl_are_refused(value: object) -> None:
    with pytest.raises(TtlError):
        to_ttl(value)  # type: ignore[arg-type]


def test_the_longest_of_no_ttls_is_refused() -> None:
    with pytest.raises(TtlError, match="no TTLs given; give the TTL of every record involved"):
        longest_ttl([])
    with pytest.raises(TtlError, match="outside 0 to"):
        longest_ttl([60, -1])
