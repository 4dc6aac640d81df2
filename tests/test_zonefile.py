"""The master-file reader: its format, its refusals, its findings, and what it agrees on with dnspython and named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import dns.exception
import dns.rdata
import dns.zone
import pytest
from dns.rdatatype import RdataType
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.peers import run_peer
from tests.strategies import signable_zones, zones
from zonekit import rdata as rd
from zonekit.errors import DomainNameError, FileError, TtlError, ZoneFileError
from zonekit.findings import Finding, Severity
from zonekit.names import from_wire_name, name_text, order_key, parse_name
from zonekit.zonefile import (
    DEEPEST_INCLUDE,
    LONGEST_RECORD,
    MOST_INCLUDES,
    ParsedZone,
    ZoneText,
    parse_zone,
    parse_zone_with_findings,
)
from zonekit.zones import RRset, Zone

SOA: Final = "SOA ns.example.net. host 1 2 3 4 555\n"
HEAD: Final = f"$TTL 300\n@ {SOA}@ NS ns.example.net.\n"
"""The first three lines of a zone; what follows begins on line 4."""


def texts_of(zone: Zone) -> list[str]:
    """The records of a zone but for its SOA and the NS of HEAD, as text, in order."""
    lines = [line for rrset in zone.rrsets() for line in rrset.text().split("\n")]
    return [line for line in lines if " IN SOA " not in line and not line.endswith(" NS ns.example.net.")]


def read(body: str) -> list[str]:
    """The records that ``body`` adds to HEAD."""
    return texts_of(parse_zone(HEAD + body, "example.nl"))


def refusal_of(text: ZoneText, origin: str | None = "example.nl") -> ZoneFileError:
    with pytest.raises(ZoneFileError) as refusal:
        parse_zone(text, origin)
    return refusal.value


def findings_of(body: str) -> tuple[Finding, ...]:
    return parse_zone_with_findings(HEAD + body, "example.nl", file="zone").findings


# ---- the format -----------------------------------------------------------------------------------------------------


def test_class_and_ttl_come_in_either_order_or_not_at_all() -> None:
    body = "a IN 5 A 192.0.2.1\nb 5 IN A 192.0.2.1\nc 5 A 192.0.2.1\nd IN A 192.0.2.1\ne A 192.0.2.1\nf CLASS1 1h A 192.0.2.1\n"
    ttls = [line.split()[1] for line in read(body)]
    assert ttls == ["5", "5", "5", "300", "300", "3600"]


def test_types_classes_and_directives_are_read_in_either_letter_case() -> None:
    assert read("$oRiGiN Sub\nx iN tXt a\n") == ['x.Sub.example.nl. 300 IN TXT "a"']


def test_a_relative_name_is_completed_and_an_at_sign_is_the_origin() -> None:
    assert read("@ MX 10 mail\nwww CNAME @\nx.example.nl. MX 10 mail.example.net.\n") == [
        "example.nl. 300 IN MX 10 mail.example.nl.",
        "www.example.nl. 300 IN CNAME example.nl.",
        "x.example.nl. 300 IN MX 10 mail.example.net.",
    ]


def test_origin_is_relative_to_the_one_before() -> None:
    assert read("$ORIGIN a\n$ORIGIN b\nx A 192.0.2.1\n$ORIGIN example.nl.\ny A 192.0.2.1\n") == [
        "x.b.a.example.nl. 300 IN A 192.0.2.1",
        "y.example.nl. 300 IN A 192.0.2.1",
    ]


def test_a_line_that_begins_with_white_space_has_the_owner_of_the_record_before() -> None:
    body = "x A 192.0.2.1\n\n ; a comment\n\tA 192.0.2.2\n$ORIGIN other\n A 192.0.2.3\n"
    assert read(body) == [f"x.example.nl. 300 IN A 192.0.2.{number}" for number in (1, 2, 3)]


def test_a_record_outside_the_zone_lends_its_owner_to_the_next() -> None:
    parsed = parse_zone_with_findings(HEAD + "x. A 192.0.2.1\n A 192.0.2.2\n", "example.nl")
    assert texts_of(parsed.zone) == []
    assert [finding.owner for finding in parsed.findings] == ["x."]


def test_parentheses_join_lines_and_comments_end_with_theirs() -> None:
    body = "x ( ; one )\n\nMX ( 10\n) ( ( mail ) )\n ) ; two (\n( y A 192.0.2.1 )\n ( A 192.0.2.2 )\n"
    assert read(body) == [
        "x.example.nl. 300 IN MX 10 mail.example.nl.",
        "y.example.nl. 300 IN A 192.0.2.1",
        "y.example.nl. 300 IN A 192.0.2.2",
    ]


def test_strings_are_quoted_or_not_and_escaped_either_way() -> None:
    body = 'x TXT "a ; (b)" c\\ d\\;e "say \\"hi\\"" \\195\\169 "" é"é"\\097\n'
    assert read(body) == [
        'x.example.nl. 300 IN TXT "a ; (b)" "c d;e" "say \\"hi\\"" "\\195\\169" "" "\\195\\169" "\\195\\169" "a"'
    ]


def test_strings_that_touch_stay_together_where_the_type_wants_it() -> None:
    assert read('x SVCB 1 . alpn="h2,h3" port=53\n') == ['x.example.nl. 300 IN SVCB 1 . alpn="h2,h3" port="53"']


def test_names_are_escaped() -> None:
    body = "a\\.b A 192.0.2.1\n\\065\\032 A 192.0.2.1\n\\@ A 192.0.2.1\n\\$x A 192.0.2.1\na@b$ A 192.0.2.1\n"
    owners = [line.split()[0].removesuffix(".example.nl.") for line in read(body)]
    assert owners == ["\\$x", "\\@", "A\\032", "a\\.b", "a\\@b\\$"]


def test_unknown_types_are_read_in_the_generic_form_and_known_ones_too() -> None:
    body = "x TYPE65280 \\# 3 01 0203\ny TYPE1 \\# 4 C0000201\nz TYPE1 192.0.2.1\nw TYPE65281 \\# 0\n"
    assert read(body) == [
        "w.example.nl. 300 IN TYPE65281 \\# 0",
        "x.example.nl. 300 IN TYPE65280 \\# 3 010203",
        "y.example.nl. 300 IN A 192.0.2.1",
        "z.example.nl. 300 IN A 192.0.2.1",
    ]


def test_ttls_have_units() -> None:
    body = "$TTL 1d12h\na A 192.0.2.1\nb 1W A 192.0.2.1\nc 2H3m4S A 192.0.2.1\n"
    assert [line.split()[1] for line in read(body)] == ["129600", "604800", "7384"]


@pytest.mark.parametrize(
    ("text", "ttls"),
    [
        (f"@ {SOA}@ NS n.\nx 7 A 192.0.2.1\ny A 192.0.2.1\n", [555, 555, 7, 555]),
        (f"@ 60 {SOA}@ NS n.\nx 7 A 192.0.2.1\ny A 192.0.2.1\n", [60, 60, 7, 7]),
        (f"@ 60 {SOA}@ NS n.\n$TTL 9\nx 7 A 192.0.2.1\ny A 192.0.2.1\n", [60, 60, 7, 9]),
        (f"y 7 A 192.0.2.1\n@ {SOA}@ NS n.\nx 8 A 192.0.2.1\n", [7, 7, 8, 7]),
    ],
    ids=["SOA MINIMUM", "the last given", "$TTL", "the last given before the SOA"],
)
def test_a_record_without_a_ttl_takes_the_one_that_named_would(text: str, ttls: list[int]) -> None:
    zone = parse_zone(text, "example.nl")
    assert [
        rrset.ttl for rrset in sorted(zone.rrsets(), key=lambda rrset: (order_key(rrset.owner), -rrset.rdtype))
    ] == ttls


def test_a_default_ttl_counts_as_if_the_text_began_with_it() -> None:
    zone = parse_zone(f"@ {SOA}@ 7 NS n.\n$TTL 9\nx A 192.0.2.1\n", "example.nl", default_ttl=60)
    assert [rrset.ttl for rrset in zone.rrsets()] == [7, 60, 9]


def test_line_ends_may_be_crlf_and_the_last_may_be_missing() -> None:
    body = "x A 192.0.2.1\n A ( 192.0.2.2\n )\ny TXT a"
    expected = read(body)
    assert texts_of(parse_zone((HEAD + body).replace("\n", "\r\n"), "example.nl")) == expected
    assert texts_of(parse_zone((HEAD + body).replace("\n", "\r\n") + "\r\n", "example.nl")) == expected


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    text = f"x 5 A 192.0.2.1\n@ {SOA}@ NS ns.example.net.\n".encode()
    assert parse_zone(b"\xef\xbb\xbf" + text, "example.nl") == parse_zone(text, "example.nl")
    assert parse_zone([b"", b"\xef", b"\xbb\xbf" + text], "example.nl") == parse_zone(text, "example.nl")


def test_without_an_origin_the_owner_of_the_soa_is_the_apex() -> None:
    text = f"$ORIGIN nl.\nexample {SOA.replace('SOA', '5 SOA')}example NS ns\n"
    zone = parse_zone(text)
    assert zone.origin.to_text() == "example.nl."
    assert zone.apex_rrset(rd.NS).text() == "example.nl. 5 IN NS ns.nl."
    assert parse_zone(f"example.nl. 5 {SOA}@ NS ns\n").apex_rrset(rd.NS).text() == "example.nl. 5 IN NS ns.example.nl."


def test_the_letter_case_of_an_owner_is_that_of_its_first_record() -> None:
    zone = parse_zone(HEAD + "Www A 192.0.2.1\nother A 192.0.2.1\nwwW AAAA ::1\n", "example.nl")
    assert [name_text(owner) for owner, _ in zone.nodes()] == ["example.nl.", "other.example.nl.", "Www.example.nl."]


def test_the_root_can_be_a_zone() -> None:
    zone = parse_zone(f"$TTL 5\n{SOA.replace('SOA', '. SOA')}. NS a.root-servers.net.\nnl NS ns1.dns.nl.\n", ".")
    assert [name_text(owner) for owner, _ in zone.nodes()] == [".", "nl."]


def test_an_origin_is_a_name_of_dnspython_too() -> None:
    assert parse_zone(HEAD, from_wire_name(parse_name("example.nl."))) == parse_zone(HEAD, "example.nl")


def test_what_is_given_beside_the_text_is_checked() -> None:
    with pytest.raises(DomainNameError):
        parse_zone(HEAD, "a..b")
    with pytest.raises(TtlError):
        parse_zone(HEAD, "example.nl", default_ttl=-1)


def test_a_zone_may_be_given_as_text_or_octets_and_octets_may_be_any() -> None:
    body = HEAD + "é TXT é\n"
    assert parse_zone(body, "example.nl") == parse_zone(body.encode(), "example.nl")
    assert texts_of(parse_zone(HEAD.encode() + b"\xe9 TXT \xe9\n", "example.nl")) == [
        '\\233.example.nl. 300 IN TXT "\\233"'
    ]
    # what open(..., errors="surrogateescape") makes of such octets
    assert texts_of(parse_zone(HEAD + "x TXT \udce9\n", "example.nl")) == ['x.example.nl. 300 IN TXT "\\233"']


# ---- refusals -------------------------------------------------------------------------------------------------------

_LONG_NAME: Final = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 51])

REFUSALS: Final = {
    "an empty label": ("a..b A 192.0.2.1", 4, "empty label"),
    "a label over 63 octets": ("x" * 64 + " A 192.0.2.1", 4, "more than 63 octets"),
    "a name over 255 octets": (_LONG_NAME + " A 192.0.2.1", 4, "more than 255"),
    "a bad escape": ("a\\25 A 192.0.2.1", 4, "bad escape"),
    "an escape over 255": ("a\\256 A 192.0.2.1", 4, "over 255"),
    "a quoted owner": ('"x" A 192.0.2.1', 4, "is quoted"),
    "a name half quoted": ('x"y" A 192.0.2.1', 4, "is quoted"),
    "a long name in data": ("x NS " + _LONG_NAME, 4, "bad NS data"),
    "a name over 255 octets after $ORIGIN": ("$ORIGIN " + _LONG_NAME, 4, "more than 255"),
    "a name over 255 octets under a long origin": (f"$ORIGIN {_LONG_NAME[1:]}\nx A 1.2.3.4", 5, "more than 255"),
    "bad data": ("x A 192.0.2.300", 4, "bad A data"),
    "no data": ("x A", 4, "bad A data"),
    "data too long": ("x A 192.0.2.1 5", 4, "bad A data"),
    "data of an unknown type that is not generic": ("x TYPE65280 a", 4, "bad TYPE65280 data"),
    "bad generic data": ("x A \\# 5 0102030405", 4, "bad A data"),
    "a string over 255 octets": ("x TXT " + "a" * 256, 4, "bad TXT data"),
    "a TTL over 2^31-1": ("x 2147483648 A 192.0.2.1", 4, "TTL 2147483648 is outside"),
    "a TTL over 2^32-1": ("x 4294967296 A 192.0.2.1", 4, "TTL 4294967296 is outside"),
    "a TTL half in units": ("x 1h30 A 192.0.2.1", 4, "not a TTL"),
    "a TTL over 2^31-1 in $TTL": ("$TTL 3551w", 4, "TTL 2147644800 is outside"),
    "a word in $TTL": ("$TTL one", 4, "not a TTL"),
    "two TTLs": ("x 5 IN 5 A 192.0.2.1", 4, "not a record type"),
    "two TTLs without a class": ("x 5 5 A 192.0.2.1", 4, "not a record type"),
    "class CH after the TTL": ("x 5 CH A 192.0.2.1", 4, "class CH"),
    "two classes": ("x IN IN A 192.0.2.1", 4, "not a record type"),
    "class CH": ("x CH A 192.0.2.1", 4, "class CH; zonekit handles class IN"),
    "class 3": ("x CLASS3 A 192.0.2.1", 4, "class CLASS3"),
    "class ANY": ("x 5 any A 192.0.2.1", 4, "class ANY"),
    "no type": ("x 5 IN", 4, "ends before its type"),
    "an owner alone": ("x", 4, "ends before its type"),
    "an unknown type": ("x BOGUS 192.0.2.1", 4, "'BOGUS' is not a record type"),
    "an escaped type": ("x \\065 192.0.2.1", 4, "not a record type"),
    "a quoted type": ('x "A" 192.0.2.1', 4, "not a record type"),
    "a type beyond ASCII": ("x ßHFP 1 1 00", 4, "not a record type"),
    "a type for queries": ("x OPT \\# 0", 4, "queries and messages only"),
    "a type for messages by number": ("x TYPE200 \\# 0", 4, "queries and messages only"),
    "type 0": ("x TYPE0 \\# 0", 4, "queries and messages only"),
    "an unknown directive": ("$FOO bar", 4, "unknown directive '$FOO'"),
    "BIND's $DATE": ("$DATE 20260101000000", 4, "unknown directive"),
    "a directive that is indented": (" $TTL 5", 4, "'$TTL' is not a record type"),
    "$ORIGIN without a name": ("$ORIGIN", 4, "takes 1 arguments and has 0"),
    "$TTL and more": ("$TTL 5 6", 4, "takes 1 arguments and has 2"),
    "$INCLUDE not allowed": ("$INCLUDE other", 4, "$INCLUDE is not allowed here"),
    "$INCLUDE and more": ("$INCLUDE a b c", 4, "takes 1 to 2 arguments"),
    "a parenthesis never closed": ("x A (\n192.0.2.1\n", 4, "a ( without its )"),
    "a parenthesis never opened": ("x A 192.0.2.1 )", 4, "a ) without its ("),
    "a parenthesis in a comment": ("x A ( 192.0.2.1 ;)", 4, "a ( without its )"),
    "a quote never closed": ('x TXT "a\nb"', 4, "does not end on the line"),
    "a quote never closed on a later line": ('x TXT ( a\n"b\n)', 5, "does not end on the line"),
    "a line end escaped in quotes": ('x TXT "a\\\nb"', 4, "does not end on the line"),
    "a line end escaped": ("x TXT a\\\ny A 192.0.2.1", 4, "escapes nothing"),
    "a bad type on a later line": ("x (\nIN\nBOGUS a )", 6, "not a record type"),
    "a NUL byte": ("x TXT a\ny TXT \0", 5, "a NUL byte"),
    "a NUL byte in a comment": ("; \0", 4, "a NUL byte"),
    "a form feed": ("x TXT a\fb", 4, "a form feed"),
    "a vertical tab": ("x\vA 192.0.2.1", 4, "a vertical tab"),
    "a carriage return alone": ("x TXT a\r\ny TXT b\rz TXT c", 5, "a carriage return that does not end a line"),
    "a second SOA": ("x TXT a\n@ SOA ns.example.net. host 2 2 3 4 555", 5, "a second SOA with other data"),
    "an SOA below the apex": ("x SOA ns host 1 2 3 4 5", 4, "x.example.nl. has an SOA, and the zone is example.nl."),
    "a CNAME beside data": ("x A 192.0.2.1\n A 192.0.2.2\ny A 192.0.2.1\nx CNAME y", 7, "a CNAME stands beside A"),
    "data beside a CNAME": ("x CNAME y\nx TXT a\nx MX 5 y", 5, "a CNAME stands beside TXT, MX"),
    "a CNAME at the apex": ("@ CNAME y", 4, "a CNAME stands beside SOA, NS"),
    "two CNAMEs": ("x CNAME y\nx CNAME z", 5, "a second CNAME with other data"),
    "two DNAMEs": ("x DNAME y\nx DNAME z", 5, "a second DNAME with other data"),
    "bad data outside the zone": ("x. A 1", 4, "bad A data"),
    "a DS at the apex": (f"x DS 1 13 2 {'ab' * 32}\nx A 1.2.3.4\n@ DS 1 13 2 {'ab' * 32}", 6, "a DS RRset at the apex"),
}


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_what_is_wrong_is_refused_with_its_line_and_reason(case: str) -> None:
    body, line, reason = REFUSALS[case]
    refusal = refusal_of(HEAD + body)
    assert (refusal.file, refusal.line) == ("<text>", line)
    assert reason in refusal.reason
    assert str(refusal).startswith(f"<text>:{line}: {refusal.reason}")


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_line_is_the_same_one_after_other_records(case: str) -> None:
    body, line, reason = REFUSALS[case]
    before = "".join(f"host{number} 5 IN A 192.0.2.1\n TXT (\n a\n ) ; b\n\n" for number in range(9))
    refusal = refusal_of((HEAD + before).replace("\n", "\r\n") + body)
    assert refusal.line == line + 45
    assert reason in refusal.reason


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 0, "no SOA record at the apex"),
        ("; nothing\n", 0, "no SOA record at the apex"),
        ("@ 5 NS n.\n", 0, "no SOA record at the apex"),
        (f"@ 5 {SOA}", 0, "no NS record at example.nl."),
        (f"@ 5 {SOA}x NS n.\n", 0, "no NS record at example.nl."),
        (f"x. 5 {SOA}", 0, "no SOA record at the apex"),
        (f" 5 {SOA}", 1, "the first record has no owner name"),
        (f"x A 192.0.2.1\n@ {SOA}", 1, "has no TTL"),
        (f"@ {SOA.replace('555', '2147483648')}", 1, "TTL 2147483648 is outside"),
    ],
)
def test_what_makes_no_zone_is_refused(text: str, line: int, reason: str) -> None:
    refusal = refusal_of(text)
    assert refusal.line == line
    assert reason in refusal.reason


def test_without_an_origin_the_first_record_must_say_it() -> None:
    assert "give the origin" in str(refusal_of("example.nl. 5 NS n.\n", None))
    assert "'@' stands for an origin" in refusal_of(f"@ 5 {SOA}", None).reason
    assert "no SOA record" in refusal_of("", None).reason


def test_half_of_a_surrogate_pair_is_refused() -> None:
    assert refusal_of(HEAD + "x TXT a\ny TXT \ud800\n").line == 5


def test_a_refusal_shows_nothing_that_a_terminal_would_obey() -> None:
    for body in (
        "\x1b[2J\x1b A 192.0.2.1\x1b",
        "$\x1b[2J",
        "x \x1b[2J",
        'x "\x1b" 5',
        "$GENERATE \x1b x A 1",
        "x MX \x1b a",
    ):
        assert "\x1b" not in str(refusal_of(HEAD + body))


# ---- findings -------------------------------------------------------------------------------------------------------


def test_data_outside_the_zone_is_ignored_and_reported_once_for_each_rrset() -> None:
    body = "x. A 192.0.2.1\nx. A 192.0.2.2\nx. MX 5 a\nexample.nl.com. A 192.0.2.1\nxexample.nl. A 192.0.2.1\n"
    assert read(body) == []
    findings = findings_of(body)
    assert {(finding.code, finding.severity) for finding in findings} == {("out-of-zone", Severity.WARNING)}
    assert [(finding.owner, finding.rdtype, finding.message) for finding in findings] == [
        ("x.", "A", "2 records outside the zone ignored, at zone:4, 5"),
        ("x.", "MX", "1 record outside the zone ignored, at zone:6"),
        ("example.nl.com.", "A", "1 record outside the zone ignored, at zone:7"),
        ("xexample.nl.", "A", "1 record outside the zone ignored, at zone:8"),
    ]


def test_of_differing_ttls_the_first_is_taken_and_the_others_reported() -> None:
    body = "x 200 A 192.0.2.1\ny A 192.0.2.1\nx 100 A 192.0.2.2\nx 300 A 192.0.2.3\n"
    assert [line.split()[1] for line in read(body)] == ["200", "200", "200", "300"]
    (finding,) = findings_of(body)
    assert (finding.code, finding.owner, finding.rdtype) == ("ttl-differs", "x.example.nl.", "A")
    assert finding.message == "the first record has TTL 200, which all get; others have 100, 300, at zone:6, 7"


def test_signatures_over_different_types_may_differ_in_ttl() -> None:
    body = "".join(f"x {ttl} RRSIG {covered} 13 3 9 1 1 {tag} @ AAAA\n" for ttl, covered, tag in SIGNATURES)
    assert [line.split()[1] for line in read(body)] == ["50", "50", "70"]
    (finding,) = findings_of(body)
    assert (finding.code, finding.rdtype) == ("ttl-differs", "RRSIG")


SIGNATURES: Final = ((50, "A", 1), (70, "AAAA", 1), (60, "A", 2))


def test_a_record_given_twice_is_kept_once_and_reported() -> None:
    body = "x NS a\nx NS b\nx 9 NS a.example.nl.\nX NS A\n"
    assert read(body) == ["x.example.nl. 300 IN NS a.example.nl.", "x.example.nl. 300 IN NS b.example.nl."]
    duplicate, ttl = findings_of(body)
    assert (duplicate.code, duplicate.message) == ("duplicate-record", "2 records given again, at zone:6, 7")
    assert ttl.code == "ttl-differs"


def test_the_same_soa_twice_is_a_duplicate() -> None:
    assert [finding.code for finding in findings_of(f"@ {SOA}")] == ["duplicate-record"]


def test_many_places_are_shortened_and_counted() -> None:
    (finding,) = findings_of("x A 192.0.2.1\n" * 100)
    assert finding.message == "99 records given again, at zone:5, 6, 7, 8, 9, 10, 11, 12 and 91 more"


def test_a_good_zone_has_no_findings_even_with_dnssec_records_beside_a_cname() -> None:
    assert (
        findings_of("x CNAME a\nx NSEC y CNAME RRSIG NSEC\nx RRSIG CNAME 13 3 9 1 1 1 @ AAAA\nx KEY 512 3 13 AAAA\n")
        == ()
    )


# ---- $INCLUDE -------------------------------------------------------------------------------------------------------


class Files:
    """Files by name, as an opener; ``./`` before a name is another spelling of it."""

    def __init__(self, **files: str | bytes) -> None:
        self.files = files
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str, including: str) -> tuple[str, Iterable[bytes]]:
        self.asked.append((name, including))
        resolved = name.removeprefix("./")
        if resolved not in self.files:
            raise FileError("there is no such file", path=name, remedy="write it")
        text = self.files[resolved]
        return resolved, [text.encode() if isinstance(text, str) else text]


def include(body: str, **files: str | bytes) -> ParsedZone:
    return parse_zone_with_findings(HEAD + body, "example.nl", file="main", include=Files(**files))


def include_refusal(body: str, **files: str | bytes) -> ZoneFileError:
    with pytest.raises(ZoneFileError) as refusal:
        include(body, **files)
    return refusal.value


def test_an_included_file_stands_in_the_place_of_its_directive() -> None:
    parsed = include("$INCLUDE inner ; comment\ny A 192.0.2.2", inner="x A 192.0.2.1")
    assert texts_of(parsed.zone) == ["x.example.nl. 300 IN A 192.0.2.1", "y.example.nl. 300 IN A 192.0.2.2"]


def test_an_included_file_may_have_an_origin_of_its_own() -> None:
    parsed = include("$ORIGIN a\n$INCLUDE inner b\nx A 192.0.2.2", inner="x A 192.0.2.1")
    assert texts_of(parsed.zone) == ["x.b.a.example.nl. 300 IN A 192.0.2.1", "x.a.example.nl. 300 IN A 192.0.2.2"]


def test_after_an_included_file_origin_and_owner_are_what_they_were() -> None:
    inner = "y A 192.0.2.1\n$ORIGIN deep\nz A 192.0.2.1\n"
    parsed = include("x A 192.0.2.2\n$INCLUDE inner\n A 192.0.2.3\nw A 192.0.2.2\n", inner=inner)
    assert texts_of(parsed.zone) == [
        "z.deep.example.nl. 300 IN A 192.0.2.1",
        "w.example.nl. 300 IN A 192.0.2.2",
        "x.example.nl. 300 IN A 192.0.2.2",
        "x.example.nl. 300 IN A 192.0.2.3",
        "y.example.nl. 300 IN A 192.0.2.1",
    ]


def test_an_included_file_begins_with_the_owner_of_before_and_leaves_its_ttl() -> None:
    parsed = include("x A 192.0.2.2\n$INCLUDE inner\ny A 192.0.2.2\n", inner=" A 192.0.2.1\n$TTL 7\n")
    assert [line.split()[:2] for line in texts_of(parsed.zone)] == [
        ["x.example.nl.", "300"],
        ["x.example.nl.", "300"],
        ["y.example.nl.", "7"],
    ]


def test_an_opener_gets_the_name_unescaped_and_the_file_that_asks() -> None:
    files = Files(**{"a b": '$INCLUDE "c\\"\\101"\n', 'c"e': "x TXT (\n a )\n", "é": ""})
    parse_zone(HEAD + '$INCLUDE "a b"\n$INCLUDE \\195\\169\n', "example.nl", file="main", include=files)
    assert files.asked == [("a b", "main"), ('c"e', "a b"), ("é", "main")]


def test_a_file_may_be_included_twice_though_not_within_itself() -> None:
    parsed = include("$INCLUDE inner a\n$INCLUDE inner b\n", inner="x A 192.0.2.1")
    assert len(texts_of(parsed.zone)) == 2
    refusal = include_refusal("$INCLUDE inner", inner="\n$INCLUDE ./middle", middle="$INCLUDE ./inner")
    assert (refusal.file, refusal.line) == ("middle", 1)
    assert refusal.reason == "$INCLUDE goes round in a circle: inner includes middle includes inner"


def test_the_text_itself_is_part_of_the_circle() -> None:
    refusal = include_refusal("$INCLUDE main", main="x A 192.0.2.1")
    assert (refusal.file, refusal.line) == ("main", 4)


def test_files_go_only_so_deep() -> None:
    chain = {f"f{depth}": f"$INCLUDE f{depth + 1}\n" for depth in range(DEEPEST_INCLUDE)}
    assert include("$INCLUDE f1\n", **chain, **{f"f{DEEPEST_INCLUDE}": "x A 192.0.2.1"}).zone
    chain[f"f{DEEPEST_INCLUDE}"] = f"\n$INCLUDE f{DEEPEST_INCLUDE + 1}"
    refusal = include_refusal("$INCLUDE f1\n", **chain, **{f"f{DEEPEST_INCLUDE + 1}": ""})
    assert (refusal.file, refusal.line) == (f"f{DEEPEST_INCLUDE}", 2)
    assert "files deep" in refusal.reason


def test_files_are_included_only_so_many_times() -> None:
    refusal = include_refusal("$INCLUDE empty\n" * (MOST_INCLUDES + 1), empty="")
    assert refusal.line == 3 + MOST_INCLUDES + 1


def test_what_an_opener_refuses_is_refused_with_the_place_of_the_directive() -> None:
    refusal = include_refusal("\n$INCLUDE missing\n")
    assert (refusal.file, refusal.line) == ("main", 5)
    assert refusal.reason == "missing: there is no such file"
    assert refusal.remedy == "write it"


def test_what_is_wrong_in_an_included_file_is_refused_with_its_place() -> None:
    refusal = include_refusal("x A 192.0.2.1\n$INCLUDE inner\n", inner="y A 192.0.2.1\n\nz A bad\n")
    assert (refusal.file, refusal.line) == ("inner", 3)


def test_lines_are_counted_on_after_an_included_file() -> None:
    body = "$INCLUDE (\ninner )\n\n$INCLUDE inner\nx A bad\n"
    refusal = include_refusal(body, inner="y A 192.0.2.1\n\n\n\n")
    assert (refusal.file, refusal.line) == ("main", 8)
    (finding,) = include("$INCLUDE inner\ny A 192.0.2.1\n", inner="\n\ny A 192.0.2.1\ny A 192.0.2.1\n").findings
    assert finding.message == "2 records given again, at inner:4, main:5"


def test_a_parenthesis_ends_in_its_own_file() -> None:
    assert include_refusal("$INCLUDE inner\n )", inner="x A ( 192.0.2.1").file == "inner"


def test_an_included_file_may_begin_with_a_byte_order_mark() -> None:
    assert texts_of(include("$INCLUDE inner", inner=b"\xef\xbb\xbfx A 192.0.2.1").zone) == [
        "x.example.nl. 300 IN A 192.0.2.1"
    ]


# ---- $GENERATE ------------------------------------------------------------------------------------------------------


def test_generate_counts() -> None:
    assert read("$GENERATE 1-3 h$ A 192.0.2.$\n") == [f"h{n}.example.nl. 300 IN A 192.0.2.{n}" for n in (1, 2, 3)]
    assert [line.split(".")[0] for line in read("$GENERATE 0-9/4 h$ A 192.0.2.1\n")] == ["h0", "h4", "h8"]


@pytest.mark.parametrize(
    ("template", "number", "text"),
    [
        ("$", 26, "26"),
        ("a$$b$", 26, "a$b26"),
        ("${10}", 26, "36"),
        ("${-30,4}", 26, "-004"),
        ("${0,4,d}", 26, "0026"),
        ("${0,0,d}", 26, "26"),
        ("${0,4,o}", 26, "0032"),
        ("${0,3,x}", 26, "01a"),
        ("${0,3,X}", 26, "01A"),
        ("${-28,3,x}", 26, "fffffffe"),
        ("${0,0,n}", 26, "a.1"),
        ("${0,4,n}", 26, "a.1."),
        ("${0,5,N}", 26, "A.1.0"),
        ("${+1,+3,d}", 26, "027"),
        ("\\$${0}", 26, "$26"),
    ],
)
def test_generate_writes_numbers_as_named_does(template: str, number: int, text: str) -> None:
    assert read(f"$GENERATE {number}-{number} x TXT {template}\n") == [f'x.example.nl. 300 IN TXT "{text}"']


def test_generate_takes_a_ttl_a_class_and_quoted_data() -> None:
    body = '$GENERATE 1-1 a$ 5 IN MX "10 m$"\n$GENERATE 1-1 b$ IN 6 TXT "\\"a b\\" c$"\n'
    assert read(body) == [
        "a1.example.nl. 5 IN MX 10 m1.example.nl.",
        'b1.example.nl. 6 IN TXT "a b" "c1"',
    ]


def test_generate_leaves_the_owner_for_the_record_after_it() -> None:
    assert read("x A 192.0.2.1\n$GENERATE 1-1 h$ A 192.0.2.1\n A 192.0.2.2\n") == [
        "h1.example.nl. 300 IN A 192.0.2.1",
        "x.example.nl. 300 IN A 192.0.2.1",
        "x.example.nl. 300 IN A 192.0.2.2",
    ]


@pytest.mark.parametrize(
    ("directive", "reason"),
    [
        ("3-1 h$ A 192.0.2.1", "no range"),
        ("1-2x h$ A 192.0.2.1", "no range"),
        ("1-3/0 h$ A 192.0.2.1", "no range"),
        ("0-2147483648 h$ A 192.0.2.1", "no range"),
        ("1-2 h$", "takes 4 to 6 arguments"),
        ("1-2 h$ A 1 2 3 4", "takes 4 to 6 arguments"),
        ("1-2 h$ MX 10 m$", "one token, and here are 2"),
        ("1-2 h$ 5 IN A", "one token, and here are 0"),
        ('1-2 "h$" A 192.0.2.1', "is quoted"),
        ('1-2 h$ TXT "a""b"', "is quoted"),
        ("1-2 h${} A 192.0.2.1", "no template"),
        ("1-2 h${0,4,q} A 192.0.2.1", "no template"),
        ("1-2 h${0 A 192.0.2.1", "no template"),
        ("1-2 h${0,128,d} A 192.0.2.1", "too large"),
        ("1-2 h${9999999999} A 192.0.2.1", "too large"),
        ("1-2 h$ OPT 0", "queries and messages"),
        ("1-2 h$ CH 192.0.2.1 A", "class CH"),
        ("1-2 h$ A $.0", "bad A data"),
        ("1-2 h$..x A 192.0.2.1", "empty label"),
        ('1-2 h$ TXT "a ( $"', "a ( without its )"),
        ("1-2 h TXT " + "${0,127}" * 17, "more than 2048 octets"),
        ("0-65536 h$ A 192.0.2.1", "more than the 65536 records"),
        ("0-2147483647 h$ A 192.0.2.1", "more than the 65536 records"),
    ],
)
def test_generate_refuses_what_it_cannot_make(directive: str, reason: str) -> None:
    refusal = refusal_of(f"{HEAD}\n$GENERATE {directive}\n")
    assert refusal.line == 5
    assert reason in refusal.reason


def test_the_limit_of_generate_counts_all_directives_and_can_be_set() -> None:
    text = HEAD + "$GENERATE 1-5 a$ A 192.0.2.1\n$GENERATE 1-5 b$ A 192.0.2.1\n"
    assert len(texts_of(parse_zone(text, "example.nl", generate_limit=10))) == 10
    with pytest.raises(ZoneFileError, match=r"<text>:5: .* more than the 9 records"):
        parse_zone(text, "example.nl", generate_limit=9)


# ---- limits ---------------------------------------------------------------------------------------------------------


def test_one_record_has_a_longest_text() -> None:
    for long in ("x TXT (" + " a\n" * (LONGEST_RECORD // 3) + ")", "x TXT (" + "\n" * LONGEST_RECORD + "a )"):
        assert "longer than 1048576 octets" in refusal_of(HEAD + long).reason
    for comment in ("a" * 2 * LONGEST_RECORD, "a" * LONGEST_RECORD + "\n"):
        for before in ("", "y A 192.0.2.1\n" * 7000):
            refusal = refusal_of(f"{HEAD}{before}x TXT a\n;{comment}")
            assert refusal.line == 5 + before.count("\n")
            assert refusal.reason == "one record is longer than 1048576 octets of text"
    assert read(f"x TXT ( {'a ' * 30000} )\n")


def test_a_long_line_in_small_pieces_is_refused_before_it_is_all_there() -> None:
    pieces = (b"a" for _ in range(4 * LONGEST_RECORD))
    assert refusal_of(pieces).line == 1
    assert next(pieces) == b"a"


def test_many_parentheses_and_many_records_of_one_owner_are_no_trouble() -> None:
    deep = "(" * 100_000
    assert read(f"x A {deep} 192.0.2.1 {')' * 100_000}\n") == ["x.example.nl. 300 IN A 192.0.2.1"]
    assert "a ( without its )" in refusal_of(f"{HEAD}x A {deep}").reason
    numbers = [f"10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(50_000)]
    many = "".join(f"x A {number}\n" for number in numbers)
    assert len(read(many)) == 50_000
    (finding,) = findings_of(many + many)
    assert finding.message.startswith("50000 records given again")


# ---- laws -----------------------------------------------------------------------------------------------------------


@given(zones())
def test_a_zone_is_read_back_from_its_text_to_the_octet(zone: Zone) -> None:
    text = "\n".join(rrset.text() for rrset in zone.rrsets())
    parsed = parse_zone_with_findings(text, zone.origin)
    assert list(parsed.zone.nodes()) == list(zone.nodes())
    assert parsed.findings == ()


@given(zones(), st.data())
def test_the_order_of_the_lines_is_of_no_matter(zone: Zone, data: st.DataObject) -> None:
    lines = [line for rrset in zone.rrsets() for line in rrset.text().split("\n")]
    assert parse_zone("\n".join(data.draw(st.permutations(lines))), zone.origin) == zone


def _outcome(text: ZoneText) -> tuple[object, ...]:
    """What came of a text: every octet of the zone and every finding but for its message; or the reason of refusal."""
    try:
        parsed = parse_zone_with_findings(text, "example.nl")
    except ZoneFileError as error:
        return "refused", error.reason
    return (*parsed.zone.nodes(), *[(finding.code, finding.owner, finding.rdtype) for finding in parsed.findings])


_OWNERS: Final = (
    *("a", "b", "c", "a", "b", "c", "A", "x.y", "*.x", "_t._p", "@", "", "", "", "a.example.nl.", "B.EXAMPLE.nl."),
    *("example.nl.", "x.y.example.nl.", "d.Example.nl.", "o.example.", "a\\.b", "\\097", "a@b", "x" * 63, "é", "nl."),
)
_BAD_OWNERS: Final = ("x" * 64, "a..b", ".a", ".", "..", '"a"', "$a", "a\\", "(a", "a)", "a;", ".".join(["a" * 60] * 4))
_MIDDLES: Final = ("", "", "IN", "in", "300", "300 IN", "IN 300", "1h", "in 0", "iN", "CLASS1 7", "007")
_BAD_MIDDLES: Final = ("CH", "IN IN", "5 5", "5 IN 5", "99999999999", "1h30", "IN CLASS1", "ANY", "IN,", "2147483648")
_DATA: Final = (
    *("A 192.0.2.1", "A 192.0.2.1", "A 192.0.2.2", "a 10.0.0.1", "AAAA ::1", "aaaa 2001:DB8::1", "AAAA ::1.2.3.4"),
    *("NS ns", "NS @", "NS NS.Example.NL.", "ns a\\.b", "MX 10 mail", "MX 010 Mail", "SRV 1 2 3 srv", "CAA 0 issue a"),
    *("TXT a", "TXT a b", 'TXT "a  b" "c"', 'TXT "a;(b)"', 'TXT "a\\"b"', 'TXT "" a', 'TXT "a"b', "TXT é", 'txt "é"'),
    *("CNAME a", "cname b", "DNAME x", "PTR p", 'SVCB 1 . alpn="h2"', "NSEC b A", "NSEC b A TYPE9", "NSEC a\\.b A"),
    *(
        'CAA 0 issue "ca.example; a=\\"b\\" (c)"',
        'caa 128 iodef "a;b"',
        'TXT "\\"; \\"" "\\200"',
        'HINFO "a b" c',
        "RP m t",
    ),
    *('NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:a;b@c!" .', 'URI 1 2 "https://a/b;c=(d)"', f"TLSA 3 1 1 {'ab' * 32}"),
    *('HTTPS 1 . alpn="h2,h3" port=443', "HTTPS 0 pool", "SVCB 1 a ipv4hint=192.0.2.1 key667=x", "SSHFP 4 9 AB cd"),
    *(
        f"SMIMEA 3 0 2 {'Ab ' * 64}",
        "OPENPGPKEY AAAA AA==",
        "CERT PKIX 1 RSASHA256 AAAA",
        "CERT 1 1 8 AAAA",
        "AFSDB 1 a",
        "KX 2 b",
        "TYPE65281 \\# 3 0A 0B0c",
    ),
    *("TYPE65280 \\# 1 00", "TYPE1 192.0.2.1", "A \\# 4 01020304", f"DS 1 13 2 {'ab' * 32}", f"DS 1 13 2 {'AB ' * 32}"),
    *("DNSKEY 257 3 13 AAAA", "DNSKEY 257 3 13 AA AA", "CDS 0 0 0 00", "CDNSKEY 0 3 0 AA=="),
    *("RRSIG A 13 9 9 20300101000000 1 1 @ AAAA", "RRSIG A 13 9 9 1 1 1 example.nl. AA AA"),
    *("rrsig NS 13 9 1h 1 1 1 A AAAA", "RRSIG TYPE9 RSASHA256 9 9 1 1 1 @ AAAA"),
    *("RRSIG A 13 9 9 20300228235959 20300101000000 1 @ AAAA", f"NSEC3 1 0 0 - {'0' * 32}"),
    *(f"NSEC3 1 0 0 - {'2T7B4G4V' * 4} A RRSIG", f"nsec3 1 1 12 aabbCCdd {'2t7b4g4v' * 4} TYPE9 A"),
)
_BAD_DATA: Final = (
    *("A", "A 192.0.2", "A 192.0.2.1 5", "A 192.0.2.256", "AAAA 1", "NS", "NS a b", "NS a..b", 'NS "a"', "MX a"),
    *("MX 65536 a", "MX -1 a", "TXT", 'TXT "a', f"TXT {'a' * 256}", "TXT a\\", "BOGUS a", "OPT \\# 0", "SRV 1 2 a"),
    *("DNSKEY 257 3 13 AAA", "DS 1 1 2 ab", "RRSIG A 13 9 9 1 1 1 @", "RRSIG BOGUS 13 9 9 1 1 1 @ AAAA"),
    *("NSEC b BOGUS", "IN A 192.0.2.1", "A (", "A 192.0.2.1 )", "SOA ns host 1 2 3 4 5", "CNAME c.\\000"),
    *("A 192.0.2.1;c", "AAAA ::1 ; (c)", "TXT a;b"),
    *(f"NSEC3 1 0 0 {salt} {digits} A" for salt, digits in (("a", "0" * 32), ("-", "w" * 32), ("-", "_1" * 16))),
    *(f"NSEC3 {fields} - {'0' * 32}" for fields in ("256 0 0", "1 256 0", "1 0 65536", "1 0")),
    *(f"RRSIG A 13 9 9 {time} 1 1 @ AAAA" for time in ("20300229000000", "20300101240000", "20300101006000")),
    *(f"RRSIG A 13 9 9 {time} 1 1 @ AAAA" for time in ("20300101000061", "203001010000+1", "2030010100000")),
    *(
        'CAA 0 issue "a',
        "CAA 0 is-sue a",
        "TLSA 3 1 1 ab",
        "SSHFP 1 1 ab",
        "HTTPS 0 . alpn=h2",
        "HTTPS 1 . alpn=h2 alpn=h3",
    ),
    *(
        'URI 1 2 ""',
        'NAPTR 1 2 "u" "s" .',
        'HINFO "a"',
        "OPENPGPKEY A",
        "TYPE65280 \\# 2 00",
        'TXT "\\256"',
        'TXT "\\25"',
    ),
)
_OTHER_LINES: Final = (
    *("", "  ", "\t", "; comment", ";", " ; (", "$TTL 60", "$ORIGIN sub", "$ORIGIN example.nl.", "$ORIGIN EXAMPLE.nl."),
    *("$ORIGIN other.", "$ORIGIN .", "$ttl 1d", "$GENERATE 1-2 g$ A 192.0.2.$"),
)


@st.composite
def _lines(draw: DrawFn, *, bad: bool) -> list[str]:
    """Lines of a zone file in many spellings, most of them good unless ``bad``."""
    lines = []
    for _ in range(draw(st.integers(0, 12))):
        if draw(st.integers(0, 5)) == 0:
            lines.append(draw(st.sampled_from(_OTHER_LINES)))
            continue
        wrong = draw(st.integers(0, 11)) if bad else -1
        owner = draw(st.sampled_from(_BAD_OWNERS if wrong == 0 else _OWNERS))
        middle = draw(st.sampled_from(_BAD_MIDDLES if wrong == 1 else _MIDDLES))
        data = draw(st.sampled_from(_BAD_DATA if wrong == 2 else _DATA))
        space = draw(st.sampled_from((" ", " ", "\t", "  ", " \t ")))
        words = [owner, *middle.split(), *data.split(" ", 1)]
        lines.append(space.join(words) + draw(st.sampled_from(("", "", "", " ", "\t"))))
    return lines


def _is_record(line: str) -> bool:
    return line.strip() != "" and not line.startswith("$") and not line.strip().startswith(";")


# The same record as it is, which the plain way takes at the first chance or not at all; with comments and parentheses to
# take away, for its second chance; and with parentheses closed as soon as they are opened, which only the general way
# takes.
SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (
    lambda line: line,
    lambda line: f"{line} ; a (comment)",
    lambda line: f"{line} ( ; a (comment\n; another) one\n)",
    lambda line: f"{line} ( )",
)


def _spelled(head: str, lines: list[str], spellings: list[Callable[[str], str]]) -> str:
    pairs = zip(lines, spellings, strict=True)
    return head + "\n".join(spelling(line) if _is_record(line) else line for line, spelling in pairs)


def _assert_all_spellings_come_to_the_same(head: str, lines: list[str]) -> None:
    expected = _outcome(head + "\n".join(lines))
    for spelling in SPELLINGS:
        assert _outcome(_spelled(head, lines, [spelling] * len(lines))) == expected


HEADS: Final = (HEAD, HEAD, f"@ 300 {SOA}@ NS ns.example.net.\n", f"@ {SOA}@ NS ns.example.net.\n")


@settings(max_examples=400)
@given(st.sampled_from(HEADS), _lines(bad=False))
@example(HEAD, ["a A 192.0.2.1", " A 192.0.2.2", "$ORIGIN sub", " A 192.0.2.3", "a A 192.0.2.4", "b A 192.0.2.1"])
@example(HEAD, ["o.example. A 192.0.2.1", "a A 192.0.2.1", " A 192.0.2.2"])
@example(HEADS[2], ["a 5 A 192.0.2.1", "b 6 A 192.0.2.1", "c 5 A 192.0.2.1", "d A 192.0.2.1"])
def test_the_plain_way_reads_what_the_general_way_reads(head: str, lines: list[str]) -> None:
    _assert_all_spellings_come_to_the_same(head, lines)


@given(_lines(bad=False), st.data())
def test_all_spellings_of_a_record_may_stand_side_by_side(lines: list[str], data: st.DataObject) -> None:
    spellings = [data.draw(st.sampled_from(SPELLINGS)) for _ in lines]
    assert _outcome(_spelled(HEAD, lines, spellings)) == _outcome(HEAD + "\n".join(lines))


@settings(max_examples=300)
@given(_lines(bad=True))
def test_the_plain_way_refuses_what_the_general_way_refuses(lines: list[str]) -> None:
    # A backslash at the end would escape what is put after it, and a comment would swallow it.
    kept = [line for line in lines if ";" not in line.removeprefix(" ")[1:] and not line.rstrip().endswith("\\")]
    _assert_all_spellings_come_to_the_same(HEAD, kept)


@given(_lines(bad=True), st.data())
def test_it_is_of_no_matter_in_what_pieces_the_text_comes(lines: list[str], data: st.DataObject) -> None:
    octets = (HEAD + "\r\n".join(lines)).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    assert _outcome(iter(pieces)) == _outcome(octets) == _outcome(octets.splitlines(keepends=True))


def test_pieces_larger_and_smaller_than_what_is_read_at_once_make_the_same_zone() -> None:
    body = "".join(f"host{n} A 192.0.2.1\n TXT ( a\n b )\n" for n in range(30_000))
    octets = (HEAD + body).encode()
    whole = parse_zone(octets, "example.nl")
    assert len(whole) == 30_001
    assert list(parse_zone(octets.splitlines(keepends=True), "example.nl").nodes()) == list(whole.nodes())
    pieces = (octets[start : start + 70_001] for start in range(0, len(octets), 70_001))
    assert list(parse_zone(pieces, "example.nl").nodes()) == list(whole.nodes())
    refusal = refusal_of(octets.replace(b"host29999 A 192.0.2.1", b"host29999 A bad"))
    assert refusal.line == 3 + 29_999 * 3 + 1


RICH_ZONE: Final = (
    HEAD
    + r"""
