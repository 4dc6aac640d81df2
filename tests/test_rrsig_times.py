"""The times of RRSIGs in text: 32 bits modulo 2^32 (RFC 4034 sections 3.1.5 and 3.2), held against named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import named_compilezone
from zonekit import rdata as rd
from zonekit.errors import RdataError, TimeError, ZoneFileError
from zonekit.instants import parse_instant, parse_rrsig_time, rrsig_time_text
from zonekit.names import parse_name
from zonekit.zonefile import parse_zone

ORIGIN = parse_name("example.nl.")
SIGNATURE = "A" * 86 + "=="
SIGNERS = ("example.nl.", "ex\\097mple.nl.")  # the second is not plain, so that dnspython reads it

# What each says, or None where it is refused.
TIMES = {
    "20261121120000": 1795262400,
    "1795262400": 1795262400,
    "0": 0,
    "19700101000000": 0,
    "4294967295": 2**32 - 1,
    "20380119031408": 2**31,
    "21060207062815": 2**32 - 1,
    "19691231235959": 2**32 - 1,  # as named prints it, for whom it lies before 1970
    "19611121000000": -256003200 % 2**32,
    "21060207062816": 0,
    "21060207062859": 43,
    "21100101000000": 4417977600 % 2**32,
    "99991231235959": 253402300799 % 2**32,
    "00010101000000": -62135596800 % 2**32,
    "4294967296": None,
    "20261321120000": None,
    "20260229000000": None,
    "20261121240000": None,
    "20261121126000": None,
    "20261121120061": None,
    "2026112112000": None,
    "01795262400": None,
    "+1795262400": None,
}
LEAP_SECOND = "20261121120060"


def zone_text(expiration: str, inception: str, signer: str = SIGNERS[0]) -> str:
    return (
        "@ 3600 IN SOA ns1.example.net. admin.example.nl. 1 7200 3600 1209600 300\n"
        "@ 3600 IN NS ns1.example.net.\n"
        f"@ 3600 IN RRSIG SOA 13 2 3600 {expiration} {inception} 7 {signer} {SIGNATURE}\n"
    )


def times_of(text: str) -> tuple[int, int] | None:
    try:
        rrsigs = parse_zone(text, "example.nl").signatures("@", "SOA")
    except ZoneFileError:
        return None
    assert rrsigs is not None
    return int.from_bytes(rrsigs.rdatas[0][8:12], "big"), int.from_bytes(rrsigs.rdatas[0][12:16], "big")


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_32_bits(text: str, signer: str) -> None:
    expected = TIMES[text]
    assert times_of(zone_text(text, "20261121110000", signer)) == (None if expected is None else (expected, 1795258800))
    assert times_of(zone_text("20261121110000", text, signer)) == (None if expected is None else (1795258800, expected))
    if expected is None:
        with pytest.raises(TimeError):
            parse_rrsig_time(text)
    else:
        assert parse_rrsig_time(text) == expected


@pytest.mark.parametrize("text", TIMES)
def test_named_reads_the_same_and_we_read_what_it_prints(text: str, tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(zone_text(text, "20261121110000"))
    verdict = named_compilezone(tmp_path / "zone", "example.nl", tmp_path / "compiled")
    assert verdict.accepted is (TIMES[text] is not None), str(verdict)
    if verdict.accepted:
        assert times_of((tmp_path / "compiled").read_text()) == (TIMES[text], 1795258800)


def test_a_second_60_is_refused_though_named_takes_it(tmp_path: Path) -> None:
    """RFC 4034 section 3.2: SS is the second, 00 to 59, and the count leaves leap seconds out."""
    assert times_of(zone_text(LEAP_SECOND, "0")) is None
    (tmp_path / "zone").write_text(zone_text(LEAP_SECOND, "0"))
    assert named_compilezone(tmp_path / "zone", "example.nl", tmp_path / "compiled").accepted


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_every_pair_of_times_prints_and_reads_back(expiration: int, inception: int) -> None:
    text = f"A 13 2 300 {rrsig_time_text(expiration)} {rrsig_time_text(inception)} 7 example.nl. {SIGNATURE}"
    rdata = rd.parse_rdata(rd.RRSIG, text.encode(), ORIGIN)
    assert rdata[8:16] == expiration.to_bytes(4, "big") + inception.to_bytes(4, "big")
    assert rd.print_rdata(rd.RRSIG, rdata) == text


def test_an_instant_is_none_outside_1970_to_2106() -> None:
    for text in ("19691231235959", "21060207062816"):
        with pytest.raises(TimeError, match=r"outside 1970-01-01T00:00:00.* to 2106-02-07T06:28:15"):
            parse_instant(text)
    assert parse_instant("19700101000000").year == 1970


def test_a_refusal_quotes_the_text_as_it_was_given() -> None:
    with pytest.raises(RdataError, match="bad RRSIG data 'A  13 2 300 20261121120000 x"):
        rd.parse_rdata(rd.RRSIG, b"A  13 2 300 20261121120000 x 7 example.nl. AA==", ORIGIN)
