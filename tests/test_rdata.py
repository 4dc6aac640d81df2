"""Record data, held against dnspython's reading, printing and canonical form."""

from __future__ import annotations

import base64

import dns.exception
import dns.ipv6
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from dns.rdatatype import RdataType
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, DrawFn, SearchStrategy

from tests.strategies import ORIGIN, PLAIN_TYPES, child, names, rdatas, signatures
from zonekit import rdata as rd
from zonekit.errors import DomainNameError, RdataError
from zonekit.names import ROOT, from_wire_name, name_text, parse_name

IN = dns.rdataclass.IN
ALL_TYPES = sorted({*PLAIN_TYPES, *rd.PLAIN_PARSERS, rd.CSYNC, rd.ZONEMD, rd.NSEC3, rd.NSEC3PARAM, rd.CAA, rd.NAPTR})

# Odd spellings of every kind of field: numbers with signs, leading zeros and units, addresses in every form, base64 and
# hexadecimal cut short, strings quoted, escaped and too long, names relative and absolute, types, times.
ODD_TOKENS = (
    *("0", "1", "00", "007", "10", "13", "255", "256", "65535", "65536", "4294967295", "4294967296", "-1", "+1", "1_0"),
    *("2147483647", "2147483648", "1h", "1w2d", "1H30", "1.5", "0x10", "٣", "²"),
    *("192.0.2.1", "192.0.2.256", "192.0.2.01", "192.0.2", "1.2.3.4.5", "1.2.3.+4", "192.0.2.1.", "0.0.0.0"),
    *("::", "::1", "1::", "2001:db8::1", "2001:DB8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":::"),
    *("1::2::3", ":1", "1:", "::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "12345::", "g::", "1:2:3:4:5:6:7::", "::2:3"),
    *("1::3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "::-1", "::+1", "fe80::1%eth0", "0001::", "00001::", "::1_0"),
    *(
        "a",
        "A.b",
        "mail.example.net.",
        "@",
        ".",
        "a..b",
        ".a",
        "a.",
        "*",
        "_x",
        "a\\.b",
        "\\097",
        "\\",
        "x" * 63,
        "x" * 64,
    ),
    *("a\\@b", "a@b", "é", "\\é", "\\\\é", "a$b"),
    *('"a"', '"a b"', '""', '"', '"a', 'a"', '"a""b"', '"\\""', '"\\\\"', '"\\200"', '"a;b"', '"(a)"', '"é"', '"\t"'),
    *("a" * 255, '"' + "b" * 255 + '"', '"' + "b" * 256 + '"', "c" * 256, "v=spf1", "-all", "\\#", "0102", "01020304"),
    *(
        "AAAA",
        "AAA=",
        "AA==",
        "A===",
        "AAA",
        "AA=A",
        "AAAA=",
        "AAAA====",
        "AA==AA==",
        "A-_A",
        "00ff",
        "00FF",
        "0",
        "zz",
    ),
    *("NS", "TYPE1", "TYPE65535", "TYPE0", "ANY", "ns", "TYPE01", "RRSIG", "A", "type257", "TYPEx", "TYPE65536"),
    *(
        "20261121120000",
        "20261321120000",
        "20260230000000",
        "1795262400",
        "2026112112",
    ),
    *(
        "alpn=h2",
        'alpn="h2,h3"',
        "alpn=",
        "alpn",
        "alpn=,",
        'alpn="a b"',
        'alpn="h2"x',
        "ALPN=h2",
        "key1=h2",
        "key1",
        "=h2",
    ),
    *(
        "port=443",
        'port="00443"',
        "port=65536",
        "ipv4hint=192.0.2.1",
        "ipv4hint=192.0.2.1,",
        'ipv6hint="::1,2001:db8::1"',
    ),
    *("mandatory=alpn", "no-default-alpn", "no-default-alpn=x", "ech=AAAA", "key667=a", "issue", "iss-ue", "2", "64"),
    *('"!^.*$!sip:a@b!"', '"\\1\\\\1"', '"a\\256"', '"\\09"', "bf" * 64, "bf" * 20, "\\# 2 0102", "\\# 0"),
    *("PKIX", "pkix", "OID", "PRIVATEDNS", "rsasha256"),
    *("RSASHA256", "SEP", "ZONE", "bf" * 20, "bf" * 32, "bf" * 48, "bf" * 31, "BF" * 16),
)
# Base64 and hexadecimal, which dnspython breaks up and prints in either case.
BROKEN_UP = (
    *(rd.RRSIG, rd.DNSKEY, rd.CDNSKEY, rd.DS, rd.CDS, rd.NSEC3),
    *(rd.SSHFP, rd.TLSA, rd.SMIMEA, rd.OPENPGPKEY, rd.CERT),
)
_SPACES = (" ", " ", " ", "  ", "\t", " \t ", "")


def octets_of(rdtype: int) -> SearchStrategy[bytes]:
    """Well-formed data of a type, RRSIG among them."""
    if rdtype != rd.RRSIG:
        return rdatas(rdtype)
    return st.one_of(
        signatures(ORIGIN, rd.A), signatures(ORIGIN, rd.NSEC), signatures(child(ORIGIN, b"a"), 65534, ROOT)
    )


@st.composite
def _reworked(draw: DrawFn, text: str) -> str:
    """A text with something done to it that a short parser might not expect."""
    tokens = text.split(" ")
    place = draw(st.integers(0, len(tokens) - 1))
    match draw(st.integers(0, 7)):
        case 0:
            tokens[place] = draw(st.sampled_from(ODD_TOKENS))
        case 1:
            tokens.insert(place, draw(st.sampled_from(ODD_TOKENS)))
        case 2:
            del tokens[place]
        case 3:
            tokens[place] = tokens[place].swapcase()
        case 4:
            tokens[place] = '"' + tokens[place] + '"'
        case 5:
            cut = draw(st.integers(0, len(tokens[place])))
            tokens[place] = (
                tokens[place][:cut] + draw(st.sampled_from((" ", "\\", '"', "=", "0"))) + tokens[place][cut:]
            )
        case 6:
            tokens[place] = "".join(f"\\{ord(character):03}" for character in tokens[place] if ord(character) < 128)
    return draw(st.sampled_from(_SPACES)).join([*tokens, ""]) if draw(st.booleans()) else " ".join(tokens)


@st.composite
def data_texts(draw: DrawFn, rdtype: int) -> str:
    """Texts of record data of a type: as printed, as printed by dnspython, reworked, or a heap of odd tokens."""
    if draw(st.integers(0, 3)) == 0:
        tokens = draw(st.lists(st.sampled_from(ODD_TOKENS), max_size=9))
        return "".join(token + draw(st.sampled_from(_SPACES)) for token in tokens)
    octets = draw(octets_of(rdtype))
    text = rd.print_rdata(rdtype, octets) if draw(st.booleans()) else from_wire(rdtype, octets).to_text()
    return draw(_reworked(text)) if draw(st.booleans()) else text


def from_wire(rdtype: int, octets: bytes) -> dns.rdata.Rdata:
    return dns.rdata.from_wire(IN, RdataType.make(rdtype), octets, 0, len(octets))


def dnspython_answer(rdtype: int, text: str) -> bytes | None:
    """The wire form that dnspython reads, or None where it refuses; octets outside ASCII escaped as a zone file has them."""
    line = ""
    escaped = False
    for octet in text.encode():
        if octet < 0x80:
            line += chr(octet)
        else:
            line = (line[:-1] if escaped else line) + f"\\{octet}"
        escaped = octet == 0x5C and not escaped
    try:
        made = dns.rdata.from_text(IN, RdataType.make(rdtype), line, from_wire_name(ORIGIN), relativize=False)
        octets = made.to_wire()
    except Exception:  # dnspython raises many kinds here, not only its own
        return None
    return octets if octets is not None and len(octets) <= rd.MAX_RDATA_OCTETS else None


def our_answer(rdtype: int, text: str) -> bytes | None:
    try:
        return rd.parse_rdata(rdtype, text.encode(), ORIGIN)
    except RdataError:
        return None


# ---- presentation to wire -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rdtype", ALL_TYPES, ids=rd.type_text)
@given(data=st.data())
def test_data_is_what_dnspython_reads_or_both_refuse_it(rdtype: int, data: DataObject) -> None:
    text = data.draw(data_texts(rdtype))
    assert our_answer(rdtype, text) == dnspython_answer(rdtype, text)


@pytest.mark.parametrize("rdtype", ALL_TYPES, ids=rd.type_text)
@given(data=st.data())
def test_data_is_printed_so_that_we_and_dnspython_read_it_back(rdtype: int, data: DataObject) -> None:
    octets = data.draw(octets_of(rdtype))
    text = rd.print_rdata(rdtype, octets)
    assert rd.parse_rdata(rdtype, text.encode(), ROOT) == octets
    assert dnspython_answer(rdtype, text) == octets


@pytest.mark.parametrize("rdtype", sorted({*rd.PLAIN_PARSERS, rd.NSEC3, 65280, 65534}), ids=rd.type_text)
@given(data=st.data())
def test_data_is_printed_as_dnspython_prints_it_but_for_letter_case_and_spaces_in_numbers(
    rdtype: int, data: DataObject
) -> None:
    octets = data.draw(octets_of(rdtype))
    ours, theirs = rd.print_rdata(rdtype, octets), from_wire(rdtype, octets).to_text().rstrip()
    if rdtype in BROKEN_UP:
        assert ours.replace(" ", "").casefold() == theirs.replace(" ", "").casefold()
    else:
        assert ours == theirs


@pytest.mark.parametrize("rdtype", ALL_TYPES, ids=rd.type_text)
@given(data=st.data())
def test_data_is_read_from_the_generic_form_of_rfc_3597(rdtype: int, data: DataObject) -> None:
    octets = data.draw(octets_of(rdtype))
    assert rd.parse_rdata(rdtype, f"\\# {len(octets)} {octets.hex()}".encode(), ROOT) == octets


@given(names(), names(ROOT))
def test_names_in_data_are_completed_by_the_origin(origin: bytes, name: bytes) -> None:
    relative = name_text(name).removesuffix(".")
    if relative and len(name) + len(origin) - 1 <= 255:
        assert rd.parse_rdata(rd.NS, relative.encode(), origin) == name[:-1] + origin
        assert rd.parse_rdata(rd.MX, f"5 {relative}".encode(), origin) == b"\x00\x05" + name[:-1] + origin


@pytest.mark.parametrize(
    ("rdtype", "text", "octets"),
    [
        (rd.A, b"192.0.2.1", "c0000201"),
        (rd.AAAA, b"2001:db8::1", "20010db8000000000000000000000001"),
        (rd.TXT, b'"a b" c', "0361206201" + "63"),
        (rd.TXT, b"\\195\\169 \xc3\xa9", "02c3a902c3a9"),
        (rd.TXT, b"a\\\xe9", "0261e9"),
        (rd.TXT, b"a\\\\\xe9", "03615ce9"),
        (rd.MX, b"10 @", "000a" + ORIGIN.hex()),
        (
            rd.DS,
            b"60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
            "ec4505012bb183af5f22588179a53b0a98631fad1a292118",
        ),
        (
            rd.NSEC,
            b"host A MX RRSIG NSEC TYPE1234",
            "04686f7374" + ORIGIN.hex() + "0006400100000003041b" + "00" * 26 + "20",
        ),
        (
            rd.NSEC3,
            b"1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG",
            "0101000c" + "04aabbccdd" + "14174eb2409fe28bcb4887a1836f957f0a8425e27b" + "000722010000000290",
        ),
    ],
    ids=lambda value: "" if isinstance(value, int) else None,
)
def test_data_in_wire_form_is_as_the_rfcs_have_it(rdtype: int, text: bytes, octets: str) -> None:
    assert rd.parse_rdata(rdtype, text, ORIGIN).hex() == octets


@pytest.mark.parametrize(
    ("rdtype", "text"),
    [
        (rd.A, b""),
        (rd.A, b"1.2.3"),
        (rd.A, b"1.2.3.4 5"),
        (rd.A, b"1.2.3.4\n1.2.3.5"),
        (rd.A, b"\\# 5 0102030405"),
        (rd.AAAA, b"1.2.3.4"),
        (rd.NS, b"a..b"),
        (rd.NS, b"x" * 64),
        (rd.NS, b'"ns1"'),
        (rd.MX, b"mail"),
        (rd.MX, b"65536 mail"),
        (rd.TXT, b""),
        (rd.TXT, b"x" * 256),
        (rd.TXT, b'"open'),
        (rd.SOA, b"ns1 host 1 2 3 4"),
        (rd.DNSKEY, b"257 3 13 AA"),
        (rd.DS, b"1 13 2 00FF"),
        (65280, b"anything"),
        (65280, b"\\# 2 00"),
    ],
)
def test_data_that_does_not_fit_its_type_is_refused(rdtype: int, text: bytes) -> None:
    with pytest.raises(RdataError, match=f"bad {rd.type_text(rdtype)} data"):
        rd.parse_rdata(rdtype, text, ORIGIN)


def test_data_over_65535_octets_is_refused() -> None:
    with pytest.raises(RdataError, match="more than 65535"):
        rd.parse_rdata(rd.TXT, b" ".join([b'"' + b"a" * 255 + b'"'] * 257), ORIGIN)


# ---- types ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 65535))
@example(0)
@example(41)
@example(200)
@example(255)
@example(65535)
def test_a_type_is_read_as_it_is_printed_unless_only_a_query_can_have_it(number: int) -> None:
    text = rd.type_text(number)
    assert text == dns.rdatatype.to_text(RdataType.make(number))
    if number == 0 or dns.rdatatype.is_metatype(RdataType.make(number)):
        with pytest.raises(RdataError, match="queries and messages"):
            rd.parse_type(text)
    else:
        assert rd.parse_type(text) == rd.parse_type(text.lower()) == rd.parse_type(f"TYPE{number}") == number


@pytest.mark.parametrize("text", ["", "BOGUS", "TYPE", "TYPE65536", "TYPE-1", "TYPEx", "A ", "ßHFP", "IN"])
def test_a_text_that_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(RdataError, match="not a record type"):
        rd.parse_type(text)


# ---- canonical form -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rdtype", ALL_TYPES, ids=rd.type_text)
@given(data=st.data())
def test_the_canonical_form_is_what_dnspython_digests(rdtype: int, data: DataObject) -> None:
    octets = data.draw(octets_of(rdtype))
    canonical = rd.canonical_rdata(rdtype, octets)
    assert canonical == from_wire(rdtype, octets).to_digestable()
    assert rd.canonical_rdata(rdtype, canonical) == canonical
    assert rd.has_names_to_lower(rdtype) or canonical == octets


def test_the_next_name_of_nsec_keeps_its_letter_case() -> None:
    # RFC 6840 section 5.1
    octets = rd.parse_rdata(rd.NSEC, b"Host.Example. A", ROOT)
    assert rd.canonical_rdata(rd.NSEC, octets) == octets


# ---- checks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rdtype", ALL_TYPES, ids=rd.type_text)
@given(data=st.data())
def test_good_data_passes_and_data_cut_short_does_not(rdtype: int, data: DataObject) -> None:
    octets = data.draw(octets_of(rdtype))
    rd.check_rdata(rdtype, octets)
    if rdtype in (rd.A, rd.AAAA, rd.NS, rd.MX, rd.SRV, rd.SOA, rd.CNAME, rd.PTR, rd.DNAME):
        with pytest.raises(RdataError):
            rd.check_rdata(rdtype, octets[:-1])
        with pytest.raises(RdataError):
            rd.check_rdata(rdtype, octets + b"\x00")


def test_data_with_a_compressed_name_or_over_65535_octets_is_refused() -> None:
    with pytest.raises(RdataError):
        rd.check_rdata(rd.NS, b"\x03www\xc0\x00")
    with pytest.raises(RdataError, match="more than 65535"):
        rd.check_rdata(65280, bytes(65536))


# ---- type bitmaps ---------------------------------------------------------------------------------------------------


@given(st.sets(st.integers(1, 65535)))
def test_a_bitmap_lists_the_types_it_was_made_of(rdtypes: set[int]) -> None:
    bitmap = rd.type_bitmap(rdtypes)
    assert rd.bitmap_types(bitmap) == sorted(rdtypes)
    assert rd.type_bitmap([*rdtypes, *rdtypes]) == bitmap


@given(st.sets(st.integers(1, 65535), min_size=1, max_size=20))
def test_a_bitmap_is_the_one_that_dnspython_writes(rdtypes: set[int]) -> None:
    text = "a. " + " ".join(f"TYPE{number}" for number in rdtypes)
    theirs = dns.rdata.from_text(IN, "NSEC", text).to_wire()
    assert theirs is not None
    assert rd.type_bitmap(rdtypes) == theirs[len(parse_name("a.")) :]


@pytest.mark.parametrize(
    "bitmap", ["00", "0000", "0001", "000101000102", "010101000101", "0021" + "01" * 33, "000240"], ids=str
)
def test_a_bitmap_that_breaks_rfc_4034_section_4_1_2_is_refused(bitmap: str) -> None:
    with pytest.raises(RdataError, match=r"RFC 4034 section 4\.1\.2"):
        rd.bitmap_types(bytes.fromhex(bitmap))


def test_a_name_too_long_in_data_is_refused() -> None:
    long = ".".join(["x" * 60] * 4).encode()
    with pytest.raises((RdataError, DomainNameError)):
        rd.parse_rdata(rd.NS, long, ORIGIN)


_GROUPS = st.lists(st.sampled_from((0, 0, 0, 1, 0xAB, 0xFFFF)), min_size=8, max_size=8)


@given(_GROUPS.map(lambda groups: b"".join(group.to_bytes(2, "big") for group in groups)))
def test_addresses_are_printed_as_dnspython_prints_them(rdata: bytes) -> None:
    assert rd.print_rdata(rd.AAAA, rdata) == dns.ipv6.inet_ntoa(rdata)


@given(st.integers(0, 255), st.from_regex(rb"[a-zA-Z0-9]{1,9}", fullmatch=True), st.binary(max_size=6))
def test_a_caa_is_printed_so_that_it_reads_back(flags: int, tag: bytes, value: bytes) -> None:
    rdata = bytes((flags, len(tag))) + tag + value
    text = rd.print_rdata(rd.CAA, rdata)
    assert rd.parse_rdata(rd.CAA, text.encode(), b"\x00") == rdata
    assert text == dns.rdata.from_wire("IN", "CAA", rdata, 0, len(rdata)).to_text()


@pytest.mark.parametrize("text", [b"256 3 13", rb"\# 4 0100030d"])
def test_a_dnskey_without_a_public_key_is_refused(text: bytes) -> None:
    with pytest.raises(RdataError):
        rd.parse_rdata(rd.DNSKEY, text, b"\x00")
    with pytest.raises(RdataError, match="without a public key"):
        rd.check_rdata(rd.DNSKEY, bytes((1, 0, 3, 13)))


@given(st.sampled_from((rd.DNSKEY, rd.CDNSKEY)), st.binary(min_size=5, max_size=80))
def test_a_key_in_wire_form_is_well_formed_for_dnspython_too_whatever_its_octets(rdtype: int, rdata: bytes) -> None:
    rd.check_rdata(rdtype, rdata)
    assert dns.rdata.from_wire("IN", RdataType.make(rdtype), rdata, 0, len(rdata)).to_wire() == rdata


def _well_formed_for_dnspython(rdtype: int, rdata: bytes) -> bool:
    try:
        return bool(dns.rdata.from_wire("IN", RdataType.make(rdtype), rdata, 0, len(rdata)).to_wire() == rdata)
    except dns.exception.DNSException:
        return False


_LABELS = st.sampled_from(
    (b"\x01a", b"\x3f" + b"b" * 63, b"\x3d" + b"c" * 61, b"\x40" + b"d" * 64, b"\xc0\x00", b"\x02e")
)
_NAME_LIKE = st.tuples(st.lists(_LABELS, max_size=6).map(b"".join), st.sampled_from((b"\x00", b""))).map(b"".join)


@given(
    st.sampled_from((rd.NS, rd.CNAME, rd.SOA, rd.RRSIG)),
    st.lists(st.one_of(_NAME_LIKE, st.sampled_from((bytes(18), b"\xff" * 20)), st.binary(max_size=3)), max_size=4),
)
def test_data_of_names_and_octets_passes_where_dnspython_takes_it(rdtype: int, parts: list[bytes]) -> None:
    rdata = b"".join(parts)
    if _well_formed_for_dnspython(rdtype, rdata):
        rd.check_rdata(rdtype, rdata)
    else:
        with pytest.raises(RdataError):
            rd.check_rdata(rdtype, rdata)


@given(st.one_of(st.binary(min_size=20, max_size=20), st.binary(max_size=40)))
def test_base32_is_that_of_the_rfc(octets: bytes) -> None:
    assert rd.base32_text(octets) == base64.b32hexencode(octets).decode().rstrip("=").lower()