$ORIGIN sub.example.nl.
www 1h IN A 192.0.2.1 ; a comment (
    IN 2h AAAA 2001:db8::1
mail (
  MX 10 mail.example.net. ; )
  )
txt TXT "quoted ; (string)" plain \"esc\032aped\" ""
*.wild CNAME www
$GENERATE 1-3/2 gen${0,3,d} 5 A 192.0.2.$
$TTL 1d12h
x\.y\000 TYPE65280 \# 3 01 0203
 SRV 1 2 3 srv
svc SVCB 1 . alpn="h2,h3" port=53
$INCLUDE inner "deep"
$INCLUDE inner deep
example.nl. DNSKEY 257 3 13 ( AAAA
  BBBB )
 RRSIG DNSKEY 13 2 300 20300101000000 20200101000000 1 example.nl. AA AA
 NSEC www.example.nl. NS SOA RRSIG
out.example. A 192.0.2.1
"""
)


@st.composite
def _mutated(draw: DrawFn) -> bytes:
    octets = bytearray(RICH_ZONE.encode())
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(octets) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                octets[place : place + draw(st.integers(1, 40))] = b""
            case 1:
                octets[place:place] = draw(st.sampled_from(_OCTETS_TO_PUT))
            case 2:
                octets[place : place + 1] = draw(st.binary(min_size=1, max_size=2))
            case _:
                start = draw(st.integers(0, len(octets) - 1))
                octets[place:place] = octets[start : start + 60]
    return bytes(octets)


_OCTETS_TO_PUT: Final = (
    *(b"(", b")", b'"', b"\\", b";", b"\n", b"\r", b" ", b"\t", b"\0", b"@", b"$", b".", b"..", b"{", b"}", b"\xff"),
    *(b"$GENERATE 0-9 ", b"$INCLUDE ", b"$ORIGIN ", b"${0,9,n}", b"\\# ", b"TYPE", b"CLASS", b"4294967296", b"A", b"-"),
)


@settings(max_examples=500)
@given(_mutated())
def test_a_broken_text_is_read_or_refused_and_nothing_else(octets: bytes) -> None:
    files = Files(inner="a A 192.0.2.1\n$ORIGIN b\n TXT c\n")
    refusal = ""
    try:
        parse_zone(octets, "example.nl", include=files)
    except ZoneFileError as error:
        refusal = str(error)
    assert refusal.isprintable()


def test_the_rich_zone_is_refused_only_for_its_quoted_origin() -> None:
    files = Files(inner="a A 192.0.2.1\n$ORIGIN b\n TXT c\n")
    whole = RICH_ZONE.replace('$INCLUDE inner "deep"\n', "")
    assert len(parse_zone(whole, "example.nl", include=files)) == 10


# ---- peers ----------------------------------------------------------------------------------------------------------

Records = frozenset[tuple[bytes, int, int, bytes]]
"""Records as owner in lower case, type, TTL and canonical data."""


def _record(owner: bytes, rdtype: int, ttl: int, octets: bytes | None) -> tuple[bytes, int, int, bytes]:
    assert octets is not None
    return owner.lower(), rdtype, ttl, rd.canonical_rdata(rdtype, octets)


def our_records(text: str) -> Records | None:
    """What we read in a zone of example.nl, or None when we refuse it."""
    try:
        zone = parse_zone(text, "example.nl")
    except ZoneFileError:
        return None
    return frozenset(
        _record(rrset.owner, rrset.rdtype, rrset.ttl, octets) for rrset in zone.rrsets() for octets in rrset.rdatas
    )


def dnspython_records(text: str) -> Records | None:
    try:
        zone = dns.zone.from_text(text, "example.nl.", relativize=False)
    except Exception:  # dnspython raises many kinds here, not only its own
        return None
    return frozenset(
        _record(name.to_wire() or b"", int(rdata.rdtype), ttl, rdata.to_wire())
        for name, ttl, rdata in zone.iterate_rdatas()
    )


def named_records(text: str, directory: Path) -> Records | None:
    """What named reads, printed by named-compilezone without any of its checks of content."""
    (directory / "zone").write_bytes(text.encode())
    checks = [word for letter in "knmMSTr" for word in (f"-{letter}", "ignore")]
    options = ["-q", "-i", "none", *checks, "-F", "text", "-s", "full", "-o", str(directory / "out")]
    done = run_peer(["named-compilezone", *options, "example.nl", directory / "zone"])
    if done.returncode != 0:
        return None
    lines = (directory / "out").read_text(encoding="ascii").splitlines()
    return frozenset(_named_record(line) for line in lines if line and not line.startswith(";"))


def _named_record(line: str) -> tuple[bytes, int, int, bytes]:
    owner, ttl, _, type_text, *data = line.split(None, 4)
    rdtype = rd.parse_type(type_text)
    try:
        octets = dns.rdata.from_text("IN", RdataType.make(rdtype), data[0] if data else "").to_wire()
    except dns.exception.DNSException:  # a type that dnspython does not read
        return owner.encode(), rdtype, int(ttl), line.encode()
    return _record(parse_name(owner), rdtype, int(ttl), octets)


def _good_bodies() -> Iterator[tuple[str, str]]:
    """Texts that we read as both peers do, put after HEAD."""
    yield "class and TTL", "a IN 5 A 1.2.3.4\nb 5 IN A 1.2.3.4\nc 5 A 1.2.3.4\nd IN A 1.2.3.4\ne CLASS1 1h A 1.2.3.4\n"
    yield "letter case", "$ttl 400\nx iN a 1.2.3.4\n$oRiGin Foo\ny tXt A\n"
    yield "TTL units", "x 1d12h A 1.2.3.4\ny 1W2D A 1.2.3.4\nz 1h1h A 1.2.3.4\n$TTL (\n 9 )\nw A 1.2.3.4\n"
    yield "blank owner", "x A 1.2.3.4\n\n  \n;c\n ;c\n A 1.2.3.5\n$ORIGIN foo\n A 1.2.3.6\n"
    yield (
        "parentheses",
        "( x A 1.2.3.4 )\n ( A 1.2.3.5 )\ny (( A ) 1.2.3.4 ; )\n)\n(\nz A 1.2.3.4 )\nw (\n\nA\n1.2.3.4 ) ; c\n",
    )
    yield "strings", 'x TXT a(b)c\ny TXT a"b"c"d""e"\nz TXT "" a;b\nw TXT "a;(b)" a\\ b\\;c\\"d a\\032b \\# \\060\n'
    yield "strings beyond ASCII", 'x TXT é "é"\n'
    yield "one hundred strings", f'x TXT {" ".join(["a"] * 100)} "{"a" * 255}"\n'
    yield (
        "names",
        "x\\032y A 1.2.3.4\n\\@ A 1.2.3.4\na@ A 1.2.3.4\nx NS a@b\na.*.b A 1.2.3.4\n*.x A 1.2.3.4\n@ A 1.2.3.4\n",
    )
    yield "dollars", "a$x A 1.2.3.4\n\\$x A 1.2.3.4\n"
    yield "CRLF", "x A 1.2.3.4\r\n A ( 1.2.3.5\r\n )\r\n"
    yield "no final line end", "x A 1.2.3.4"
    yield (
        "$ORIGIN",
        "$ORIGIN .\nx A 1.2.3.4\ny.example.nl A 1.2.3.4\n$ORIGIN a.example.nl. ; c\n@ A 1.2.3.4\n$ORIGIN b\nx A 1.2.3.4\n",
    )
    yield (
        "generic",
        "x A \\# 4 01020304\ny TYPE1 \\# 4 0102 0304\nz TYPE65280 \\# 3 01 0203\nw TYPE65280 \\# 0\nv TYPE01 1.2.3.4\n",
    )
    yield (
        "out of zone",
        "y. A 1.2.3.4\n A 1.2.3.5\nexample.nl.com. A 1.2.3.4\nxexample.nl. A 1.2.3.4\ny. SOA a b 1 2 3 4 5\n",
    )
    yield "duplicates", "x A 1.2.3.4\nx A 1.2.3.4\ny NS a\nY NS A\n@ SOA NS.example.net. host 1 2 3 4 555\n"
    yield (
        "CNAME",
        "x CNAME a\nx NSEC b A\nx RRSIG CNAME 13 3 9 20300101000000 20200101000000 1 @ AAAA\nx KEY 512 3 13 AQAB\n",
    )
    yield "the same CNAME", "x CNAME a\nx CNAME A\n"
    yield "TTLs of signatures", "x 5 RRSIG A 13 3 9 1 1 1 @ AAAA\nx 7 RRSIG AAAA 13 3 9 1 1 1 @ AA AA\n"
    yield "delegation", "x NS ns.x\nns.x A 1.2.3.4\ny.x TXT a\nx DNAME a\n"
    yield (
        "DNSSEC",
        (
            f"@ DNSKEY 257 3 13 AA AA\n@ CDS 0 0 0 00\n@ CDNSKEY 0 3 0 AA==\nx DS 1 13 2 {'ab ' * 32}\nx NSEC3PARAM 1 0 0 -\n"
            "y NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A\ny NSEC3 1 1 12 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3T\n"
            f"z RRSIG A ECDSAP256SHA256 3 200 1795262400 1 1 @ AAAA\n@ CSYNC 1 3 A NS AAAA\n@ ZONEMD 1 1 1 {'ab' * 48}\n"
            f"w DLV 1 13 2 {'ab' * 32}\nx NSEC z.x A NS TYPE1234\n"
        ),
    )
    yield (
        "services",
        (
            'a SRV 1 2 3 a\nb CAA 0 issue "ca"\nb CAA 128 issue ca\nc NAPTR 100 50 "s" "z" "" _z._tcp.a\nd URI 10 1 "ftp://a"\n'
            f'e SVCB 1 . alpn="h2,h3" port=53\ne HTTPS 1 . alpn=h2 ipv4hint=1.2.3.4\nf HTTPS 0 a\ng TLSA 3 1 1 {"ab" * 32}\n'
            f"h SSHFP 4 2 {'ab' * 32}\ni SMIMEA 3 1 1 {'ab' * 32}\nj OPENPGPKEY AAAA\nk CERT PGP 0 0 AAAA\n"
        ),
    )
    yield (
        "rare types",
        (
            'a HINFO a "b c"\nb RP a b\nc AFSDB 1 a\nd PX 1 a b\ne X25 311061700956\nf ISDN "150862028003217" "004"\n'
            "g GPOS -32.6882 116.8652 10.0\nh EUI48 00-00-5e-00-53-2a\ni APL 1:192.168.32.0/21 !1:192.168.38.0/28\ni2 APL\n"
            "j LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\nk AMTRELAY 10 0 1 1.2.3.4\nl SPF a\nm L32 10 1.2.3.4\n"
            "n NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00\no KX 1 a\np LP 10 a\nq NULL \\# 1 00\nr WKS 1.2.3.4 TCP 25 80\n"
        ),
    )
    yield "addresses", "a AAAA ::ffff:1.2.3.4\nb AAAA 1::\nc AAAA 1:2:3:4:5:6:7::\nd AAAA 1:2:3:4:5:6:7:8\ne AAAA ::\n"
    yield (
        "$GENERATE",
        (
            "$GENERATE 1-6/2 h${0,3,d} A 1.2.3.$\n$GENERATE 9-26/17 n${0,5,n} CNAME a${0,3,N}x\n"
            "$GENERATE 9-12/3 o${0,3,o} CNAME a${0,2,x}-${0,2,X}\n$GENERATE 1-2 d$$ CNAME a$$b\n$GENERATE 1-2 t$$$ CNAME a$$$b\n"
            "$GENERATE 1-2 e\\$$ CNAME a\\$b$\n$GENERATE 1-2 m${-3} CNAME a${-3,3}\n$GENERATE 1-2 a$. A 1.2.3.4\n"
            "$GENERATE 1-2 c$ 5 A 1.2.3.4\n$GENERATE 1-2 i$ 6 IN A 1.2.3.4\n$GENERATE 1-1 b CNAME a\\${0}\n"
        ),
    )


GOOD_BODIES: Final = dict(_good_bodies())

WHOLE_TEXTS: Final = {
    "no TTL but the SOA's": f"@ {SOA}@ NS ns.example.net.\n",
    "no $TTL": f"@ 3600 {SOA}@ NS ns.example.net.\nx 7 A 1.2.3.4\nz A 1.2.3.4\n",
    "the SOA second": f"x 7 A 1.2.3.4\n@ {SOA}@ NS ns.example.net.\n",
    "no TTL before the SOA": f"x A 1.2.3.4\n@ {SOA}@ NS ns.example.net.\n",
    "the apex in capitals": f"$TTL 5\nEXAMPLE.nl. {SOA}eXample.nl. NS ns.example.net.\n",
    "units in the SOA": "$TTL 5\n@ SOA ns. host 4294967295 1h 2m 1w 1d\n@ NS ns.example.net.\n",
    "a serial below 0": "$TTL 5\n@ SOA ns. host -1 1h 2m 1w 1d\n@ NS ns.example.net.\n",
    "no NS": f"@ 300 {SOA}",
    "no SOA": "@ 300 NS ns.example.net.\n",
    "nothing": "",
}

# Where a peer reads a text in another way, on purpose on our side or for a limit on theirs: the text after HEAD, the
# peers that differ, and why. What the reader refuses here and they accept it refuses because the text is more likely a
# mistake than meant, or because zonekit could not sign or serve it as they do.
NAMED, DNSPYTHON = "named", "dnspython"
BOTH: Final = (NAMED, DNSPYTHON)
DIVERGENCES: Final[dict[str, tuple[str, tuple[str, ...], str]]] = {
    "TTL over 2^31-1": (
        "x 2147483648 A 1.2.3.4\n",
        BOTH,
        "RFC 2181 section 8; named serves it as 0",
    ),
    "TTL of eleven digits": ("x 00000000001 A 1.2.3.4\n", BOTH, "nobody means that"),
    "quoted owner": ('"x y" A 1.2.3.4\n', (NAMED,), "RFC 1035 section 5.1 quotes character-strings, not names"),
    "$DATE": ("$DATE 20260101000000\nx A 1.2.3.4\n", (NAMED,), "named writes it into dumps of caches, not into zones"),
    "line end in quotes": ('x TXT "a\\\nb"\n', BOTH, "a quote not closed is the likelier reason"),
    "form feed": ("x TXT a\fb\n", BOTH, "to them it is part of a word, to a person white space"),
    "vertical tab": ("x TXT a\vb\n", BOTH, "as the form feed"),
    "carriage return": ("x A 1.2.3.4\ry A 1.2.3.4\n", BOTH, "to them the end of a line outside quotes, inside not"),
    "NUL in a comment": ("x A 1.2.3.4 ;\0\n", BOTH, "a text with NUL is no text"),
    "TTL differs, apart": ("x 7 A 1.2.3.4\ny A 1.2.3.4\nx 5 A 1.2.3.5\n", BOTH, "named takes the last group's TTL"),
    "TTL differs": ("x 5 A 1.2.3.4\nx 3 A 1.2.3.5\n", (DNSPYTHON,), "dnspython takes the smallest, named the first"),
    "range with more": ("$GENERATE 1-2x h$ A 1.2.3.$\n", (NAMED,), "named does not look at the rest of the word"),
    "parentheses in $GENERATE": ("$GENERATE 1-2 ( h$ A \n 1.2.3.4 )\n", (NAMED,), "RFC 1035 lets them join any lines"),
    "DS at the apex": (f"@ DS 1 13 2 {'ab' * 32}\n", (DNSPYTHON,), "RFC 4035 section 2.4: it MUST NOT be there"),
    "NS at a wildcard": ("*.x NS a\n", (NAMED,), "RFC 4592 section 4.2 does not bar it; sign_zone does"),
    "RRSIG of too few labels": ("x RRSIG A 13 1 9 1 1 1 @ AAAA\n", (NAMED,), "a verifier's matter"),
    "NSEC without types": ("x NSEC a\n", (NAMED,), "a verifier's matter, not a reader's"),
    "MINFO": ("x MINFO a b\n", (NAMED,), "dnspython has no reader for it; the generic form of RFC 3597 is read"),
    "MB": ("x MB a\n", (NAMED,), "as MINFO; so are MD, MF, MG, MR and A6"),
    "flags by name": ("@ DNSKEY ZONE 3 13 AAAA\n", (NAMED,), "RFC 4034 section 2.2 wants numbers"),
    "NID without zeros": ("x NID 10 14:4fff:ff20:ee64\n", (NAMED,), "dnspython wants four digits in each group"),
    "first record without owner": ("", (DNSPYTHON,), "RFC 1035 section 5.1 wants one; see WITHOUT_OWNER"),
    "bad data outside the zone": ("y. A 1.2.3\n", (DNSPYTHON,), "dnspython does not look at it"),
    "two SOAs": ("@ SOA a b 1 2 3 4 5\n", (DNSPYTHON,), "dnspython keeps the last"),
    "two CNAMEs": ("x CNAME a\nx CNAME b\n", (DNSPYTHON,), "dnspython keeps the last"),
    "two DNAMEs": ("x DNAME a\nx DNAME b\n", (DNSPYTHON,), "dnspython keeps the last"),
    "two NSECs": ("x NSEC a A\nx NSEC b A\n", (DNSPYTHON,), "dnspython keeps the last"),
    "CNAME and SIG": (
        "x CNAME a\nx SIG A 13 3 9 20300101000000 20200101000000 1 @ AAAA\n",
        (DNSPYTHON,),
        "RFC 2535 section 2.3.5 allows it",
    ),
    "CNAME and RRSIG of A": ("x CNAME a\nx RRSIG A 13 3 9 1 1 1 @ AAAA\n", (DNSPYTHON,), "a verifier's matter"),
    "type 0": ("x TYPE0 \\# 0\n", (DNSPYTHON,), "RFC 6895 section 3.1 reserves it"),
    "type 200": ("x TYPE200 \\# 0\n", (DNSPYTHON,), "RFC 6895 section 3.1: for queries and messages"),
    "OPT": ("x OPT \\# 0\n", (DNSPYTHON,), "RFC 6891 section 6.1.1: never in a master file"),
    "CLASS with many zeros": ("x CLASS000001 A 1.2.3.4\n", (DNSPYTHON,), "named refuses it too"),
    "owner beyond ASCII": ("é A 1.2.3.4\n", (DNSPYTHON,), "dnspython makes an A-label of it, RFC 1035 has octets"),
    "byte order mark inside": ("\ufeffx A 1.2.3.4\n", (DNSPYTHON,), "dnspython drops it with IDNA's mapping"),
    "quoted data in $GENERATE": ('$GENERATE 1-2 h$ MX "10 m$"\n', (DNSPYTHON,), "dnspython takes no quotes there"),
    "class before TTL in $GENERATE": ("$GENERATE 1-1 h$ IN 5 A 1.2.3.4\n", (DNSPYTHON,), "dnspython takes one order"),
    "owner after $GENERATE": ("x A 1.2.3.4\n$GENERATE 1-2 h$ A 1.2.3.$\n A 1.2.3.5\n", (DNSPYTHON,), "it changes it"),
    "negative hexadecimal": ("$GENERATE 1-1 h CNAME a${-3,4,x}\n", (DNSPYTHON,), "dnspython writes a minus sign"),
}


@pytest.mark.parametrize("case", GOOD_BODIES)
def test_a_text_is_read_as_dnspython_reads_it(case: str) -> None:
    ours = our_records(HEAD + GOOD_BODIES[case])
    assert ours is not None
    assert ours == dnspython_records(HEAD + GOOD_BODIES[case].replace("\r\n", "\n"))


@pytest.mark.parametrize("case", GOOD_BODIES)
def test_a_text_is_read_as_named_reads_it(case: str, tmp_path: Path) -> None:
    assert our_records(HEAD + GOOD_BODIES[case]) == named_records(HEAD + GOOD_BODIES[case], tmp_path)


@pytest.mark.parametrize("case", WHOLE_TEXTS)
def test_a_zone_is_a_zone_to_us_when_it_is_one_to_dnspython_and_named(case: str, tmp_path: Path) -> None:
    ours = our_records(WHOLE_TEXTS[case])
    assert ours == dnspython_records(WHOLE_TEXTS[case])
    assert ours == named_records(WHOLE_TEXTS[case], tmp_path)


@pytest.mark.parametrize("case", DIVERGENCES)
def test_we_differ_from_exactly_these_peers(case: str, tmp_path: Path) -> None:
    body, differing, reason = DIVERGENCES[case]
    text = HEAD + body if body else WITHOUT_OWNER
    ours = our_records(text)
    answers = {DNSPYTHON: dnspython_records(text), NAMED: named_records(text, tmp_path)}
    assert {peer for peer, answer in answers.items() if answer != ours} == set(differing), reason


WITHOUT_OWNER: Final = f" 5 {SOA} NS ns.example.net.\n"


@pytest.mark.parametrize("case", sorted(REFUSALS.keys() - DIVERGENCES.keys()))
def test_what_we_refuse_named_refuses_unless_it_is_listed(case: str, tmp_path: Path) -> None:
    if case not in NAMED_ACCEPTS:
        assert named_records(HEAD + REFUSALS[case][0] + "\n", tmp_path) is None


# The refusals above whose reasons stand in DIVERGENCES, under the name that the case has there.
NAMED_ACCEPTS: Final = {
    "a TTL over 2^31-1": "TTL over 2^31-1",
    "a TTL over 2^31-1 in $TTL": "TTL over 2^31-1",
    "a quoted owner": "quoted owner",
    "BIND's $DATE": "$DATE",
    "a line end escaped in quotes": "line end in quotes",
    "a NUL byte in a comment": "NUL in a comment",
    "a form feed": "form feed",
    "a carriage return alone": "carriage return",
    "$INCLUDE not allowed": "",
}


@settings(max_examples=25)
@given(zones())
def test_a_zone_is_read_as_dnspython_reads_it(zone: Zone) -> None:
    text = "\n".join(rrset.text() for rrset in zone.rrsets())
    assert our_records(text) == dnspython_records(text)


@settings(max_examples=25)
@given(signable_zones())
def test_a_zone_is_read_as_named_reads_it(tmp_path_factory: pytest.TempPathFactory, zone: Zone) -> None:
    # named wants an address for each server of the apex that lies in the zone, which no option turns off.
    zone = zone.replace(RRset.from_text("example.nl.", 300, "NS", "ns.example.net."))
    # And it looks into the expressions of NAPTR.
    text = "\n".join(rrset.text() for rrset in zone.rrsets() if rrset.rdtype != rd.NAPTR) + "\n"
    assert our_records(text) == named_records(text, tmp_path_factory.mktemp("named"))


@settings(max_examples=40)
@given(_lines(bad=True))
def test_odd_lines_are_read_as_named_reads_them_or_both_refuse_them(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    # No servers that would need addresses, no NSEC3 at an owner that is no hash, and nothing that DIVERGENCES has.
    kept = [line for line in lines if not {"NS", "DS", "NSEC3", "2147483648", '"A"'} & {*line.upper().split()}]
    text = HEAD + "\n".join(kept) + "\n"
    ours, named = our_records(text), named_records(text, tmp_path_factory.mktemp("named"))
    if ours is not None and named is not None and any(finding.code == "ttl-differs" for finding in findings_in(text)):
        ours, named = _without_ttls(ours), _without_ttls(named)  # see "TTL differs, apart"
    assert ours == named


def findings_in(text: str) -> tuple[Finding, ...]:
    return parse_zone_with_findings(text, "example.nl").findings


def _without_ttls(records: Records) -> Records:
    return frozenset((owner, rdtype, 0, octets) for owner, rdtype, _, octets in records)
