"""NSEC and NSEC3: published hashes, the peers' hashes, chains and refusals. Whole chains are held in test_signing.py."""

from __future__ import annotations

import dns.dnssec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import run_peer
from tests.strategies import ORIGIN, names
from tests.test_apex import plain_zone, signed_zone
from zonekit import rdata as rd
from zonekit.denial import (
    MAX_ITERATIONS,
    Nsec,
    Nsec3,
    OptOut,
    denial_of,
    hashed_owner,
    nsec3_bitmap,
    nsec3_chain,
    nsec3_hash,
    nsec_record,
)
from zonekit.errors import SigningError
from zonekit.names import from_wire_name, name_text, parse_name
from zonekit.nodes import rdata_of
from zonekit.zones import NameStatus, RRset

# RFC 5155 appendix A: SHA-1, 12 iterations, salt aabbccdd.
RFC_5155_HASHES = {
    "example.": "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
    "a.example.": "35mthgpgcu1qg68fab165klnsnk3dpvl",
    "ai.example.": "gjeqe526plbf1g8mklp59enfd789njgi",
    "ns1.example.": "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
    "ns2.example.": "q04jkcevqvmu85r014c7dkba38o0ji5r",
    "w.example.": "k8udemvp1j2f7eg6jebps17vp3n8i58h",
    "*.w.example.": "r53bq7cc2uvmubfu5ocmm6pers9tk9en",
    "x.w.example.": "b4um86eghhds6nea196smvmlo4ors995",
    "y.w.example.": "ji6neoaepv8b5o6k4ev33abha8ht9fgc",
    "x.y.w.example.": "2vptu5timamqttgl4luu9kg21e0aor3s",
    "xx.example.": "t644ebqk9bibcna874givr6joj62mlhv",
    "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.": "kohar7mbb8dc2ce8a9qvl8hon4k53uhi",
}


@pytest.mark.parametrize(("name", "expected"), RFC_5155_HASHES.items())
def test_hashes_are_those_of_rfc_5155(name: str, expected: str) -> None:
    digest = nsec3_hash(parse_name(name), salt=bytes.fromhex("aabbccdd"), iterations=12)
    assert rd.base32_text(digest) == expected
    assert name_text(hashed_owner(digest, parse_name("example."))) == f"{expected}.example."


@given(names(ORIGIN), st.binary(max_size=255), st.one_of(st.integers(0, 20), st.integers(0, 500)))
def test_hashes_are_dnspythons(name: bytes, salt: bytes, iterations: int) -> None:
    expected = dns.dnssec.nsec3_hash(from_wire_name(name), salt, iterations, 1)
    assert rd.base32_text(nsec3_hash(name, salt=salt, iterations=iterations)) == expected.lower()
    if iterations <= MAX_ITERATIONS:
        denial = Nsec3(salt=salt, iterations=iterations)
        assert denial.hash(name) == nsec3_hash(name, salt=salt, iterations=iterations)


@pytest.mark.parametrize(("salt", "iterations"), [("-", 0), ("AABB", 5)])
def test_hashes_are_knots(salt: str, iterations: int) -> None:
    octets = b"" if salt == "-" else bytes.fromhex(salt)
    for name in ("example.nl.", "WWW.Example.NL.", "*.a.b.example.nl."):
        told = run_peer(["knsec3hash", salt, "1", str(iterations), name]).stdout.split()[0]
        assert rd.base32_text(nsec3_hash(parse_name(name), salt=octets, iterations=iterations)) == told.lower()


@given(st.sets(st.binary(min_size=20, max_size=20), min_size=1, max_size=20), st.sampled_from(OptOut))
def test_a_chain_is_one_cycle_in_hash_order(digests: set[bytes], opt_out: OptOut) -> None:
    chain = list(nsec3_chain(Nsec3(opt_out=opt_out), ORIGIN, digests, 60))
    assert [owner for owner, _ in chain] == [hashed_owner(digest, ORIGIN) for digest in sorted(digests)]
    following = [rdata_of(record)[6:26] for _, record in chain]
    assert following == [*sorted(digests)[1:], min(digests)]
    assert {rdata_of(record)[1] for _, record in chain} == {opt_out.value}


def test_two_names_with_one_hash_are_refused() -> None:
    with pytest.raises(SigningError, match=r"have the same NSEC3 hash, 0{32}\.example\.nl\.; sign with another salt"):
        list(nsec3_chain(Nsec3(), ORIGIN, [bytes(20), bytes(20) + b"\x00\x01\x40"], 60))


def test_parameters_that_do_not_fit_the_record_are_refused() -> None:
    with pytest.raises(SigningError, match="iterations -1"):
        Nsec3(iterations=-1)
    with pytest.raises(SigningError, match=r"salt of 256 octets is over 255"):
        Nsec3(salt=bytes(256))


def test_an_apex_too_long_for_hashed_names_is_refused() -> None:
    label = b"\x3f" + b"a" * 63
    assert len(hashed_owner(bytes(20), label * 3 + b"\x1c" + b"b" * 28 + b"\x00")) == 255
    with pytest.raises(SigningError, match="have 256 octets, more than 255; sign with NSEC"):
        hashed_owner(bytes(20), label * 3 + b"\x1d" + b"b" * 29 + b"\x00")


def test_the_defaults_are_those_of_rfc_9276() -> None:
    assert Nsec3().param_rdata() == b"\x01\x00\x00\x00\x00"
    assert Nsec3(opt_out=OptOut.ON).param_rdata() == b"\x01\x00\x00\x00\x00", "the flags of NSEC3PARAM are 0"
    assert Nsec3(opt_out=OptOut.ON).record_prefix() == b"\x01\x01\x00\x00\x00"


def test_the_next_name_of_an_nsec_is_in_lower_case() -> None:
    record = nsec_record(parse_name("WWW.Example.NL."), [rd.A], 60)
    assert rdata_of(record) == parse_name("www.example.nl.") + rd.type_bitmap([rd.A])


@pytest.mark.parametrize(
    ("status", "types", "expected"),
    [
        (NameStatus.DELEGATION, [rd.NS], [rd.NS]),
        (NameStatus.DELEGATION, [rd.A, rd.NS, rd.DS], [rd.NS, rd.DS, rd.RRSIG]),
        (NameStatus.AUTHORITATIVE, [rd.A], [rd.A, rd.RRSIG]),
        (NameStatus.APEX, [rd.NS, rd.SOA], [rd.NS, rd.SOA, rd.RRSIG]),
        (NameStatus.EMPTY_NON_TERMINAL, [], []),
    ],
)
def test_an_nsec3_lists_what_is_authoritative_at_its_name(
    status: NameStatus, types: list[int], expected: list[int]
) -> None:
    packed = [(rdtype, 0, [b""]) for rdtype in types]
    assert rd.bitmap_types(nsec3_bitmap(status, packed)) == sorted(expected)


def test_an_nsec3param_with_flags_does_not_count() -> None:
    """RFC 5155 section 4.1.2."""
    zone = plain_zone(RRset.from_text("example.nl.", 0, "NSEC3PARAM", "1 1 0 -"))
    assert denial_of(zone) is None
    flagged_beside_nsec = signed_zone().replace(RRset.from_text("example.nl.", 0, "NSEC3PARAM", "1 0 0 -"))
    assert denial_of(flagged_beside_nsec) == Nsec(), "its chain is not there"
